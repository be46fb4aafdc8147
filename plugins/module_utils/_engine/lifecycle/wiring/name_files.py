# SPDX-License-Identifier: GPL-3.0-or-later
"""Write a container's /etc/hosts and /etc/resolv.conf, and update them when its networks change."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress

from ...model.container import namespaces
from ...model.container.spec import ContainerSpec
from ...model.engine.layout import ContainerLayout
from ...model.engine.record import ContainerRecord
from ...model.network import resolver
from ...runtime import files
from . import names

#: Only this much is read of the host's resolv.conf and hosts, which are small.
_LIMIT = 1024 * 1024
#: A larger /etc/hosts, edited in the container, is left alone.
_LIMIT_EDITED = 4 * 1024 * 1024
_HOSTS, _RESOLV_CONF = "/etc/hosts", "/etc/resolv.conf"


def hosts(record: ContainerRecord, hostname: str, attached: names.Attached) -> dict[str, str]:
    """Return the text of /etc/hosts by path; nothing if the image's file is used."""
    spec = record.spec
    if spec.no_hosts or spec.hosts_file == resolver.OF_IMAGE:
        return {}
    of_host = attached or namespaces.uses_host_network(spec)
    base = spec.hosts_file or (_HOSTS if of_host else resolver.NO_FILE)
    text = "" if base == resolver.NO_FILE else _read(base)
    return {_HOSTS: names.hosts(record, hostname, attached, text)}


def resolv_conf(spec: ContainerSpec, attached: names.Attached, served: Sequence[str]) -> dict[str, str]:
    """Return the text of /etc/resolv.conf by path; nothing if the image's file is used."""
    if spec.dns == (resolver.NO_SERVERS,):
        return {}
    host = _read(_RESOLV_CONF)
    if attached or spec.dns or spec.dns_search or spec.dns_option:
        servers = [server for _kept, network in attached for server in network.spec.dns_servers]
        text = names.resolv_conf(spec, host, _read(names.RESOLVED), servers, served)
        return {_RESOLV_CONF: text}
    return {_RESOLV_CONF: files.resolv_conf(host if namespaces.uses_host_network(spec) else "")}


def bring_up_to_date(
    container: ContainerLayout,
    before: tuple[ContainerRecord, names.Attached],
    after: tuple[ContainerRecord, names.Attached],
    served: Sequence[str],
) -> None:
    """Update a running container's own and host's lines of /etc/hosts, and all of /etc/resolv.conf.

    They are written in place, because they are bind mounts. ``served`` is that of ``names.resolv_conf``.
    """
    record, attached = after
    old, new = (_own_lines(*each) for each in (before, after))
    moved = {address for address, _names in {*old} ^ {*new}}
    if moved:
        lines = [f"{address}\t{' '.join(called)}\n" for address, called in new if address in moved]
        alter_hosts(f"{container.files}/hosts", moved, lines)
    if before[1] == attached:
        return
    for text in resolv_conf(record.spec, attached, served).values():
        _put(f"{container.files}/resolv.conf", text)


def ask_others(
    container: ContainerLayout,
    record: ContainerRecord,
    attached: names.Attached,
    served: Sequence[str],
    gone: Sequence[str],
) -> None:
    """Rewrite a running container's /etc/resolv.conf in place if it still names an address of ``gone``."""
    path = f"{container.files}/resolv.conf"
    if {f"nameserver {address}" for address in gone} & {*_read(path).splitlines()}:
        for text in resolv_conf(record.spec, attached, served).values():
            _put(path, text)


def alter_hosts(path: str, addresses: Iterable[str], lines: Sequence[str]) -> None:
    """Remove the lines of these addresses from /etc/hosts and append others; do nothing without a file."""
    gone = {*addresses}
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
    with (
        suppress(FileNotFoundError),
        open(os.open(path, flags), "r+", encoding="utf-8", errors="surrogateescape") as stream,
    ):
        text = stream.read(_LIMIT_EDITED + 1)
        if len(text) > _LIMIT_EDITED:
            return
        kept = [line for line in text.splitlines(keepends=True) if (line.split() or [""])[0] not in gone]
        stream.seek(0)
        stream.write("".join((*kept, *lines)))
        stream.truncate()


def _own_lines(record: ContainerRecord, attached: names.Attached) -> list[names.Line]:
    hostname = namespaces.hostname_of(record.spec, record.id, os.uname().nodename)
    gateway = names.gateway_of([network for _kept, network in attached])
    own = names.own_lines(record, hostname, [kept for kept, _network in attached])
    return [*names.host_lines(record.spec, gateway), *own]


def _put(path: str, text: str) -> None:
    if os.path.exists(path) and _read(path) != text:
        with open(os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "w", encoding="utf-8") as stream:
            stream.truncate()
            stream.write(text)


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read(_LIMIT)
    except FileNotFoundError:
        return ""
