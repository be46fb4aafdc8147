# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the file of a network for aardvark-dns: the addresses to listen on, then a line per container.

Source: parse_config of aardvark-dns. Fields are separated by spaces, their items by commas; an empty last field is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Named(NamedTuple):
    """A container in a network: its addresses, its names, and the name servers for its own queries."""

    container_id: str
    addresses: Sequence[str]
    names: Sequence[str]
    servers: Sequence[str] = ()


def added(text: str, gateways: Sequence[str], servers: Sequence[str], named: Named) -> str:
    """Return the text with a container's line, appended if it is new, and with a new first line.

    ``servers`` are the network's name servers, which answer names that no container has.
    """
    own = _line(named)
    others = _others(text, named.container_id)
    kept = text.splitlines()[1:] if own in text.splitlines()[1:] else [*others, own]
    return "".join(f"{line}\n" for line in (_first(gateways, servers), *kept))


def without(text: str, container_id: str) -> str:
    """Return the text without the container's line, "" if no container is left."""
    others = _others(text, container_id)
    return "".join(f"{line}\n" for line in (*text.splitlines()[:1], *others)) if others else ""


def _others(text: str, container_id: str) -> list[str]:
    return [line for line in text.splitlines()[1:] if line.partition(" ")[0] != container_id]


def _first(gateways: Sequence[str], servers: Sequence[str]) -> str:
    return " ".join(filter(None, (",".join(gateways), ",".join(servers))))


def _line(named: Named) -> str:
    """Return the line of a container; names are in lower case, because they are compared so."""
    names = dict.fromkeys(name.lower() for name in named.names)
    v4 = [address for address in named.addresses if ":" not in address]
    v6 = [address for address in named.addresses if ":" in address]
    fields = (named.container_id, *map(",".join, (v4, v6, names)), *filter(None, [",".join(named.servers)]))
    return " ".join(fields)
