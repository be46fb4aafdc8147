# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse the options of a volume's driver: ``type``, ``device`` and ``o``, as in podman and docker (mount(8)).

Some words of ``o`` are the engine's own: owner, mode and quota of the volume, and the timeout of a mount.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ...errors import InvalidOption
from ..values import quantities
from ..values.names import near
from ..values.text import absolute_path, plain_text
from .options import BIND, NETWORK, OVERLAY, OWN_WORDS, TMPFS, DriverOptions, layers
from .words import CLOSED, NO_DEVICE

_OPTION = "options"
_KEYS = ("type", "device", "o", "copy", "nocopy")
_BINDS = ("bind", "rbind")
_MODE = re.compile(r"0?o?[0-7]{1,4}", re.ASCII)
_TYPE = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._+-]*", re.ASCII)
_TAG = re.compile(r"(LABEL|UUID|PARTLABEL|PARTUUID)=[^/]+", re.ASCII)
_LARGEST_ID = 2**32 - 2  # the one above is "no change" for chown(2)


def parse(items: Iterable[object]) -> DriverOptions:
    """Parse ``key=value`` items. Raises InvalidOption, naming the word and the nearest valid one."""
    given, words = _given(items)
    own, rest = _own(words, given.get("type", ""))
    kind, rest = _kind(given, rest)
    options = DriverOptions(
        type=kind,
        device=given.get("device", "") or (kind if kind in NO_DEVICE else ""),
        words=tuple(sorted(rest)),
        copy="nocopy" not in given,
        **own,
    )
    _check(options)
    return options


def with_owner(
    options: DriverOptions, *, uid: object = None, gid: object = None, mode: object = None
) -> DriverOptions:
    """Add the task's own ``uid``, ``gid`` and ``mode``. Raises InvalidOption if they contradict ``o``."""
    given = {
        **({} if uid is None else {"uid": _identity("uid", uid)}),
        **({} if gid is None else {"gid": _identity("gid", gid)}),
        **({} if mode is None else {"mode": parse_mode("mode", mode)}),
    }
    for name, value in given.items():
        if getattr(options, name) not in (None, value):
            raise InvalidOption(name, value, f"contradicts {name}= in o", remedy="Keep one of the two")
    return options._replace(**given)  # type: ignore[arg-type]


def parse_mode(option: str, value: object) -> int:
    """Parse the mode of a directory: octal digits in a string, because YAML parses 0750 as 488."""
    text = value.strip() if isinstance(value, str) else ""
    if not _MODE.fullmatch(text):
        raise InvalidOption(
            option, value, "is not a mode", remedy="Write octal digits in quotes, as in '0750'"
        )
    return int(text.replace("o", ""), 8)


# -- the list ------------------------------------------------------------------------------------


def _given(items: Iterable[object]) -> tuple[dict[str, str], list[str]]:
    """Split the items into those with a key of their own, and the words of one or more ``o``."""
    given: dict[str, str] = {}
    words: list[str] = []
    for item in items:
        key, _equals, value = plain_text(_OPTION, item).partition("=")
        if key not in _KEYS:
            raise _unknown(item, key, _KEYS)
        if key == "o":
            words += [word for word in value.split(",") if word]
        elif given.setdefault(key, value) != value:
            raise InvalidOption(_OPTION, item, f"sets {key} twice", remedy="Keep one of the two")
    if "copy" in given and "nocopy" in given:
        raise InvalidOption(_OPTION, "copy", "contradicts nocopy", remedy="Keep one of the two")
    return given, words


def _unknown(item: object, word: str, known: Iterable[str]) -> InvalidOption:
    found = near(word, known)
    hint = f"; near: {', '.join(found)}" if found else ""
    return InvalidOption(_OPTION, item, f"is not known{hint}", remedy=f"Known: {', '.join(sorted(known))}")


# -- the words of o --------------------------------------------------------------------------------


def _own(words: Iterable[str], kind: str) -> tuple[dict[str, int], list[str]]:
    """Split off the engine's own words."""
    own: dict[str, int] = {}
    rest: list[str] = []
    for word in dict.fromkeys(words):
        name, equals, value = word.partition("=")
        if name == "size" and kind == TMPFS:
            rest.append(word if value.endswith("%") else f"size={quantities.size(_OPTION, value)}")
        elif name in OWN_WORDS:
            number = _number(name, value)
            if not equals or own.setdefault(name, number) != number:
                raise InvalidOption(
                    _OPTION, word, f"must set one value for {name}", remedy=f"Write {name}=VALUE"
                )
        elif name != "noquota":
            rest.append(word)
        elif any(other.startswith(("size=", "inodes=")) for other in words):
            raise InvalidOption(_OPTION, word, "contradicts size and inodes", remedy="Keep one of them")
    return own, rest


