# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold the option words of mounts: which kind has which, what excludes what, and their one canonical form.

Sources: podman-run(1) ``--volume``, ``--mount``, ``--tmpfs``; podman's pkg/util/mount_opts.go and common's pkg/parse/parse.go,
whose rules these are; mount(8). ``rro`` is the OCI runtimes' word, ``create`` the opposite of podman's ``nocreate``.
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
#: The words that each kind has; what it takes with a value is in _VALUED.
_WORDS: Mapping[str, frozenset[str]] = {
    BIND: _HOST,
    VOLUME: _HOST,
    TMPFS: _COMMON | {"tmpcopyup", "notmpcopyup", "noatime", "noswap", "U"},
    RAMFS: _COMMON | {"noatime"},
    DEVPTS: frozenset({"newinstance"}),
    IMAGE: frozenset({"rw", "ro"}),
}
#: What holds anyway, so that writing it means nothing. Whether suid, dev and exec do depends on the source's own mount.
#: A bind has nothing to copy up, as podman has it.
_DEFAULTS: Mapping[str, frozenset[str]] = {
    BIND: frozenset({"rw", "copy", "nocopy", "rbind", "rprivate", "nocreate"}),
    VOLUME: frozenset({"rw", "copy", "rbind", "rprivate", "create"}),
    TMPFS: frozenset({"rw", "rprivate", "tmpcopyup", "suid", "dev", "exec"}),
    RAMFS: frozenset({"rw", "rprivate", "suid", "dev", "exec"}),
    DEVPTS: frozenset(),
    IMAGE: frozenset({"ro"}),
}
#: What podman puts on every tmpfs unless the opposite is written.
_ALWAYS: Mapping[str, tuple[str, ...]] = {TMPFS: ("nosuid", "nodev"), RAMFS: ("nosuid", "nodev")}
#: Docker's words for macOS, which mean nothing on Linux and are ignored by podman too.
_IGNORED = frozenset({"cached", "delegated", "consistent", "consistency"})
#: What an overlay (``O``) goes together with.
_WITH_OVERLAY = frozenset(
    {"O", "U", "upperdir", "workdir", "subpath", "copy", "nocopy", "create", "nocreate"}
)
_PERCENT = re.compile(r"\d{1,3}%", re.ASCII)
_NUMBER = re.compile(r"\d{1,10}", re.ASCII)
#: Words that some kind has not, and what to do about it.
_ADVICE = {
    (BIND, "subpath"): "Write it as the end of the source",
    (RAMFS, "size"): "A ramfs has no limit: write type=tmpfs",
    (RAMFS, "U"): "Only a tmpfs has owners: write type=tmpfs",
}

Group = Union[str, tuple[str, ...]]


class Item(NamedTuple):
    """An entry as the user wrote it, and the option in which it stands: the place that an error names."""

    option: str
    text: str

    def refusal(self, why: str, remedy: str) -> InvalidOption:
        """Return the error that says why the entry can't be used."""
        return InvalidOption(self.option, self.text, why, remedy=remedy)


class Word(NamedTuple):
    """An option word: as ``written`` (``volume-nocopy=true``), and what it ``means`` (``nocopy``; "" is nothing)."""

    written: str
    means: str


def plain(words: Iterable[str]) -> list[Word]:
    """Return words that mean what they say, without empty ones."""
    return [Word(word, word) for word in words if word]


def canonical(
    item: Item, kind: str, words: Iterable[Word], *, spellings: Iterable[str] = ()
) -> tuple[str, ...]:
    """Return the sorted options of a mount of this kind, without what holds anyway.

    ``spellings`` are further ways to write a word here, which an error may propose. Raises InvalidOption for words that
    the kind has not, and for those that exclude each other.
    """
    chosen: dict[Group, str] = {}
    for word in words:
        group, meant = _meaning(item, kind, word, spellings)
        if meant and chosen.setdefault(group, meant) != meant:
            raise item.refusal(f"says both {chosen[group]!r} and {meant!r}", "Keep one of the two")
    for always in _ALWAYS.get(kind, ()):
        chosen.setdefault(_GROUP_OF[always], always)
    _check_together(item, chosen)
    return tuple(sorted(set(chosen.values()) - _implied(kind, chosen)))


