# SPDX-License-Identifier: GPL-3.0-or-later
"""Have containers that run ask other servers, when aardvark-dns answers in one of their networks no longer."""

from __future__ import annotations

import os
from contextlib import suppress

from ...model.engine.record import ContainerRecord
from ...model.network.spec import NetworkRecord
from ..core.engine import Engine
from . import names, served
from .connect import attached

#: A container's own edits of the file are small; what is larger is left alone.
_LIMIT = 1024 * 1024


def ask_others(engine: Engine, record: ContainerRecord, gone: NetworkRecord) -> None:
    """Write a container's /etc/resolv.conf anew, in its place, if it still asks at the gateways of the network."""
    path = f"{engine.layout.container(record.id).files}/resolv.conf"
    asked = {f"nameserver {gateway}" for gateway in served.gateways(gone)}
    if not asked & {*_read(path).splitlines()}:
        return
    networks = [network for _kept, network in attached(engine, record)]
    there = [one for one in networks if one.id != gone.id and one.spec.dns and served.is_served(engine, one)]
    gateways = sorted(
        (address for one in there for address in served.gateways(one)), key=lambda one: ":" in one
    )
    own = [server for network in networks for server in network.spec.dns_servers]
    text = names.resolv_conf(record.spec, _read("/etc/resolv.conf"), _read(names.RESOLVED), own, gateways)
    with open(
        os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC), "w", encoding="utf-8"
    ) as stream:
        stream.write(text)


def _read(path: str) -> str:
    with suppress(FileNotFoundError), open(path, encoding="utf-8", errors="replace") as stream:
        return stream.read(_LIMIT)
    return ""
