# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse a container's user namespace: ``userns``, ``uidmap``, ``gidmap``, ``subuidname``, ``subgidname``.

The five options together become a single value. Source: podman-run(1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Optional

from ...errors import InvalidOption
from ..values.idmap import Range, parse_ranges
from ..values.text import plain_text
from . import namespaces

AUTO = "auto"
_MODES = ("host", "private", "auto[:OPTIONS]")
_MAPS = ("uidmap", "gidmap", "subuidname", "subgidname")
#: The largest user namespace that ``auto`` creates without ``size`` (auto-userns-max-size in containers-storage.conf(5)).
LARGEST_AUTO = 65536


class UserNamespace(NamedTuple):
    """A user namespace. ``mode`` is private, auto, ``container:NAME`` or ``ns:PATH``; host is None instead.

    ``uids`` and ``gids`` are the requested ranges, for ``auto`` those that are fixed; ``size`` is the number of IDs for ``auto``;
    ``subuid`` and ``subgid`` are the users whose ranges in /etc/subuid and /etc/subgid are used.
    """

    mode: str
    uids: tuple[Range, ...] = ()
    gids: tuple[Range, ...] = ()
    size: Optional[int] = None
    subuid: Optional[str] = None
    subgid: Optional[str] = None

    def encode(self) -> dict[str, Any]:
        """Return the stored form."""
        data = {
            "mode": self.mode,
            "uids": [list(item) for item in self.uids],
            "gids": [list(item) for item in self.gids],
            "size": self.size,
            "subuid": self.subuid,
            "subgid": self.subgid,
        }
        return {key: value for key, value in data.items() if value}

    @classmethod
    def decode(cls, data: Mapping[str, Any]) -> UserNamespace:
        """Decode the stored form."""
        ranges = {key: tuple(Range(*item) for item in data.get(key, ())) for key in ("uids", "gids")}
        return cls(
            data["mode"],
            ranges["uids"],
            ranges["gids"],
            data.get("size"),
            data.get("subuid"),
            data.get("subgid"),
        )


def parse(_option: str, raw: Mapping[str, Any]) -> UserNamespace | None:
    """Parse the five options, None for the host's user namespace. Raises InvalidOption, naming the option."""
    text = plain_text("userns", raw.get("userns") or "")
    given = [name for name in _MAPS if raw.get(name)]
    if not text and not given:
        return None
    if text in ("", "private"):
        return _private(raw, given)
    if given:
        raise InvalidOption(
            given[0], raw[given[0]], f"conflicts with userns: {text}", remedy="Leave out one of the two"
        )
    if text == namespaces.HOST:
        return None
    mode, _colon, options = text.partition(":")
    return _auto(options) if mode == AUTO else UserNamespace(namespaces.joined("userns", text, _MODES))


def _private(raw: Mapping[str, Any], given: list[str]) -> UserNamespace:
    if not given:
        raise InvalidOption(
            "userns",
            "private",
            "requires a mapping of IDs",
            remedy="Set uidmap, gidmap or subuidname, or write auto",
        )
    named, mapped = set(given) & {"subuidname", "subgidname"}, set(given) & {"uidmap", "gidmap"}
    if named and mapped:
        raise InvalidOption(
            given[-1], raw[given[-1]], f"conflicts with {given[0]}", remedy="Leave out one of the two"
        )
    uids, gids = (parse_ranges(name, raw.get(name) or ()) for name in ("uidmap", "gidmap"))
    names = [plain_text(name, raw.get(name) or "") for name in ("subuidname", "subgidname")]
    # As in podman, each option of a pair defaults to the other.
    return UserNamespace(
        namespaces.PRIVATE,
        uids or gids,
        gids or uids,
        subuid=names[0] or names[1] or None,
        subgid=names[1] or names[0] or None,
    )


def _auto(options: str) -> UserNamespace:
    """Parse ``size=N,uidmapping=C:H:S,gidmapping=C:H:S``."""
    found: dict[str, list[str]] = {"size": [], "uidmapping": [], "gidmapping": []}
    for item in options.split(",") if options else ():
        key, _equals, value = item.partition("=")
        if key not in found:
            raise InvalidOption(
                "userns", f"{AUTO}:{options}", f"has the unknown {key!r}", remedy=f"Known: {', '.join(found)}"
            )
        found[key].append(value)
    sizes = {int(value) if value.isascii() and value.isdigit() else 0 for value in found["size"]}
    if len(sizes) > 1 or not all(1 <= size < 2**31 for size in sizes):
        raise InvalidOption(
            "userns", f"{AUTO}:{options}", "has an invalid size", remedy="Write it as in size=65536"
        )
    return UserNamespace(
        AUTO,
        parse_ranges("userns", found["uidmapping"]),
        parse_ranges("userns", found["gidmapping"]),
        next(iter(sizes), None),
    )
