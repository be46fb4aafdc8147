# SPDX-License-Identifier: GPL-3.0-or-later
"""The option words of mounts: those of each kind, those that exclude each other, and their canonical form.

Sources: podman-run(1) ``--volume``, ``--mount``, ``--tmpfs``; the rules in podman's pkg/util/mount_opts.go and common's
pkg/parse/parse.go; mount(8). ``rro`` is a word of the OCI runtimes, ``create`` the opposite of podman's ``nocreate``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, Union

from ...errors import InvalidOption
from ..values.names import near
from ..values.quantities import size
from ..values.text import normal_path
from . import idmap
from .mount import BIND, DEVPTS, IMAGE, PROPAGATIONS, RAMFS, TMPFS, VOLUME

#: Options that exclude each other.
_GROUPS: tuple[tuple[str, ...], ...] = (
    ("rw", "ro"),
    ("suid", "nosuid"),
    ("dev", "nodev"),
    ("exec", "noexec"),
    ("copy", "nocopy"),
    ("rbind", "bind"),
    PROPAGATIONS,
    ("tmpcopyup", "notmpcopyup"),
    ("z", "Z"),
    ("create", "nocreate"),
)
_GROUP_OF = {word: group for group in _GROUPS for word in group}
_ACCESS = _GROUP_OF["ro"]
_COMMON = frozenset({"rw", "ro", "suid", "nosuid", "dev", "nodev", "exec", "noexec", *PROPAGATIONS})
_HOST = _COMMON | {
    "rro",
    "rbind",
    "bind",
    "z",
    "Z",
    "U",
    "O",
    "idmap",
    "copy",
    "nocopy",
    "create",
    "nocreate",
}
#: The words of each kind; those with a value are in _VALUED.
_WORDS: Mapping[str, frozenset[str]] = {
    BIND: _HOST,
    VOLUME: _HOST,
    TMPFS: _COMMON | {"tmpcopyup", "notmpcopyup", "noatime", "noswap", "U"},
    RAMFS: _COMMON | {"noatime"},
    DEVPTS: frozenset({"newinstance"}),
    IMAGE: frozenset({"rw", "ro"}),
}
#: The defaults, which are redundant when written. For binds and volumes, suid, dev and exec depend on the source's own mount.
#: As in podman, nothing is copied up to a bind mount.
_DEFAULTS: Mapping[str, frozenset[str]] = {
    BIND: frozenset({"rw", "copy", "nocopy", "rbind", "rprivate", "nocreate"}),
    VOLUME: frozenset({"rw", "copy", "rbind", "rprivate", "create"}),
    TMPFS: frozenset({"rw", "rprivate", "tmpcopyup", "suid", "dev", "exec"}),
    RAMFS: frozenset({"rw", "rprivate", "suid", "dev", "exec"}),
    DEVPTS: frozenset(),
    IMAGE: frozenset({"ro"}),
}
#: Words that podman adds to every tmpfs unless their opposite is written.
_ALWAYS: Mapping[str, tuple[str, ...]] = {TMPFS: ("nosuid", "nodev"), RAMFS: ("nosuid", "nodev")}
#: Docker's words for macOS, which have no meaning on Linux; podman ignores them too.
_IGNORED = frozenset({"cached", "delegated", "consistent", "consistency"})
#: Words that can be combined with an overlay (``O``).
_WITH_OVERLAY = frozenset(
    {"O", "U", "upperdir", "workdir", "subpath", "copy", "nocopy", "create", "nocreate"}
)
_PERCENT = re.compile(r"\d{1,3}%", re.ASCII)
_NUMBER = re.compile(r"\d{1,10}", re.ASCII)
#: Remedies for words that a kind does not have.
_ADVICE = {
    (BIND, "subpath"): "Append it to the source",
    (RAMFS, "size"): "Write type=tmpfs, because a ramfs has no limit",
    (RAMFS, "U"): "Write type=tmpfs, because only a tmpfs has owners",
}

Group = Union[str, tuple[str, ...]]


class Item(NamedTuple):
    """An entry as the user wrote it, and its option, for errors."""

    option: str
    text: str

    def refusal(self, why: str, remedy: str) -> InvalidOption:
        """Return the error for an invalid entry."""
        return InvalidOption(self.option, self.text, why, remedy=remedy)


class Word(NamedTuple):
    """An option word: as ``written`` (``volume-nocopy=true``), and its meaning ``means`` (``nocopy``; "" for none)."""

    written: str
    means: str


def plain(words: Iterable[str]) -> list[Word]:
    """Return words whose meaning is as written, without empty ones."""
    return [Word(word, word) for word in words if word]


def canonical(
    item: Item, kind: str, words: Iterable[Word], *, spellings: Iterable[str] = ()
) -> tuple[str, ...]:
    """Return the sorted options of a mount of this kind, without defaults.

    ``spellings`` are other ways to write a word, which an error may suggest. Raises InvalidOption for words that the kind does
    not have, and for words that exclude each other.
    """
    chosen: dict[Group, str] = {}
    for word in words:
        group, meant = _meaning(item, kind, word, spellings)
        if meant and chosen.setdefault(group, meant) != meant:
            raise item.refusal(f"has both {chosen[group]!r} and {meant!r}", "Keep one of the two")
    for always in _ALWAYS.get(kind, ()):
        chosen.setdefault(_GROUP_OF[always], always)
    _check_together(item, chosen)
    return tuple(sorted(set(chosen.values()) - _implied(kind, chosen)))


def _implied(kind: str, chosen: Mapping[Group, str]) -> frozenset[str]:
    """Return the words that are redundant, given the chosen ones."""
    implied = set(_DEFAULTS[kind])
    if "rro" in chosen:
        implied.add("ro")
    if chosen.get(_GROUP_OF["bind"]) == "bind":  # there are no submounts
        implied.add("private")
    return frozenset(implied)


def _meaning(item: Item, kind: str, word: Word, spellings: Iterable[str]) -> tuple[Group, str]:
    """Return the group of a word (or its name, if it has no group), and its canonical form."""
    name, equals, value = word.means.partition("=")
    if not name or name in _IGNORED:
        return "", ""
    parse = _VALUED.get(kind, {}).get(name)
    if parse is not None and (equals or name not in _WORDS[kind]):
        parsed = parse(item, name, value)
        return name, f"{name}={parsed}" if parsed else name
    if equals or name not in _WORDS[kind]:
        raise _unknown(item, kind, word, spellings)
    return _GROUP_OF.get(name, name), name


def _unknown(item: Item, kind: str, word: Word, spellings: Iterable[str]) -> InvalidOption:
    name = word.written.partition("=")[0]
    known = sorted({*_WORDS[kind], *(f"{valued}=" for valued in _VALUED.get(kind, ()))})
    like = near(name.strip().lower(), [*known, *spellings])
    advice = _ADVICE.get((kind, word.means.partition("=")[0]))
    perhaps = f"Did you mean {like[0]}? Known: " if like and like[0].rstrip("=") != name else "Known: "
    return item.refusal(
        f"has the unknown option {word.written!r} for a {kind} mount", advice or perhaps + ", ".join(known)
    )


def _check_together(item: Item, chosen: Mapping[Group, str]) -> None:
    """Check that words of different groups can be combined. Raises InvalidOption."""
    if "rro" in chosen and chosen.get(_ACCESS) == "rw":
        raise item.refusal("has both 'rro' and 'rw'", "Keep one of the two")
    if "rro" in chosen and chosen.get(_GROUP_OF["bind"]) == "bind":
        raise item.refusal(
            "has both 'rro' (recursive) and 'bind' (not recursive)",
            "Write ro, because there are no submounts",
        )
    _check_overlay(item, chosen)


def _check_overlay(item: Item, chosen: Mapping[Group, str]) -> None:
    directories = [name for name in ("upperdir", "workdir") if name in chosen]
    if directories and "O" not in chosen:
        raise item.refusal(f"has {directories[0]} without an overlay", "Add O")
    if len(directories) == 1:
        raise item.refusal(f"has only {directories[0]}", "Write both upperdir= and workdir=, or neither")
    if directories:
        _check_apart(item, *(chosen[name].partition("=")[2] for name in directories))
    others = [word for word in chosen.values() if word.partition("=")[0] not in _WITH_OVERLAY]
    if "O" in chosen and others:
        raise item.refusal(
            f"has {others[0]!r} with an overlay (O)",
            "Combine O only with U, upperdir= and workdir=, subpath=",
        )


def _check_apart(item: Item, upper: str, work: str) -> None:
    if f"{upper}/".startswith(f"{work}/") or f"{work}/".startswith(f"{upper}/"):
        raise item.refusal(
            "has nested upperdir and workdir",
            "Write two separate directories on the same file system",
        )


def _size(item: Item, _name: str, value: str) -> str:
    return value if _PERCENT.fullmatch(value) else str(size(item.option, value))


def _octal(item: Item, name: str, value: str) -> str:
    if not value or set(value) - set("01234567") or int(value, 8) > 0o7777:
        raise item.refusal(f"has the invalid {name} {value!r}", f"Write it in octal, as in {name}=1777")
    return format(int(value, 8), "o")


def _number(item: Item, name: str, value: str) -> str:
    if not _NUMBER.fullmatch(value) or int(value) >= 2**32 - 1:
        raise item.refusal(f"has the invalid {name} {value!r}", f"Write a number, as in {name}=5")
    return str(int(value))


def _subpath(item: Item, name: str, value: str) -> str:
    """Return the path in the volume or image, without the leading slash that podman requires for image mounts."""
    path = normal_path(f"/{value}")[1:]
    if not path:
        raise item.refusal(f"has an empty {name}", "Leave it out to mount everything")
    if ".." in value.split("/"):
        # Its meaning depends on symbolic links in the source.
        raise item.refusal(f"has .. in its {name}", "Write the resolved path")
    return path


def _directory(item: Item, name: str, value: str) -> str:
    if not value.startswith("/"):
        raise item.refusal(f"has no absolute {name}", f"Write it as in {name}=/srv/upper")
    return normal_path(value)


def _idmap(item: Item, _name: str, value: str) -> str:
    return idmap.parse(item.option, value).text()


_Parser = Callable[[Item, str, str], str]
_OVERLAY: Mapping[str, _Parser] = {"upperdir": _directory, "workdir": _directory, "idmap": _idmap}
_VALUED: Mapping[str, Mapping[str, _Parser]] = {
    BIND: _OVERLAY,
    VOLUME: {**_OVERLAY, "subpath": _subpath},
    TMPFS: {"size": _size, "mode": _octal},
    RAMFS: {"mode": _octal},
    DEVPTS: {"uid": _number, "gid": _number, "mode": _octal, "ptmxmode": _octal, "max": _number},
    IMAGE: {"subpath": _subpath},
}
