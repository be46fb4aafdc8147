# SPDX-License-Identifier: GPL-3.0-or-later
"""Attach a container to its networks, and detach it: namespace, interfaces, ports, names.

The kernel's state is derived from the rows alone; what exists is kept, so each step can be repeated.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from ...kernel import files, namespaces, usernamespace
from ...kernel.net import netns
from ...model.container import networks as grammar
from ...model.container import status
from ...model.container.networks import Wanted
from ...model.engine.layout import ContainerLayout
from ...model.engine.record import ContainerRecord
from ...model.network.interfaces import host_end
from ...model.network.spec import CNI, IPVLAN, MACVLAN, NetworkRecord, Subnet
from ...model.network.wiring import ON_LINK, Attachment, Endpoint
from ...model.values.idmap import IdMap
from ...network import bridge, direct, firewall
from ...plan import addresses
from ...state import networks
from ..core.engine import Engine
from . import host_parameters, rules

#: Drivers whose interfaces have one of the host's as parent, without a bridge.
_DIRECT = (MACVLAN, IPVLAN)
#: The intent of a running container whose networks or ports in the rows differ from the kernel's (rewire.py).
REWIRE = "rewire"
#: A container's endpoints, each with its network.
Attached = tuple[tuple[Endpoint, NetworkRecord], ...]


def attached(engine: Engine, record: ContainerRecord) -> Attached:
    """Return the container's endpoints, each with its network."""
    with engine.database.reading() as connection:
        found = ((one, networks.get(connection, one.network_id)) for one in record.endpoints)
        return tuple((one, one.seen_from(network)) for one, network in found if network is not None)


def make_namespaces(container: ContainerLayout, mapping: IdMap | None, shared: str | None) -> dict[str, str]:
    """Create the container's network namespace and its owning user namespace; return their paths by kind.

    ``mapping`` is the id mapping of its user namespace, None in the host's; ``shared`` is the path of one that it joins. As
    owner, the root of the user namespace can configure the network, and the runtime can mount /sys.
    """
    if mapping is None:
        netns.pin(container.netns)
        return {"network": container.netns}
    if not shared and not netns.is_pinned(container.userns):
        with usernamespace.opened(mapping.uids, mapping.gids) as fd:
            namespaces.pin(f"/proc/self/fd/{fd}", container.userns)
    with files.held(os.open(shared or container.userns, os.O_RDONLY | os.O_CLOEXEC)) as fd:
        netns.pin(container.netns, userns_fd=fd)
    return {"network": container.netns, **({} if shared else {"user": container.userns})}


def connect(engine: Engine, record: ContainerRecord, wiring: Attached) -> None:
    """Create the interfaces in the container's network namespace, and load the rules of its ports.

    What plugins assign is recorded in the rows.
    """
    for (_endpoint, network), attachment in zip(wiring, plugs(record, wiring)):
        plug_in(engine, record, wiring, network, attachment)
    if (publication := rules.publication(record, wiring)).leads:
        firewall.publish(publication, table=rules.table(engine))


def plug_in(
    engine: Engine,
    record: ContainerRecord,
    wiring: Attached,
    network: NetworkRecord,
    attachment: Attachment,
) -> None:
    """Attach a container to one network of ``wiring``; the first attachment creates the bridge and its rules.

    What plugins assign is recorded in the rows.
    """
    if network.spec.driver == CNI:
        endpoint = next(one for one, home in wiring if home.id == network.id)
        plugins = _plugins()
        leads = plugins.leads(network, [home for _endpoint, home in wiring])
        plugins.add(engine, record, endpoint, network, record.ports if leads else ())
        return
    path = namespace_of(engine, record)
    if network.spec.driver in _DIRECT:
        direct.attach(network, path, attachment)
        return
    with engine.lock_network(network.name, f"attach {record.name}"):
        if bridge.observe(network) is None or not firewall.present(table=rules.table(engine)):
            rules.open_network(engine, network)
        host_parameters.keep(engine, network, bridge.ensure(network))
        bridge.attach(network, path, attachment)


