# SPDX-License-Identifier: GPL-3.0-or-later
"""The numeric IDs of a container's user and groups, from the image's passwd and group files.

Pure: the caller passes in the contents of both files. Sources: passwd(5), group(5), podman-run(1) ``--user``,
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
    """A user in numeric form; ``groups`` are the supplementary groups, ``name`` is None if unknown."""

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

    A number is always an ID, even if an account's name consists of digits. As in podman, a named group
    replaces the user's groups of /etc/group. Raises InvalidOption for a name without an entry; a number needs
    none.

    runc looks up each supplementary group in the container's /etc/group and also matches the number against
    names: a process in group 55 gets 0 if the group with ID 0 is named "55". Such a group is skipped; if it
    was asked for, it is an error.
    """
    groups = tuple(_groups(group))
    user_part, colon, group_part = (user or "").partition(":")
    found = _find_user(user_part or "0", tuple(_users(passwd)), user)
    gid = _find_group("user", group_part, groups) if group_part else found.gid
    joined = [gid] if user else []
    if not colon:
        joined += [item.gid for item in groups if found.name and found.name in item.members]
    joined = [one for one in joined if _mistaken_for(one, groups) is None]
    joined += [_added(name, groups) for name in group_add]
    return ResolvedUser(found.uid, gid, tuple(dict.fromkeys(joined)), found.home, found.name or None)


def _added(name: str, groups: tuple[_Group, ...]) -> int:
    gid = _find_group("group_add", name, groups)
    other = _mistaken_for(gid, groups)
    if other is not None:
        raise InvalidOption(
            "group_add",
            name,
            f"has ID {gid}, but runc would use ID {other.gid}, whose group is named '{gid}' in the image's /etc/group",
            remedy="Remove it, or rename the image's group",
        )
    return gid


def _mistaken_for(gid: int, groups: tuple[_Group, ...]) -> _Group | None:
    """Return the other group that runc would pick for this ID, or None.

    runc picks the first group that has the number as its ID or as its name.
    """
    first = next((one for one in groups if one.gid == gid or one.name == str(gid)), None)
    return first if first is not None and first.gid != gid else None


def find_uid(option: str, word: str, *, passwd: str) -> int:
    """Return the UID of a file's owner given by name or number; raises InvalidOption."""
    asked = asked_number(option, word, word, greatest=GREATEST_OWNER)
    if asked is not None:
        return asked
    users = tuple(_users(passwd))
    for entry in users:
        if entry.name == word:
            return entry.uid
    names = [entry.name for entry in users]
    raise _unknown(option, word, "the container's /etc/passwd has no such user", names, word)


def find_gid(option: str, word: str, *, group: str) -> int:
    """Return the GID of a file's group given by name or number; raises InvalidOption."""
    return _find_group(option, word, tuple(_groups(group)), greatest=GREATEST_OWNER)


def _find_user(word: str, users: tuple[_User, ...], whole: str | None) -> _User:
    asked = asked_number("user", whole, word)
    for entry in users:
        if entry.uid == asked if asked is not None else entry.name == word:
            return entry
    if asked is None:
        raise _unknown(
            "user", whole, "the image's /etc/passwd has no such user", [entry.name for entry in users], word
        )
    # A user without an entry: the group is root and the home is /, as in runc and podman.
    return _User("", asked, 0, "/")


def _find_group(option: str, word: str, groups: tuple[_Group, ...], *, greatest: int = GREATEST_ID) -> int:
    asked = asked_number(option, word, word, greatest=greatest)
    if asked is not None:
        return asked
    for entry in groups:
        if entry.name == word:
            return entry.gid
    names = [entry.name for entry in groups]
    raise _unknown(option, word, "the image's /etc/group has no such group", names, word)


def _unknown(option: str, value: str | None, why: str, names: list[str], word: str) -> InvalidOption:
    from difflib import get_close_matches

    near = get_close_matches(word, names, 3)
    hint = f"Use a similar name: {', '.join(near)}" if near else "Use a number, which needs no entry"
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
    """Yield the fields of each entry; the image's file may contain anything, so invalid lines are skipped."""
    for line in text.splitlines():
        fields = line.strip().split(":")
        if len(fields) >= least and fields[0] and not fields[0].startswith("#"):
            yield fields


def missing_entries(user: str, workdir: str, *, passwd: str, group: str) -> tuple[str, str]:
    """Return the lines to add to passwd and group for a numeric user without entries, "" for none.

    As in podman (generateUserPasswdEntry, generateUserGroupEntry), the home is the working directory, and no
    group is added if one has that number or name.
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
    """Return the home directory of the first entry with this UID, or None."""
    return next((entry.home for entry in _users(passwd) if entry.uid == uid), None)
