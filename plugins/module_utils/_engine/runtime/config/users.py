# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the numbers behind a container's user and groups, from the image's own passwd and group.

Pure: the two files' contents are handed in. Sources: passwd(5), group(5), podman-run(1) ``--user``,
``--group-add``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Optional

from ...errors import InvalidOption
from ...frozen import dataclass
from ...model.values.accounts import GREATEST_ID, GREATEST_OWNER, asked_number, number


@dataclass(frozen=True)
class ResolvedUser:
    """A user as the kernel knows it; ``groups`` are the supplementary ones, ``name`` None if unknown."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str
    name: Optional[str]


@dataclass(frozen=True)
class _User:
    name: str
    uid: int
    gid: int
    home: str


@dataclass(frozen=True)
class _Group:
    name: str
    gid: int
    members: tuple[str, ...]


def resolve(user: str | None, group_add: Sequence[str], *, passwd: str, group: str) -> ResolvedUser:
    """Resolve ``user``, ``uid``, ``user:group``, ``uid:gid`` (None or ``""``: root) and the added groups.

    A number is always an id, also where an account has digits for a name. A named group leaves out the user's groups of
    /etc/group, as podman does. Raises InvalidOption for a name that is in neither file; a number need not be.

    runc looks each group that is joined up in the container's /etc/group, where it takes a number for a name, too: a process in
    group 55 gets 0 where a group of id 0 is called 55. Such a one is not joined; one that was asked for is refused.
    """
    groups = tuple(_groups(group))
    user_part, colon, group_part = (user or "").partition(":")
    found = _find_user(user_part or "0", tuple(_users(passwd)), user)
    gid = _find_group("user", group_part, groups) if group_part else found.gid
    joined = [gid] if user else []
    if not colon:
        joined += [item.gid for item in groups if found.name and found.name in item.members]
    joined = [one for one in joined if _taken_for(one, groups) is None]
    joined += [_added(name, groups) for name in group_add]
    return ResolvedUser(found.uid, gid, tuple(dict.fromkeys(joined)), found.home, found.name or None)


def _added(name: str, groups: tuple[_Group, ...]) -> int:
    gid = _find_group("group_add", name, groups)
    other = _taken_for(gid, groups)
    if other is not None:
        raise InvalidOption(
            "group_add",
            name,
            f"is {gid}, and the image's /etc/group calls the group of id {other.gid} so, which runc would take for it",
            remedy="Leave it out, or give the image's group another name",
        )
    return gid


def _taken_for(gid: int, groups: tuple[_Group, ...]) -> _Group | None:
    """Return the group that runc takes for the one of this id: the first that has it as its id or as its name."""
    first = next((one for one in groups if one.gid == gid or one.name == str(gid)), None)
    return first if first is not None and first.gid != gid else None


def find_uid(option: str, word: str, *, passwd: str) -> int:
    """Return the id of a file's owner by name or number; raises InvalidOption."""
    asked = asked_number(option, word, word, greatest=GREATEST_OWNER)
    if asked is not None:
        return asked
    users = tuple(_users(passwd))
    for entry in users:
        if entry.name == word:
            return entry.uid
    names = [entry.name for entry in users]
    raise _unknown(option, word, "no such user is in the container's /etc/passwd", names, word)


def find_gid(option: str, word: str, *, group: str) -> int:
    """Return the id of a file's group by name or number; raises InvalidOption."""
    return _find_group(option, word, tuple(_groups(group)), greatest=GREATEST_OWNER)


def _find_user(word: str, users: tuple[_User, ...], whole: str | None) -> _User:
    asked = asked_number("user", whole, word)
    for entry in users:
        if entry.uid == asked if asked is not None else entry.name == word:
            return entry
    if asked is None:
        raise _unknown(
            "user", whole, "no such user is in the image's /etc/passwd", [entry.name for entry in users], word
        )
    # Nothing is known of this user: the group is root's and home is /, as runc and podman have it.
    return _User("", asked, 0, "/")


def _find_group(option: str, word: str, groups: tuple[_Group, ...], *, greatest: int = GREATEST_ID) -> int:
    asked = asked_number(option, word, word, greatest=greatest)
    if asked is not None:
        return asked
    for entry in groups:
        if entry.name == word:
            return entry.gid
    names = [entry.name for entry in groups]
    raise _unknown(option, word, "no such group is in the image's /etc/group", names, word)


def _unknown(option: str, value: str | None, why: str, names: list[str], word: str) -> InvalidOption:
    from difflib import get_close_matches

    near = get_close_matches(word, names, 3)
    hint = f"Near are: {', '.join(near)}" if near else "A number works without an entry"
    return InvalidOption(option, value, f"is unknown: {why}", remedy=hint)


def _users(text: str) -> Iterator[_User]:
    for fields in _lines(text, 6):
        uid, gid = number(fields[2]), number(fields[3])
        if uid is not None and gid is not None:
            yield _User(fields[0], uid, gid, fields[5] or "/")


def _groups(text: str) -> Iterator[_Group]:
    for fields in _lines(text, 3):
        gid = number(fields[2])
        if gid is not None:
            members = fields[3].split(",") if len(fields) > 3 else []
            yield _Group(fields[0], gid, tuple(name.strip() for name in members if name.strip()))


def _lines(text: str, least: int) -> Iterator[list[str]]:
    """Yield the fields of each entry; the image's file may hold anything, so what is no entry is skipped."""
    for line in text.splitlines():
        fields = line.strip().split(":")
        if len(fields) >= least and fields[0] and not fields[0].startswith("#"):
            yield fields


def missing_entries(user: str, workdir: str, *, passwd: str, group: str) -> tuple[str, str]:
    """Return the lines that passwd and group need for a user who is written in digits and in neither, "" for none.

    As podman has them (generateUserPasswdEntry, generateUserGroupEntry): the home is where commands start, and a group of that
    number or name is one.
    """
    user_part, _colon, group_part = user.partition(":")
    uid, gid = number(user_part), number(group_part or user_part)
    users, groups = tuple(_users(passwd)), tuple(_groups(group))
    line = named = ""
    if uid is not None and not any(entry.uid == uid or entry.name == user_part for entry in users):
        first = _find_group("user", group_part, groups) if group_part else 0
        home = workdir if workdir.isprintable() and ":" not in workdir else "/"
        line = f"{uid}:*:{uid}:{first}:container user:{home}:/bin/sh\n"
    if gid is not None and not any(
        item.gid == gid or item.name == (group_part or user_part) for item in groups
    ):
        named = f"{gid}:x:{gid}:{user_part}\n"
    return line, named


def home_of(uid: int, *, passwd: str) -> str | None:
    """Return the home of the first entry with this id, None when there is none."""
    return next((entry.home for entry in _users(passwd) if entry.uid == uid), None)