def pull_out(engine: Engine, record: ContainerRecord, network: NetworkRecord, attachment: Attachment) -> None:
    """Detach a container from one network; the last detachment removes the bridge and its rules."""
    if network.spec.driver == CNI:
        _plugins().delete(engine, record, network)
        return
    if network.spec.driver in _DIRECT:
        direct.detach(namespace_of(engine, record), attachment)
        return
    with engine.lock_network(network.name, f"detach {record.name}"):
        bridge.detach(attachment)
        _remove_unused_bridge(engine, network)


def disconnect(engine: Engine, record: ContainerRecord, wiring: Attached) -> None:
    """Undo ``connect``, also a partial one; a bridge is removed with its last container."""
    container = engine.layout.container(record.id)
    if (publication := rules.publication(record, wiring)).leads:
        firewall.withdraw(record.id, known=publication, table=rules.table(engine))
    for (_endpoint, network), attachment in zip(wiring, plugs(record, wiring)):
        pull_out(engine, record, network, attachment)
    netns.unpin(container.netns)
    netns.unpin(container.userns)


def forget(engine: Engine, record: ContainerRecord) -> None:
    """Make plugins release what survives a reboot, such as assigned addresses."""
    for _endpoint, network in attached(engine, record):
        if network.spec.driver == CNI:
            _plugins().delete(engine, record, network)


def _plugins() -> Any:
    """Return the module that runs plugins, imported on demand because few networks need it."""
    from . import plugins

    return plugins


def namespace_of(engine: Engine, record: ContainerRecord) -> str:
    """Return a path of the container's network namespace; by its process if the run directory was lost."""
    path = engine.layout.container(record.id).netns
    if record.status not in status.ALIVE or record.process is None or netns.is_pinned(path):
        return path
    return f"/proc/{record.process.pid}/ns/net"


def _remove_unused_bridge(engine: Engine, network: NetworkRecord) -> None:
    """Remove the bridge of a network without attachments, and then its rules."""
    there = bridge.observe(network)
    if not bridge.is_managed(network) or (there is not None and there.ports):
        return
    if there is not None:
        bridge.remove(network)
    elif not firewall.present(table=rules.table(engine)):
        return
    rules.close_network(engine, network)  # also if a killed release has removed the bridge


def plugs(record: ContainerRecord, wiring: Attached) -> list[Attachment]:
    """Return the configuration of each interface for the kernel; pure."""
    wanted = {one.name: one for one in grammar.wanted(record.spec)}
    routed: frozenset[int] = frozenset()
    found = []
    for endpoint, network in wiring:
        want = wanted.get(network.name, Wanted(network.name))
        subnets = [subnet for ip in endpoint.addresses if (subnet := addresses.home_of(network.subnets, ip))]
        leads = [subnet for subnet in _leading(network, want, subnets) if subnet.version not in routed]
        routed |= {subnet.version for subnet in leads}
        options = network.spec.options
        plug = Attachment(
            network.id,
            endpoint.interface,
            want.host_interface or host_end(record.id, network.id),
            endpoint.mac,
            (
                *(addresses.prefixed(subnet, ip) for subnet, ip in zip(subnets, endpoint.addresses)),
                *_link_local(want),
            ),
            tuple(subnet.gateway or ON_LINK[subnet.version] for subnet in leads),
            network.spec.routes,
            want.metric or int(options.get("metric", 0)),
            int(options.get("mtu", 0)),
        )
        found.append(plug)
    return found


def _leading(network: NetworkRecord, want: Wanted, subnets: Sequence[Subnet]) -> list[Subnet]:
    """Return the subnets that get a default route: through their gateway, or on the link."""
    options = network.spec.options
    leads = want.default_route and not network.spec.internal and options.get("no_default_route") != "true"
    return [subnet for subnet in subnets if leads and (subnet.gateway or network.spec.is_routed)]


def _link_local(want: Wanted) -> list[str]:
    """Return the task's link-local address with the prefix length of its kind (RFC 3927; RFC 4291, 2.5.6)."""
    return [f"{want.link_local}/{64 if ':' in want.link_local else 16}"] if want.link_local else []
