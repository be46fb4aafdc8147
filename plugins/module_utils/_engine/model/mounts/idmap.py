# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse the IDs of an idmapped mount: ``idmap`` and ``idmap=uids=0-1000-10#10-2000-5;gids=0-100-10``.

A range consists of the first ID in the file system, the first ID on the host, and the count. With the prefix ``@``, the second
is an ID in the container, which its user namespace maps to the host's. Source: podman-run(1) ``--mount``, ``idmap``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Optional

from ...errors import InvalidOption
from ..values.idmap import IdMap, Range, parse_ranges

_KINDS = ("uids", "gids")
_RELATIVE = "@"


class MountIds(NamedTuple):
    """The ranges of ``idmap=``; None: the container's own mapping. ``@`` ranges are in ``relative_…``."""

    uids: Optional[tuple[Range, ...]] = None
    gids: Optional[tuple[Range, ...]] = None
    relative_uids: tuple[Range, ...] = ()
    relative_gids: tuple[Range, ...] = ()

    def text(self) -> str:
        """Return the canonical value, as in ``uids=0-1000-10;gids=@0-5-10``."""
        parts = ((self.uids, self.relative_uids, "uids"), (self.gids, self.relative_gids, "gids"))
        return ";".join(
            f"{name}={'#'.join([*map(_text, plain or ()), *(_RELATIVE + _text(one) for one in relative)])}"
            for plain, relative, name in parts
            if plain is not None
        )

    def resolve(self, option: str, mapping: IdMap | None) -> IdMap:
        """Return the mount's mapping in a container with this user namespace (None: the host's).

        Raises InvalidOption for relative IDs that the user namespace does not map.
        """
        own = mapping or IdMap((), ())
        return IdMap(
            own.uids if self.uids is None else _joined(option, self.uids, self.relative_uids, own.uids),
            own.gids if self.gids is None else _joined(option, self.gids, self.relative_gids, own.gids),
        )


def parse(option: str, value: str) -> MountIds:
    """Parse the value of ``idmap=``, "" for ``idmap`` without a value. Raises InvalidOption."""
    found: dict[str, list[str]] = {}
    for part in value.split(";") if value else ():
        name, _equals, ranges = part.partition("=")
        if name not in _KINDS or name in found or not ranges:
            raise InvalidOption(
                option,
                f"idmap={value}",
                f"has {part!r}, which is not a mapping",
                remedy="Write it as in idmap=uids=0-1000-10#10-2000-5;gids=0-100-10",
            )
        found[name] = ranges.split("#")
    parsed = {name: _both(option, texts) for name, texts in found.items()}
    uids, relative_uids = parsed.get("uids", (None, ()))
    gids, relative_gids = parsed.get("gids", (None, ()))
    return MountIds(uids, gids, relative_uids, relative_gids)


def _both(option: str, texts: Sequence[str]) -> tuple[tuple[Range, ...], tuple[Range, ...]]:
    """Return the plain ranges and the relative ranges."""
    plain = [text for text in texts if not text.startswith(_RELATIVE)]
    relative = [text[1:] for text in texts if text.startswith(_RELATIVE)]
    return _ranges(option, plain), _ranges(option, relative)


def _ranges(option: str, texts: Sequence[str]) -> tuple[Range, ...]:
    for text in texts:
        if text.count("-") != 2 or ":" in text:
            raise InvalidOption(
                option, text, "is not a range of IDs", remedy="Write FIRST-HOST-SIZE, as in 0-100000-65536"
            )
    return parse_ranges(option, [text.replace("-", ":") for text in texts])


def _text(one: Range) -> str:
    return f"{one.container}-{one.host}-{one.size}"


def _joined(
    option: str, plain: tuple[Range, ...], relative: tuple[Range, ...], own: tuple[Range, ...]
) -> tuple[Range, ...]:
    made = [*plain, *(_absolute(option, one, own) for one in relative)]
    return parse_ranges(option, [one.text() for one in made])


def _absolute(option: str, one: Range, own: tuple[Range, ...]) -> Range:
    """Return the range with its second ID mapped to the host's (libpod, parseOptionIDs)."""
    for item in own:
        if item.container <= one.host and one.host + one.size <= item.container + item.size:
            return one._replace(host=item.host + one.host - item.container)
    raise InvalidOption(
        option,
        f"{_RELATIVE}{_text(one)}",
        "has IDs that the container's user namespace does not map",
        remedy="Write IDs that userns maps, or leave out @ and write the host's IDs",
    )
