# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse the mount words of podman (``volume``, ``mount``, ``tmpfs``) into one canonical form.

All three options say the same thing in other words, so all three become ``Mount`` and are compared as such.
Sources: podman-run(1) ``--volume``, ``--mount``, ``--tmpfs``; mount(8).
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from ..errors import InvalidOption, NotBuiltYet
from .names import check_name
from .quantities import size
from .text import normal_path, plain_text

BIND = "bind"
VOLUME = "volume"
TMPFS = "tmpfs"

_PROPAGATION = ("rprivate", "private", "shared", "rshared", "slave", "rslave", "unbindable", "runbindable")
#: Options that exclude each other.
_GROUPS: tuple[tuple[str, ...], ...] = (
    ("rw", "ro"),
    ("suid", "nosuid"),
    ("dev", "nodev"),
    ("exec", "noexec"),
    ("copy", "nocopy"),
    ("rbind", "bind"),
    _PROPAGATION,
    ("tmpcopyup", "notmpcopyup"),
    ("z", "Z"),
)
_GROUP_OF = {word: group for group in _GROUPS for word in group}
_ONLY_VOLUME = frozenset({"copy", "nocopy"})
_ONLY_TMPFS = frozenset({"tmpcopyup", "notmpcopyup"})
_NOT_TMPFS = frozenset({"rbind", "bind", "z", "Z"})
_NOT_BUILT = frozenset({"U", "O", "idmap", "chown", "volume-opt"})
#: Types of ``mount`` that podman has and this engine not yet.
_TYPES_NOT_BUILT = frozenset({"image", "devpts", "glob", "ramfs"})
_PERCENT = re.compile(r"\d{1,3}%", re.ASCII)
#: What podman puts on every tmpfs unless the opposite is written.
_TMPFS_ALWAYS = ("nosuid", "nodev")
#: What holds anyway, so that writing it means nothing. Whether suid, dev and exec do depends on the source's own mount.
_DEFAULTS = frozenset({"rw", "copy", "rbind", "rprivate"})
_TMPFS_DEFAULTS = frozenset({"rw", "rprivate", "tmpcopyup", "suid", "dev", "exec"})


class Mount(NamedTuple):
    """One mount of a container.

    ``kind`` is bind, volume or tmpfs. ``source`` is a host path (bind), a volume's name ("" for an anonymous one)
    or "". ``options`` are sorted and hold only what differs from the default.
    """

    kind: str
    source: str
    destination: str
    options: tuple[str, ...] = ()

    @property
    def read_only(self) -> bool:
        return "ro" in self.options

    def encode(self) -> dict[str, Any]:
        return {"kind": self.kind, "source": self.source, "options": list(self.options)}

    @classmethod
    def decode(cls, destination: str, data: dict[str, Any]) -> Mount:
        return cls(data["kind"], data["source"], destination, tuple(data["options"]))


def parse_volume(option: str, text: str) -> Mount:
    """Parse ``SOURCE:DESTINATION[:OPTIONS]`` or ``DESTINATION`` (an anonymous volume)."""
    parts = text.split(":")
    if len(parts) == 1:
        return _mount(option, text, VOLUME, source="", destination=parts[0], words=[])
    if len(parts) > 3 or not parts[0]:
        raise InvalidOption(
            option, text, "is no volume", remedy="Write SOURCE:DESTINATION[:OPTIONS], as in data:/data:ro"
        )
    words = parts[2].split(",") if len(parts) == 3 else []
    kind = BIND if parts[0].startswith(("/", ".")) else VOLUME
    return _mount(
        option, text, kind, source=parts[0], destination=parts[1], words=[word for word in words if word]
    )


def parse_tmpfs(option: str, destination: str, words: object) -> Mount:
    """Parse one entry of ``tmpfs``: destination and ``rw,size=64m,mode=1777``."""
    text = f"{destination}: {words}" if words else destination
    split = [word for word in str(words or "").split(",") if word]
    return _mount(option, text, TMPFS, source="", destination=destination, words=split)


_KEYS = {
    "type": "type",
    "source": "source",
    "src": "source",
    "destination": "destination",
    "dst": "destination",
    "target": "destination",
}
#: Keys of ``mount`` that are switches: the option word when true and when false.
_SWITCHES = {
    "ro": ("ro", "rw"),
    "readonly": ("ro", "rw"),
    "rw": ("rw", "ro"),
    "bind-nonrecursive": ("bind", "rbind"),
    "tmpcopyup": ("tmpcopyup", "notmpcopyup"),
    "notmpcopyup": ("notmpcopyup", "tmpcopyup"),
    "volume-nocopy": ("nocopy", "copy"),
}
_VALUED = {"tmpfs-size": "size", "tmpfs-mode": "mode", "size": "size", "mode": "mode"}
_RELABEL = {"shared": "z", "private": "Z"}