def _implied(kind: str, chosen: Mapping[Group, str]) -> frozenset[str]:
    """Return the words that hold anyway beside the others."""
    implied = set(_DEFAULTS[kind])
    if "rro" in chosen:
        implied.add("ro")
    if chosen.get(_GROUP_OF["bind"]) == "bind":  # nothing is below it
        implied.add("private")
    return frozenset(implied)


def _meaning(item: Item, kind: str, word: Word, spellings: Iterable[str]) -> tuple[Group, str]:
    """Return what an option decides (its group, or its name) and its canonical form."""
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
    perhaps = f"Perhaps {like[0]}. Known: " if like and like[0].rstrip("=") != name else "Known: "
    return item.refusal(
        f"has the unknown option {word.written!r} for a {kind} mount", advice or perhaps + ", ".join(known)
    )


def _check_together(item: Item, chosen: Mapping[Group, str]) -> None:
    """Refuse words that can't stand together though they decide different things."""
    if "rro" in chosen and chosen.get(_ACCESS) == "rw":
        raise item.refusal("says both 'rro' and 'rw'", "Keep one of the two")
    if "rro" in chosen and chosen.get(_GROUP_OF["bind"]) == "bind":
        raise item.refusal(
            "is read-only recursively (rro) and not recursive (bind)", "Write ro: nothing is mounted below it"
        )
    _check_overlay(item, chosen)


def _check_overlay(item: Item, chosen: Mapping[Group, str]) -> None:
    directories = [name for name in ("upperdir", "workdir") if name in chosen]
    if directories and "O" not in chosen:
        raise item.refusal(f"has {directories[0]} without an overlay", "Write O beside it")
    if len(directories) == 1:
        raise item.refusal(
            f"has only {directories[0]} of the two", "Write both upperdir= and workdir=, or none"
        )
    if directories:
        _check_apart(item, *(chosen[name].partition("=")[2] for name in directories))
    others = [word for word in chosen.values() if word.partition("=")[0] not in _WITH_OVERLAY]
    if "O" in chosen and others:
        raise item.refusal(
            f"has {others[0]!r} with an overlay (O)",
            "Beside O may stand: U, upperdir= and workdir=, subpath=",
        )


def _check_apart(item: Item, upper: str, work: str) -> None:
    if f"{upper}/".startswith(f"{work}/") or f"{work}/".startswith(f"{upper}/"):
        raise item.refusal(
            "has upperdir and workdir in one another",
            "Write two directories of one file system, side by side",
        )


def _size(item: Item, _name: str, value: str) -> str:
    return value if _PERCENT.fullmatch(value) else str(size(item.option, value))


def _octal(item: Item, name: str, value: str) -> str:
    if not value or set(value) - set("01234567") or int(value, 8) > 0o7777:
        raise item.refusal(f"has the {name} {value!r}", f"Write it in octal, as in {name}=1777")
    return format(int(value, 8), "o")


def _number(item: Item, name: str, value: str) -> str:
    if not _NUMBER.fullmatch(value) or int(value) >= 2**32 - 1:
        raise item.refusal(f"has the {name} {value!r}", f"Write a number, as in {name}=5")
    return str(int(value))


def _subpath(item: Item, name: str, value: str) -> str:
    """Return the path within the volume or image, without the slash that podman's image mounts want before it."""
    path = normal_path(f"/{value}")[1:]
    if not path:
        raise item.refusal(f"has an empty {name}", "Leave it out to have all of it")
    if ".." in value.split("/"):
        # What it means depends on the links in there.
        raise item.refusal(f"has .. in its {name}", "Write the path that it means")
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
