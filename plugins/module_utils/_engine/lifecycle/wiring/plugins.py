# SPDX-License-Identifier: GPL-3.0-or-later
"""Attach containers to networks with CNI plugins, detach them, and record the plugins' results.

The data for a detachment is a file of the container, written before the first plugin runs: so what a kill, a reboot or a
change of the plugins' list leaves is found again. If the file exists, the attachment may exist.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Optional

from ...errors import CommandFailed, CommandTimeout, EngineError, InvalidOption, StateCorrupt
from ...frozen import replace
from ...kernel import files
from ...kernel.net import netns
from ...model.container import networks as grammar
from ...model.container.networks import Wanted
from ...model.container.spec import ContainerSpec
from ...model.engine.record import ContainerRecord
from ...model.network import cni as protocol
from ...model.network.cni import Plugins, Request, Told
from ...model.network.spec import CNI, NetworkRecord
from ...model.network.wiring import Endpoint, Port
from ...network import cni, inside
from ...network.cni import How
from ...state import attachments
from ..core.engine import Engine
from ..core.sidecars import put

#: Bytes to read of the file at most: a list of plugins and a result.
_LIMIT = 4 << 20
#: Seconds to wait for plugins that a killed task has left running, and between two attempts.
_PATIENCE, _PAUSE = 60.0, 0.02


def plugins_of(network: NetworkRecord) -> Plugins:
    """Return the plugins of the network's list, by default the list of its own name.

    Raises Missing, InvalidOption.
    """
    return cni.find(network.spec.options.get("conflist", network.name))


def check(networks: Iterable[NetworkRecord], spec: ContainerSpec) -> None:
    """Check that a container can be attached by plugins. Raises Missing, HostLacks, InvalidOption."""
    found = [*networks]
    for network in found:
        if network.spec.driver == CNI:
            plugins = plugins_of(network)
            cni.refuse_missing(plugins)
            if (
                (spec.publish or spec.publish_all)
                and leads(network, found)
                and not plugins.can(protocol.PORTS)
            ):
                raise InvalidOption(
                    "publish",
                    None,
                    f"cannot be used: no plugin of network {network.name} has the capability portMappings",
                    remedy="Add the plugin portmap to their list, or attach a network of driver bridge as well",
                )


def leads(network: NetworkRecord, networks: Iterable[NetworkRecord]) -> bool:
    """Return whether the network's plugins publish a container's ports.

    These are the plugins of its first such network, unless another network takes ports.
    """
    found = [*networks]
    first = next((one.id for one in found if one.spec.driver == CNI), None)
    return first == network.id and not any(one.spec.takes_ports for one in found)


def add(
    engine: Engine,
    record: ContainerRecord,
    endpoint: Endpoint,
    network: NetworkRecord,
    ports: tuple[Port, ...],
) -> None:
    """Attach a container to a network and save the plugins' result; first undo an earlier attachment.

    Raises CommandFailed with a plugin's message, InvalidOption for a request that the plugins ignored; nothing is left then.
    """
    _detach(engine, record, network)
    plugins, container = plugins_of(network), engine.layout.container(record.id)
    want = _wanted(record, network)
    wishes = _requests(record, endpoint, network, want, ports)
    netns.call(container.netns, inside.raise_loopback)
    for request in wishes:
        path = container.cni(network.id)
        _record(engine, path, plugins, request, None)
        try:
            with _locked_file(path) as held:
                result = cni.add(plugins, How(request, container.netns, held))
        except EngineError:
            with suppress(EngineError):  # if this fails, the file is kept and it is tried again
                _detach(engine, record, network)
            if request is wishes[-1]:
                raise
            continue  # the earlier address is taken by now
        _record(engine, path, plugins, request, result)
        try:
            told = told_by(plugins, request, result, want)
        except EngineError:
            _detach(engine, record, network)
            raise
        _save(engine, record, endpoint, told)
        return


def delete(engine: Engine, record: ContainerRecord, network: NetworkRecord) -> None:
    """Detach a container from a network; if a plugin fails, add a warning and leave it to the next attempt.

    The next attempt comes with the next start, exit or removal.
    """
    try:
        _detach(engine, record, network)
    except EngineError as error:
        engine.warned.append(error)


def is_whole(engine: Engine, record: ContainerRecord, network: NetworkRecord) -> bool:
    """Return whether CHECK finds nothing missing; True for a container that is exiting or not attached."""
    container = engine.layout.container(record.id)
    if not netns.is_pinned(container.netns) or (kept := read_kept(container.cni(network.id))) is None:
        return True
    plugins, request, result = kept
    try:
        with _locked_file(container.cni(network.id)) as held:
            cni.check(plugins, How(request, container.netns, held), result or {})
    except CommandFailed:
        return False
    return True


def with_told(engine: Engine, record: ContainerRecord) -> ContainerRecord:
    """Return the record with the endpoints that plugins have assigned."""
    with engine.database.reading() as connection:
        return replace(record, endpoints=attachments.of(connection, record.id))


def _detach(engine: Engine, record: ContainerRecord, network: NetworkRecord) -> None:
    container = engine.layout.container(record.id)
    path = container.cni(network.id)
    if (kept := read_kept(path)) is not None:
        plugins, request, result = kept
        with _locked_file(path) as held:
            there = container.netns if netns.is_pinned(container.netns) else ""
            cni.delete(plugins, How(request, there, held), result)
        os.unlink(path)


@contextmanager
def _locked_file(path: str) -> Iterator[int]:
    """Hold the file's lock and yield its descriptor.

    Raises CommandTimeout while a plugin still runs that a killed task left.
    """
    deadline = time.monotonic() + _PATIENCE
    with files.held(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)) as fd:
        while not _locked(fd):
            if time.monotonic() > deadline:
                raise CommandTimeout(
                    f"a CNI plugin of an earlier task is still running after {_PATIENCE:g} s",
                    remedy=f"Find out what it waits for (`fuser {path}` prints its PID), then try again",
                )
            time.sleep(_PAUSE)
        yield fd


def _locked(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wanted(record: ContainerRecord, network: NetworkRecord) -> Wanted:
    found = (one for one in grammar.wanted(record.spec) if one.name == network.name)
    return next(found, Wanted(network.name))


def _requests(
    record: ContainerRecord, endpoint: Endpoint, network: NetworkRecord, want: Wanted, ports: tuple[Port, ...]
) -> list[Request]:
    """Return the requests to try: with the task's addresses, or with the last start's and then with none."""
    given: dict[str, Any] = {protocol.MAC: endpoint.mac, protocol.ALIASES: {network.name: [*want.aliases]}}
    if ports:
        given[protocol.PORTS] = protocol.mappings(ports)
    args = {"IgnoreUnknown": "1", "K8S_POD_NAME": record.name, "MAC": endpoint.mac}
    found = []
    for ips in [want.ips] if want.ips else dict.fromkeys([endpoint.addresses, ()]):
        one = {"IP": ips[0]} if len(ips) == 1 else {}  # for older plugins (podman does the same)
        more = {protocol.IPS: [*ips]} if ips else {}
        found.append(Request(record.id, endpoint.interface, {**args, **one}, {**given, **more}))
    return found


def told_by(plugins: Plugins, request: Request, result: Mapping[str, Any], want: Wanted) -> Told:
    """Parse the plugins' result.

    Raises InvalidOption for a request that they ignored, CommandFailed for an invalid result.
    """
    try:
        told = protocol.told(result, request.interface)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise cni.failed(plugins, plugins.each[-1]["type"], f"prints an invalid result: {error}") from None
    missed = [ip for ip in want.ips if ip not in told.addresses]
    missed += [want.mac] if want.mac and told.mac not in ("", want.mac) else []
    if missed:
        raise InvalidOption(
            "network",
            missed[0],
            f"was ignored by the plugins of {plugins.name}, which assigned {', '.join((*told.addresses, told.mac))}",
            remedy="Omit it, or use plugins that support such requests",
        )
    return told


def _save(engine: Engine, record: ContainerRecord, endpoint: Endpoint, told: Told) -> None:
    with engine.database.transaction() as connection:
        others = attachments.taken_macs(connection, endpoint.network_id, besides=record.id)
        # ipvlan interfaces share one MAC address.
        mac = endpoint.mac if told.mac in others else told.mac or endpoint.mac
        found = endpoint._replace(mac=mac, addresses=told.addresses, subnets=told.subnets, dns=told.dns)
        attachments.tell(connection, record.id, found)


def _record(
    engine: Engine, path: str, plugins: Plugins, request: Request, result: Optional[Mapping[str, Any]]
) -> None:
    put(engine.layout, path, json.dumps(protocol.encode(plugins, request, result)).encode(), durable=True)


def read_kept(path: str) -> Optional[tuple[Plugins, Request, Optional[dict[str, Any]]]]:
    """Return the recorded list, request and result (None if unknown), or None. Raises StateCorrupt."""
    with suppress(FileNotFoundError):
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as stream:
            text = stream.read(_LIMIT)
        try:
            return protocol.decode(text)
        except (ValueError, LookupError, TypeError, AttributeError):
            raise StateCorrupt(
                f"cannot parse {path}, which plugins need to detach a container from its network",
                remedy="Undo by hand what the plugins have done, and remove the file",
            ) from None
    return None
