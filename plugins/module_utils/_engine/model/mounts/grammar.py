# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse podman's three notations of mounts: ``volume``, ``mount`` and ``tmpfs``.

All three become ``Mount`` and are compared as such.
Sources: podman-run(1); podman's pkg/specgen/volumes.go and pkg/specgenutil/volumes.go; Docker's words where podman has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...errors import EngineError, InvalidOption, NotBuiltYet
from ..values.names import check_name, near
from ..values.text import TOO_LONG, is_too_long, normal_path, plain_text
from .mount import BIND, IMAGE, KINDS, PROPAGATIONS, TMPFS, VOLUME, Mount
from .words import Item, Word, canonical, plain

_KEYS = {
    "type": "type",
    "source": "source",
    "src": "source",
    "destination": "destination",
    "dest": "destination",
    "dst": "destination",
    "target": "destination",
}
#: Boolean keys of ``mount``: the option words for true and for false.
_SWITCHES = {
    "ro": ("ro", "rw"),
    "readonly": ("ro", "rw"),
    "rw": ("rw", "ro"),
    "readwrite": ("rw", "ro"),
    "bind-nonrecursive": ("bind", "rbind"),
    "tmpcopyup": ("tmpcopyup", "notmpcopyup"),
    "notmpcopyup": ("notmpcopyup", "tmpcopyup"),
    "volume-nocopy": ("nocopy", "copy"),
    "U": ("U", ""),
    "chown": ("U", ""),
    "idmap": ("idmap", ""),
    "create": ("create", "nocreate"),
    "nocreate": ("nocreate", "create"),
    "bind-create-src": ("create", "nocreate"),
}
_TRUTH = {"": True, "true": True, "1": True, "false": False, "0": False}
#: Keys of ``mount`` with a value, and their option words.
_VALUED = {
    "tmpfs-size": "size",
    "tmpfs-mode": "mode",
    "subpath": "subpath",
    "volume-subpath": "subpath",
    "image-subpath": "subpath",
}
#: Keys of ``mount`` with a fixed set of values: the option word for each.
_CHOICES: Mapping[str, Mapping[str, str]] = {
    "bind-propagation": {word: word for word in PROPAGATIONS},
    "relabel": {"shared": "z", "private": "Z"},
    # Docker's. Podman's ``ro`` is never recursive, so ``writable`` is the default.
    "bind-recursive": {"enabled": "rbind", "disabled": "bind", "writable": "rbind", "readonly": "rro"},
}
_SPELLINGS = (*_KEYS, *_SWITCHES, *_VALUED, *_CHOICES)
#: Keys of podman or Docker that a mount cannot have here: the reason and the remedy.
_OF_MODULE_VOLUME = ("is an option of the volume, not of the mount", "Create the volume with module volume")
_ELSEWHERE = {
    "volume-opt": _OF_MODULE_VOLUME,
    "volume-label": _OF_MODULE_VOLUME,
    "volume-driver": _OF_MODULE_VOLUME,
}
_NOT_BUILT_WORDS = {"no-dereference": "Name the target of the symbolic link"}
_NOT_BUILT_TYPES = {
    "secret": "Bind mount a file that only root can read",
    "artifact": "Unpack it on the host, and bind mount the directory",
}


def parse_all(values: Mapping[str, Any]) -> dict[str, Mount]:
    """Combine ``volume``, ``mount`` and ``tmpfs``: one mount per destination. Raises InvalidOption."""
    found: dict[str, tuple[Item, Mount]] = {}
    for item, mount in _each(values):
        first, known = found.setdefault(mount.destination, (item, mount))
        if known != mount:
            raise InvalidOption(
                item.option,
                item.text,
                f"has the same destination {mount.destination} as {first.option}: {first.text!r}",
                remedy="Keep one of the two",
            )
    return {destination: mount for destination, (_item, mount) in found.items()}


def _each(values: Mapping[str, Any]) -> Iterable[tuple[Item, Mount]]:
    for text in values.get("volume") or ():
        yield Item("volume", str(text)), parse_volume("volume", text)
    for text in values.get("mount") or ():
        yield Item("mount", str(text)), parse_mount("mount", text)
    for destination, words in (values.get("tmpfs") or {}).items():
        yield _tmpfs_item("tmpfs", destination, words), parse_tmpfs("tmpfs", destination, words)


def parse_volume(option: str, value: object) -> Mount:
    """Parse ``SOURCE:DESTINATION[:OPTIONS]`` or ``DESTINATION`` (an anonymous volume)."""
    item = Item(option, plain_text(option, value))
    parts = item.text.split(":")
    if len(parts) == 1:
        return _mount(item, VOLUME, "", parts[0], ())
    if len(parts) > 3 or not parts[0]:
        raise item.refusal("is not a volume", "Write SOURCE:DESTINATION[:OPTIONS], as in data:/data:ro")
    kind = BIND if parts[0].startswith(("/", ".")) else VOLUME
    words = plain(parts[2].split(",")) if len(parts) == 3 else []
    return _mount(item, kind, parts[0], parts[1], words)


def parse_tmpfs(option: str, destination: str, words: object) -> Mount:
    """Parse an entry of ``tmpfs``: a destination, and options as in ``rw,size=64m,mode=1777``."""
    item = _tmpfs_item(option, destination, words)
    return _mount(item, TMPFS, "", destination, plain(str(words or "").split(",")))


def _tmpfs_item(option: str, destination: str, words: object) -> Item:
    return Item(option, plain_text(option, f"{destination}: {words}" if words else destination))


