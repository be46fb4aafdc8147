# SPDX-License-Identifier: GPL-3.0-or-later
"""A container's networks as a resource: namespace, interfaces, addresses, ports, names (../wiring)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ...model.container import networks as grammar
from ...model.container import status
from ...model.container.spec import ContainerSpec
from ...model.engine.record import ContainerRecord
from ...model.image import config as imageconfig
from ...model.network.spec import CNI
from ..core.engine import Engine
from .contract import Known, Resource, Run

if TYPE_CHECKING:
    from ..core.source import Source


class _Network(Resource):
    """A container's attachments to named networks; none if it joins another network namespace."""

    name, step = "network", "connect_network"

    def check(
        self, engine: Engine, spec: ContainerSpec, source: Source, record: ContainerRecord | None
    ) -> Iterator[Callable[[], object]]:
        if grammar.has_networks(spec):
            from ..wiring.check import check

            yield lambda: check(engine, spec, source, record)

    def acquire(self, engine: Engine, run: Run) -> Run:
        if not grammar.has_networks(run.record.spec):
            return run
        from ..wiring import peers
        from ..wiring.connect import attached, connect, make_namespaces

        record, wiring = run.record, attached(engine, run.record)
        container, shared = engine.layout.container(record.id), run.shared.paths.get("user")
        paths = make_namespaces(container, record.mapping, shared)
        connect(engine, record, wiring)
        if any(network.spec.driver == CNI for _endpoint, network in wiring):
            from ..wiring.plugins import with_told

            record = with_told(engine, record)
            wiring = attached(engine, record)
        servers = peers.serve(engine, record, wiring)
        return run._replace(record=record, own_namespaces=paths, attached=wiring, servers=servers)

    def release(self, engine: Engine, record: ContainerRecord) -> None:
        if self.observe(engine, record) or (record.endpoints and not _never_ran(record)):
            from ..wiring import peers, rewire
            from ..wiring.connect import attached, disconnect

            wiring = attached(engine, record)
            peers.withdraw(engine, record, wiring)
            rewire.release(engine, record)
            disconnect(engine, record, wiring)

    def refresh(self, engine: Engine, record: ContainerRecord) -> None:
        if record.endpoints:
            from ..wiring.connect import forget

            forget(engine, record)

    def observe(self, engine: Engine, record: ContainerRecord) -> bool:
        from ...kernel.net import netns

        return netns.is_pinned(engine.layout.container(record.id).netns)

    def inspect(self, known: Known) -> Mapping[str, Any]:
        from ..inspect import network_settings as shown

        record, config = known.record, known.image and imageconfig.parse(known.image.config)
        exposed = (*(config.exposed_ports if config else ()), *(record.spec.expose or ()))
        path = known.layout.container(record.id).netns if known.attached else ""
        settings = shown.network_settings(record, known.attached, exposed, path)
        return {
            "NetworkSettings": settings,
            "HostConfig": shown.host_config(record, known.attached),
        }


def _never_ran(record: ContainerRecord) -> bool:
    """Return whether nothing was ever acquired, so that a first start can skip the search for leftovers.

    An intent is saved before anything is acquired.
    """
    return record.status == status.CONFIGURED and record.started is None and not record.intent


NETWORK = _Network()