def parse_mount(option: str, text: str) -> Mount:
    """Parse ``type=bind,source=/a,destination=/b,ro=true`` (type defaults to volume, as podman has it)."""
    named: dict[str, str] = {}
    words: list[str] = []
    for item in text.split(","):
        key, _equals, value = item.partition("=")
        if key not in _KEYS:
            words.append(_mount_word(option, text, key, value))
        elif named.setdefault(_KEYS[key], value) != value:
            raise InvalidOption(
                option, text, f"gives its {_KEYS[key]} twice", remedy=f"Keep one {_KEYS[key]}"
            )
    kind = named.get("type", VOLUME)
    _check_type(option, text, kind)
    source, destination = named.get("source", ""), named.get("destination", "")
    return _mount(option, text, kind, source=source, destination=destination, words=words)


def _check_type(option: str, text: str, kind: str) -> None:
    if kind in _TYPES_NOT_BUILT:
        raise NotBuiltYet(
            f"{option}: {text!r}: mounts of type {kind} are not built yet",
            remedy="Use bind, volume or tmpfs",
            option=option,
        )
    if kind not in (BIND, VOLUME, TMPFS):
        raise InvalidOption(
            option, text, f"has the unknown type {kind!r}", remedy="Write type=bind, volume or tmpfs"
        )


def _mount_word(option: str, text: str, key: str, value: str) -> str:
    if key in _SWITCHES:
        if value.lower() not in ("", "true", "false", "1", "0"):
            raise InvalidOption(option, text, f"has {key}={value}", remedy=f"Write {key}=true or {key}=false")
        return _SWITCHES[key][value.lower() in ("false", "0")]
    if key in _VALUED:
        return f"{_VALUED[key]}={value}"
    if key == "bind-propagation" and value in _PROPAGATION:
        return value
    if key == "relabel" and value in _RELABEL:
        return _RELABEL[value]
    return f"{key}={value}" if value else key


def _mount(option: str, text: str, kind: str, *, source: str, destination: str, words: list[str]) -> Mount:
    plain_text(option, text)
    path = check_destination(option, text, destination)
    if kind == BIND:
        source = _check_source(option, text, source)
    elif kind == VOLUME and source:
        source = check_name(option, source)
    elif kind == TMPFS and source:
        raise InvalidOption(option, text, "gives a source", remedy="A tmpfs has none")
    return Mount(kind, source, path, _canonical(option, text, kind, words))


def check_destination(option: str, text: str, destination: str) -> str:
    """Return the normal form of an absolute path in the container; not ``/`` itself, no ``..``."""
    if not destination.startswith("/"):
        raise InvalidOption(option, text, "has no absolute destination", remedy="Write it as in /data")
    if ".." in destination.split("/"):
        # What it means depends on the links in the image.
        raise InvalidOption(option, text, "has .. in its destination", remedy="Write the path that it means")
    path = normal_path(destination)
    if path == "/":
        raise InvalidOption(
            option, text, "would cover the root file system", remedy="Mount below /, as in /data"
        )
    return path


def _check_source(option: str, text: str, source: str) -> str:
    if not source.startswith("/"):
        raise InvalidOption(
            option,
            text,
            "has a relative source" if source else "has no source",
            remedy="Write an absolute path of the host, or a volume's name",
        )
    return normal_path(source)


def _canonical(option: str, text: str, kind: str, words: list[str]) -> tuple[str, ...]:
    chosen: dict[object, str] = {}
    for word in words:
        what, meant = _meaning(option, text, kind, word)
        if chosen.setdefault(what, meant) != meant:
            raise InvalidOption(
                option, text, f"says both {chosen[what]!r} and {meant!r}", remedy="Keep one of the two"
            )
    if kind == TMPFS:
        for word in _TMPFS_ALWAYS:
            chosen.setdefault(_GROUP_OF[word], word)
    defaults = _TMPFS_DEFAULTS if kind == TMPFS else _DEFAULTS
    return tuple(sorted(word for word in chosen.values() if word not in defaults))


def _meaning(option: str, text: str, kind: str, word: str) -> tuple[object, str]:
    """Return what an option decides (its group, or the name of a value) and its canonical form."""
    name, _equals, value = word.partition("=")
    if name in _NOT_BUILT:
        raise NotBuiltYet(
            f"{option}: {text!r}: mount option {name} is not built yet", remedy="Leave it out", option=option
        )
    if kind == TMPFS and name in ("size", "mode"):
        return name, f"{name}={_tmpfs_value(option, text, name, value)}"
    if word not in _GROUP_OF or not _fits(kind, word):
        known = sorted(known for known in _GROUP_OF if _fits(kind, known))
        raise InvalidOption(
            option,
            text,
            f"has the unknown option {word!r} for a {kind} mount",
            remedy=f"Known: {', '.join(known)}",
        )
    return _GROUP_OF[word], word


def _fits(kind: str, word: str) -> bool:
    if kind == TMPFS:
        return word not in _NOT_TMPFS | _ONLY_VOLUME
    return word not in (_ONLY_TMPFS if kind == VOLUME else _ONLY_TMPFS | _ONLY_VOLUME)


def _tmpfs_value(option: str, text: str, name: str, value: str) -> str:
    if name == "size":
        return value if _PERCENT.fullmatch(value) else str(size(option, value))
    if not value or set(value) - set("01234567") or int(value, 8) > 0o7777:
        raise InvalidOption(
            option, text, f"has the mode {value!r}", remedy="Write it in octal, as in mode=1777"
        )
    return format(int(value, 8), "o")