def parse_mount(option: str, value: object) -> Mount:
    """Parse ``type=bind,source=/a,destination=/b,ro=true`` (as in podman, type defaults to volume)."""
    item = Item(option, plain_text(option, value))
    named: dict[str, str] = {}
    words: list[Word] = []
    for part in _parts(item):
        key, _equals, given = part.partition("=")
        if not part:
            raise item.refusal("has an empty part", "Leave out one of the commas")
        if key not in _KEYS:
            words.append(Word(part, _mount_word(item, key, given)))
        elif named.setdefault(_KEYS[key], given) != given:
            raise item.refusal(f"sets {_KEYS[key]} twice", f"Keep one {_KEYS[key]}")
    kind = named.get("type", VOLUME)
    _check_kind(item, kind)
    source, destination = named.get("source", ""), named.get("destination", "")
    return _mount(item, kind, source, destination, words, spellings=_SPELLINGS)


def _parts(item: Item) -> list[str]:
    """Split at commas, except in double quotes, as in ``"dst=/a,b"`` (RFC 4180)."""
    if '"' not in item.text:
        return item.text.split(",")
    import csv  # needed only for quotes

    try:
        (parts,) = csv.reader([item.text], strict=True)
    except (csv.Error, ValueError):
        raise item.refusal("has a misplaced quote", 'Put a whole part in quotes, as in "dst=/a,b"') from None
    return parts


def _check_kind(item: Item, kind: str) -> None:
    if kind in KINDS:
        return
    if kind == "glob":
        # The matches change over time, so it would be undecidable whether the container is as requested.
        raise item.refusal(
            "has the unsupported type glob",
            "Write a bind mount for each file, for example with the lookup fileglob, or mount their directory",
        )
    if kind in _NOT_BUILT_TYPES:
        raise _not_built(item, f"mounts of type {kind}", _NOT_BUILT_TYPES[kind])
    like = near(kind.lower(), KINDS)
    perhaps = f"Did you mean {like[0]}? " if like else ""
    raise item.refusal(f"has the unknown type {kind!r}", f"{perhaps}Known: {', '.join(KINDS)}")


def _not_built(item: Item, what: str, remedy: str) -> EngineError:
    return NotBuiltYet(
        f"{item.option}: {item.text!r}: {what} are not implemented", remedy=remedy, option=item.option
    )


def _mount_word(item: Item, key: str, value: str) -> str:
    """Return the option word for a part of ``mount``."""
    if key in _ELSEWHERE:
        why, remedy = _ELSEWHERE[key]
        raise item.refusal(f"has {key}, which {why}", remedy)
    if key in _CHOICES:
        return _choice(item, key, value)
    if key in _VALUED:
        return f"{_VALUED[key]}={value}"
    if key in _SWITCHES and not (key == "idmap" and "=" in value):
        return _switch(item, key, value)
    return f"{key}={value}" if value else key


def _switch(item: Item, key: str, value: str) -> str:
    truth = _TRUTH.get(value.lower())
    if truth is None:
        raise item.refusal(f"has the invalid value {key}={value}", f"Write {key}=true or {key}=false")
    return _SWITCHES[key][0 if truth else 1]


def _choice(item: Item, key: str, value: str) -> str:
    known = _CHOICES[key]
    if value not in known:
        like = near(value.lower(), known)
        perhaps = f"Did you mean {like[0]}? " if like else ""
        raise item.refusal(f"has the invalid value {key}={value}", f"{perhaps}Known: {', '.join(known)}")
    return known[value]


def _mount(
    item: Item,
    kind: str,
    source: str,
    destination: str,
    words: Iterable[Word],
    *,
    spellings: Iterable[str] = (),
) -> Mount:
    words = list(words)
    for word in words:
        if word.means in _NOT_BUILT_WORDS:
            raise _not_built(item, f"mounts with {word.means}", _NOT_BUILT_WORDS[word.means])
    # Check the words first, so that a misspelt "source" is not reported as a missing source.
    options = canonical(item, kind, words, spellings=spellings)
    path = check_destination(item, destination)
    return Mount(kind, _source(item, kind, source), path, options)


def check_destination(item: Item, destination: str) -> str:
    """Return the normal form of an absolute path in the container. Raises InvalidOption for ``/`` and ``..``."""
    if not destination.startswith("/"):
        raise item.refusal("has no absolute destination", "Write it as in /data")
    if ".." in destination.split("/"):
        # Its meaning depends on symbolic links in the image.
        raise item.refusal("has .. in its destination", "Write the resolved path")
    path = normal_path(destination)
    if is_too_long(path):
        raise item.refusal("has a destination that " + TOO_LONG, "Shorten it")
    if path == "/":
        raise item.refusal("would cover the root file system", "Mount below /, as in /data")
    return path


def _source(item: Item, kind: str, source: str) -> str:
    if kind == BIND:
        return _host_path(item, source)
    if kind == VOLUME:
        return _volume_name(item, source) if source else ""
    if kind == IMAGE and not source:
        raise item.refusal("has no source", "Name the image, as in source=localhost/assets:1")
    if kind != IMAGE and source:
        raise item.refusal("has a source", f"Leave it out, because a {kind} has none")
    return source


def _volume_name(item: Item, source: str) -> str:
    if source.startswith(("/", ".")):
        raise item.refusal("has a path as its volume's name", "Write type=bind for a path on the host")
    return check_name(item.option, source)


def _host_path(item: Item, source: str) -> str:
    if not source.startswith("/"):
        # The working directory of a module is unknown to its user.
        raise item.refusal(
            "has a relative source" if source else "has no source",
            "Write an absolute path on the host, or a volume's name",
        )
    return normal_path(source)
