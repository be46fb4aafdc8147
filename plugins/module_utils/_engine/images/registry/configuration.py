# SPDX-License-Identifier: GPL-3.0-or-later
"""The registries file: where images are fetched from.

It has the keys of containers-registries.conf(5), version 2, written as JSON, because a host's Python may have no TOML parser::

    {"unqualified-search-registries": ["docker.io"],
     "registry": [{"prefix": "docker.io/library", "location": "mirror.example:5000/hub", "insecure": false, "blocked": false,
                   "mirror": [{"location": "near.example", "insecure": true, "pull-from-mirror": "digest-only"}]}]}

``prefix`` is ``HOST[:PORT][/PATH]`` or ``*.DOMAIN``; the longest match applies, and ``location`` replaces it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import EngineError, InvalidOption
from ...frozen import dataclass
from ..archive.reference import Parts
from ..archive.reference import parse as parse_name

#: The file used if the option names no other; it may be missing.
DEFAULT_PATH = "/etc/slipway/registries.json"
#: The registries of short names if the file lists none.
DEFAULT_SEARCH = ("docker.io",)
_LARGEST = 1 << 20
_TOP = {"unqualified-search-registries": list, "registry": list}
_REGISTRY = {
    "prefix": str,
    "location": str,
    "insecure": bool,
    "blocked": bool,
    "mirror-by-digest-only": bool,
    "mirror": list,
}
_MIRROR = {"location": str, "insecure": bool, "pull-from-mirror": str}
_ALL, _DIGEST_ONLY, _TAG_ONLY = "all", "digest-only", "tag-only"


@dataclass(frozen=True)
class Place:
    """A repository's place: the registry's ``HOST[:PORT]`` and a path there; ``insecure`` as in the file."""

    registry: str
    repository: str
    insecure: bool = False

    def __str__(self) -> str:
        return f"{self.registry}/{self.repository}"


@dataclass(frozen=True)
class _Registry:
    prefix: str
    location: str
    insecure: bool
    blocked: bool
    mirrors: tuple[tuple[str, bool, str], ...]  # location, insecure, which references are pulled from it


@dataclass(frozen=True)
class Registries:
    """The file's content. ``search``: the registries of short names; ``is_default``: the file lists none."""

    search: tuple[str, ...] = DEFAULT_SEARCH
    is_default: bool = True
    registries: tuple[_Registry, ...] = ()
    path: str = DEFAULT_PATH

    def names(self, name: str) -> tuple[Parts, ...]:
        """Return the full names that a name may mean, best first, one per registry. Raises InvalidOption."""
        parts = parse_name(name)
        if parts.registry:
            return (parts,)
        return tuple(parse_name(f"{registry}/{parts.path}{parts.suffix}") for registry in self.search)

    def places(self, registry: str, repository: str, *, by_digest: bool) -> tuple[Place, ...]:
        """Return the places that may have an image, mirrors first. Raises EngineError if they are blocked."""
        name = f"{registry}/{repository}"
        fitting = [one for one in self.registries if _fits(one.prefix, name)]
        if not fitting:
            return (Place(registry, repository),)
        best = max(fitting, key=lambda one: len(one.prefix))
        if best.blocked:
            raise EngineError(
                f"{best.prefix} is blocked by {self.path}",
                remedy="Use an image of another registry, or remove the entry from that file",
                registry=registry,
            )
        kinds = (_ALL, _DIGEST_ONLY if by_digest else _TAG_ONLY)
        mirrors = (
            _place(_moved(name, best.prefix, location), insecure=insecure)
            for location, insecure, kind in best.mirrors
            if kind in kinds
        )
        return (*mirrors, _place(_moved(name, best.prefix, best.location), insecure=best.insecure))

    def is_insecure(self, registry: str) -> bool:
        """Return whether the file marks a registry as insecure, in any of its entries."""
        places = (
            place
            for one in self.registries
            for place in ((one.location, one.insecure), *(mirror[:2] for mirror in one.mirrors))
        )
        return any(insecure and location.partition("/")[0] == registry for location, insecure in places)


def _fits(prefix: str, name: str) -> bool:
    if prefix.startswith("*."):
        host = name.partition("/")[0].partition(":")[0]
        return host.endswith(prefix[1:])
    return name == prefix or name.startswith(
        (f"{prefix}/", f"{prefix}:") if "/" not in prefix else f"{prefix}/"
    )


