# SPDX-License-Identifier: GPL-3.0-or-later
"""Change the networks and ports of a running container; what does not change is not touched.

First the former state is written to a file in the run directory, then one transaction changes the rows and saves the intent,
then the kernel is brought in line with the rows, in repeatable steps. The next process that finds the intent of a killed
change completes it.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from ...errors import EngineError, HostLacks
from ...frozen import replace
from ...kernel.net import netns
from ...kernel.process import Process
from ...model.container import status
from ...model.container.spec import ContainerSpec
from ...model.engine.record import ContainerRecord
from ...model.engine.sidecars import decode_container, decode_network, encode_container, encode_network
from ...model.image.config import ImageConfig
from ...model.network.spec import CNI, NetworkRecord
from ...network import bridge, firewall, inside
from ...plan.rewiring import Plug, Rewiring, rewiring
from ...state import containers
from ..core.engine import Engine
from ..core.facts import save, save_and_tell
from . import choose, host_ports, name_files, peers, rules, served
from .connect import REWIRE, Attached, attached, disconnect, namespace_of, plug_in, plugs, pull_out


class _Wiring(NamedTuple):
    """A container with its present or former endpoints and networks."""

    record: ContainerRecord
    attached: Attached

    @property
    def plugs(self) -> list[Plug]:
        """The configuration of each interface for the kernel, with its network."""
        networks = (network for _kept, network in self.attached)
        return [*zip(networks, plugs(self.record, self.attached))]


def alter(
    engine: Engine, record: ContainerRecord, spec: ContainerSpec, config: ImageConfig | None
) -> ContainerRecord:
    """Change a container's networks and ports to another spec's, and return its record; its lock is held.

    For a container that does not run the change takes effect at its next start. Raises what ``choose.with_networks`` raises,
    InUse for a port and NameInUse for an interface of others; nothing is changed then.
    """
    note(engine, record)
    with engine.database.transaction() as connection:
        changed = choose.chosen(connection, replace(record, spec=spec), config, record)
        changed = put(connection, changed)
    try:
        return finish(engine, changed)
    except (EngineError, OSError) as error:
        _undo(engine, record, changed, error)
        raise


def note(engine: Engine, record: ContainerRecord) -> None:
    """Write a running container's networks to the file, before its rows change."""
    if record.status not in status.ALIVE:
        return
    content = {
        "container": encode_container(record),
        "networks": [encode_network(network) for _kept, network in attached(engine, record)],
    }
    path = _path(engine, record)
    with open(
        os.open(f"{path}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w"
    ) as stream:
        json.dump(content, stream)
    os.rename(f"{path}.new", path)


def put(connection: sqlite3.Connection, record: ContainerRecord) -> ContainerRecord:
    """Save a record with other networks, and the intent to apply them if it runs; return it."""
    changed = replace(record, intent=REWIRE if record.status in status.ALIVE else record.intent)
    containers.update(connection, changed)
    return changed


def leave(engine: Engine, record: ContainerRecord) -> None:
    """Detach a container from networks that it no longer has: the first part of ``finish``."""
    before = _former(engine, record)
    if before is not None:
        _leave(engine, before, record, _change(before, _present(engine, record)))


def finish(
    engine: Engine, record: ContainerRecord, *, told: tuple[str, ...] = ("update",)
) -> ContainerRecord:
    """Apply the rows to the kernel and to the networks' names; return the record. ``told`` are the events."""
    if record.intent == REWIRE and record.status in status.ALIVE:
        # Without the file (lost with the run directory, or a kill right at the end), all that is missing is made.
        nothing = _Wiring(replace(record, endpoints=(), ports=()), ())
        record = _apply(engine, _former(engine, record) or nothing, _present(engine, record))
    if record.intent != REWIRE:  # it does not run, and gets all that at its start
        told = ()
    _forget(engine, record)  # first: the intent without the file is a state that the code above handles
    return save_and_tell(engine, record, told, spec=record.spec, intent="")


def mend(engine: Engine, record: ContainerRecord) -> ContainerRecord:
    """Complete a change that was killed; the lock is held.

    What is no longer possible becomes a warning, and is left to the next start.
    """
    if record.status not in status.ALIVE:  # its release detaches present and former networks
        return save(engine, record, spec=record.spec, intent="")
    try:
        return finish(engine, record)
    except (EngineError, OSError) as error:
        text = f"container {record.name} is not attached to all of its networks: {error}"
        engine.warned.append(HostLacks(text, remedy="Restart the container"))
    _forget(engine, record)
    return save(engine, record, spec=record.spec, intent="")


def release(engine: Engine, record: ContainerRecord) -> None:
    """Detach a container from the former networks of a killed change, if any."""
    before = _former(engine, record)
    if before is not None:
        peers.withdraw(engine, before.record, before.attached)
        disconnect(engine, before.record, before.attached)
        _forget(engine, record)


# -- the kernel ------------------------------------------------------------------------------------


def _apply(engine: Engine, before: _Wiring, after: _Wiring) -> ContainerRecord:
    """Bring the kernel from one wiring to another; return the record with what plugins have assigned."""
    change = _change(before, after)
    _reserve_ports(engine, before.record, after.record)
    _leave(engine, before, after.record, change)
    for network, plug in change.new:
        plug_in(engine, after.record, after.attached, network, plug)
    if any(network.spec.driver == CNI for network, _plug in change.new):
        from .plugins import with_told

        after = _present(engine, with_told(engine, after.record))
    path = namespace_of(engine, after.record)
    for old, new in change.rerouted:
        netns.call(path, lambda old=old, new=new: inside.reroute(old, new))  # type: ignore[misc]
    _publish(engine, before, after)
    _name(engine, before, after, change)
    return after.record


def _leave(engine: Engine, before: _Wiring, record: ContainerRecord, change: Rewiring) -> None:
    left = _pairs(before.attached, change.gone)
    peers.withdraw(engine, before.record, left)
    peers.forget_others(engine, before.record, left)
    for network, plug in change.gone:
        pull_out(engine, record, network, plug)
    known = {network.id: network for network, _plug in change.new}
    for network, _plug in change.gone:
        if network.id in known:
            _remake(engine, network, known[network.id])


def _remake(engine: Engine, former: NetworkRecord, network: NetworkRecord) -> None:
    """Update the bridge of a recreated network if other containers keep it."""
    if former == network or bridge.observe(network) is None:
        return
    with engine.lock_network(network.name, f"remake {network.name}"):
        bridge.forget_gateways(former, network)
        rules.open_network(engine, network)


def _reserve_ports(engine: Engine, before: ContainerRecord, record: ContainerRecord) -> None:
    """Replace the ports that conmon reserves with those published now."""
    if before.ports == record.ports or record.monitor is None:
        return
    if not host_ports.hold_instead(Process(*record.monitor), record.ports):
        host_ports.check(port for port in record.ports if port not in before.ports)
        engine.warned.append(
            HostLacks(
                f"changed ports of container {record.name} are not reserved, and former ones not freed, until its restart",
                remedy="Restart the container; no restart is needed with Linux 5.6 or later",
                feature="pidfd_getfd",
            )
        )


def _publish(engine: Engine, before: _Wiring, after: _Wiring) -> None:
    old, new = (rules.publication(*one) for one in (before, after))
    table = rules.table(engine)
    if not (old.leads or new.leads):
        return
    if not new.leads:
        firewall.withdraw(new.container_id, known=old, table=table)
    elif not firewall.present(table=table):
        rules.load(engine)
    elif old != new:
        firewall.publish(new, former=old, table=table)


def _name(engine: Engine, before: _Wiring, after: _Wiring, change: Rewiring) -> None:
    """Publish the container's names in its networks, and theirs to it, where they have changed."""
    old, record = before.record, after.record
    new = _pairs(after.attached, change.new)
    peers.serve(engine, record, new)
    if change != Rewiring() or old.name != record.name:
        container = engine.layout.container(record.id)
        name_files.bring_up_to_date(container, before, after, peers.served_at(engine, after.attached))
    others = [pair for pair in after.attached if pair not in new]
    called = [pair for pair in others if _names(old, pair[1]) != _names(record, pair[1])]
    peers.announce(engine, record, [*new, *called])


def _names(record: ContainerRecord, network: NetworkRecord) -> tuple[str, ...]:
    return served.names(record, network.name)


def _undo(
    engine: Engine, record: ContainerRecord, changed: ContainerRecord, error: EngineError | OSError
) -> None:
    """Restore a container's former networks after a failed change."""
    after = _present(engine, changed)
    try:
        former = save(engine, replace(record, intent=changed.intent), spec=record.spec)
        if former.status in status.ALIVE:
            former = _apply(engine, after, _present(engine, former))
    except (EngineError, OSError, sqlite3.IntegrityError) as further:
        if isinstance(error, EngineError):
            error.fields["not_undone"] = [str(further)]
        former = changed
    _forget(engine, record)
    save(engine, former, spec=former.spec, intent="")


# -- the former and the present state --------------------------------------------------------------


def _present(engine: Engine, record: ContainerRecord) -> _Wiring:
    return _Wiring(record, attached(engine, record))


def _former(engine: Engine, record: ContainerRecord) -> _Wiring | None:
    """Return the former state from the file, or None without one."""
    with suppress(FileNotFoundError), open(_path(engine, record), encoding="utf-8") as stream:
        content = json.load(stream)
        networks = {one.id: one for one in map(decode_network, content["networks"])}
        former = decode_container(content["container"])
        pairs = ((kept, networks.get(kept.network_id)) for kept in former.endpoints)
        return _Wiring(former, tuple((kept, network) for kept, network in pairs if network is not None))
    return None


def _change(before: _Wiring, after: _Wiring) -> Rewiring:
    return rewiring(before.plugs, after.plugs)


def _pairs(pairs: Attached, chosen: Iterable[Plug]) -> Attached:
    ids = {network.id for network, _plug in chosen}
    return tuple(pair for pair in pairs if pair[1].id in ids)


def _path(engine: Engine, record: ContainerRecord) -> str:
    return f"{engine.layout.container(record.id).run}/networks.json"


def _forget(engine: Engine, record: ContainerRecord) -> None:
    with suppress(FileNotFoundError):
        os.unlink(_path(engine, record))