def _number(name: str, value: str) -> int:
    if name in ("uid", "gid"):
        return _identity(name, value)
    if name == "mode":
        return parse_mode(_OPTION, value)
    if name == "size":
        return _positive(name, quantities.size(_OPTION, value))
    return _positive(name, quantities.integer(_OPTION, value))


def _positive(name: str, number: int) -> int:
    if number < 1:
        raise InvalidOption(_OPTION, f"{name}={number}", "is less than 1", remedy="Write a number above 0")
    return number


def _identity(option: str, value: object) -> int:
    number = quantities.integer(option, value)
    if not 0 <= number <= _LARGEST_ID:
        raise InvalidOption(option, value, "is not a numeric ID", remedy=f"Write 0 to {_LARGEST_ID}")
    return number


# -- consistency -----------------------------------------------------------------------------------


def _kind(given: Mapping[str, str], words: list[str]) -> tuple[str, list[str]]:
    """Return the type of the file system and the remaining words; a bind mount can be written in four ways."""
    kind = given.get("type", "")
    if kind and not _TYPE.fullmatch(kind):
        raise InvalidOption(
            _OPTION, f"type={kind}", "is not a file system type", remedy="Write it as in type=ext4"
        )
    if kind in ("", "none", BIND) and (kind == BIND or {*words} & {*_BINDS}):
        return BIND, [word for word in words if word != "bind"]
    return kind, words


def _check(options: DriverOptions) -> None:
    if options.type:
        _check_device(options)
        _check_words(options)
    else:
        _check_plain(options)
    if options.type and options.has_quota:
        raise InvalidOption(
            _OPTION,
            f"type={options.type}",
            "cannot have a quota: size and inodes limit a volume that is a plain directory",
            remedy="Leave out size and inodes, because the file system has its own size",
        )


def _check_plain(options: DriverOptions) -> None:
    if options.device:
        raise InvalidOption(
            _OPTION,
            f"device={options.device}",
            "cannot be mounted without type",
            remedy="Add type=ext4, type=nfs, ..., or o=bind for a directory",
        )
    if options.words:
        known = (*OWN_WORDS, "noquota", *_BINDS)
        found = near(options.words[0].partition("=")[0], known)
        raise InvalidOption(
            _OPTION,
            f"o={','.join(options.words)}",
            "requires type and device" + (f"; near: {', '.join(found)}" if found else ""),
            remedy=f"Add them; without them, o accepts {', '.join(OWN_WORDS)}",
        )


def _check_device(options: DriverOptions) -> None:
    kind, device = options.type, options.device
    if kind in NO_DEVICE:
        return
    if not device:
        raise InvalidOption(_OPTION, f"type={kind}", "requires device", remedy="Add device=...")
    if kind == BIND:
        absolute_path(_OPTION, device)
    elif device.startswith("-"):
        raise InvalidOption(_OPTION, f"device={device}", "is not a device", remedy="Begin it with /")
    elif kind in NETWORK and ":" not in device and not device.startswith("//"):
        raise InvalidOption(
            _OPTION, f"device={device}", "names no server", remedy="Write it as in device=server:/path"
        )
    elif kind in ("ext2", "ext3", "ext4", "xfs", "btrfs") and not (
        device[0] == "/" or _TAG.fullmatch(device)
    ):
        raise InvalidOption(
            _OPTION, f"device={device}", "is not a device", remedy="Write a path, or UUID=... or LABEL=..."
        )


def _check_words(options: DriverOptions) -> None:
    known = CLOSED.get(options.type)
    names = [word.partition("=")[0] for word in options.words]
    for word, name in zip(options.words, names):
        if any(mark in word for mark in "\n\\"):
            raise InvalidOption(_OPTION, word, "has a character that is invalid in a mount option")
        if known is not None and name not in known:
            raise _unknown(word, name, known)
        opposite = {"ro": "rw", "rw": "ro"}.get(
            name, name.removeprefix("no") if name.startswith("no") else ""
        )
        if opposite and opposite in names:
            raise InvalidOption(_OPTION, word, f"contradicts {opposite}", remedy="Keep one of the two")
    doubled = [word for word, name in zip(options.words, names) if names.count(name) > 1]
    if doubled:
        raise InvalidOption(_OPTION, doubled[-1], f"repeats {doubled[0]}", remedy="Keep one of the two")
    if options.type == OVERLAY:
        _check_overlay(options)


def _check_overlay(options: DriverOptions) -> None:
    paths = layers(options)
    if "lowerdir" not in paths or ("upperdir" in paths) != ("workdir" in paths):
        raise InvalidOption(
            _OPTION,
            f"o={','.join(options.words)}",
            "is not a valid overlay",
            remedy="Write o=lowerdir=/A:/B, and upperdir=/C,workdir=/D for a writable overlay",
        )
    for path in (part for value in paths.values() for part in value):
        absolute_path(_OPTION, path)