def _moved(name: str, prefix: str, location: str) -> str:
    if not location or prefix.startswith("*."):
        return f"{location}/{name.partition('/')[2]}" if location else name
    return f"{location}{name[len(prefix) :]}"


def _place(text: str, *, insecure: bool) -> Place:
    registry, _slash, repository = text.partition("/")
    return Place(registry, repository, insecure)


def read(path: str | None) -> Registries:
    """Read the file; the default file may be missing. Raises InvalidOption naming the line or the key."""
    where = path or DEFAULT_PATH
    try:
        with open(where, "rb") as stream:
            raw = stream.read(_LARGEST + 1)
    except FileNotFoundError as error:
        if path is None:
            return Registries()
        raise InvalidOption("registries_conf", path, "does not exist") from error
    except OSError as error:
        raise InvalidOption("registries_conf", where, f"cannot be read: {error.strerror}") from error
    return parse(raw, where)


def parse(raw: bytes, path: str) -> Registries:
    """Parse the file's content. Raises InvalidOption."""
    if len(raw) > _LARGEST:
        raise _wrong(path, f"is larger than {_LARGEST} bytes")
    try:
        document = json.loads(raw.decode())
    except json.JSONDecodeError as error:
        raise _wrong(
            path, f"is invalid JSON in line {error.lineno}, column {error.colno}: {error.msg}"
        ) from error
    except (ValueError, RecursionError) as error:  # not UTF-8, an enormous number, or deep nesting
        raise _wrong(path, "is invalid JSON") from error
    top = _checked(document, _TOP, path, "the file")
    search = top.get("unqualified-search-registries")
    if search is not None and not all(isinstance(one, str) and one for one in search):
        raise _wrong(path, "has unqualified-search-registries that are not a list of names")
    return Registries(
        DEFAULT_SEARCH if search is None else tuple(search),
        search is None,
        tuple(_registries(top.get("registry", []), path)),
        path,
    )


def _registries(items: list[Any], path: str) -> Iterator[_Registry]:
    for number, item in enumerate(items, 1):
        what = f"registry {number}"
        one = _checked(item, _REGISTRY, path, what)
        prefix = one.get("prefix") or one.get("location")
        if not prefix:
            raise _wrong(path, f"has neither prefix nor location in {what}")
        only = _DIGEST_ONLY if one.get("mirror-by-digest-only") else _ALL
        mirrors = tuple(_mirrors(one.get("mirror", []), path, what, only))
        yield _Registry(
            prefix.rstrip("/"),
            (one.get("location") or ("" if prefix.startswith("*.") else prefix)).rstrip("/"),
            one.get("insecure", False),
            one.get("blocked", False),
            mirrors,
        )


def _mirrors(items: list[Any], path: str, what: str, only: str) -> Iterator[tuple[str, bool, str]]:
    for number, item in enumerate(items, 1):
        one = _checked(item, _MIRROR, path, f"mirror {number} of {what}")
        kind = one.get("pull-from-mirror", only)
        if kind not in (_ALL, _DIGEST_ONLY, _TAG_ONLY):
            raise _wrong(path, f"has {kind!r} as pull-from-mirror; use all, digest-only or tag-only")
        if not one.get("location"):
            raise _wrong(path, f"has no location in mirror {number} of {what}")
        yield one["location"].rstrip("/"), one.get("insecure", False), kind


def _checked(value: object, keys: Mapping[str, type], path: str, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(path, f"has something other than an object as {what}")
    for key, item in value.items():
        if key not in keys:
            raise _wrong(
                path, f"has the unknown key {key!r} in {what}", remedy=f"Use one of {', '.join(keys)}"
            )
        if not isinstance(item, keys[key]):
            raise _wrong(path, f"has {item!r} as {key} in {what}, which is not a {_WORDS[keys[key]]}")
    return value


_WORDS: Mapping[type, str] = {str: "string", bool: "boolean", list: "list"}


def _wrong(path: str, why: str, *, remedy: str = "") -> InvalidOption:
    return InvalidOption("registries_conf", path, why, remedy=remedy)
