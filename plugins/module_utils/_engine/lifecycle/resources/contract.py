# SPDX-License-Identifier: GPL-3.0-or-later
"""Define the contract of a resource: one kind of thing that a container holds on its host while it runs.

A start acquires an ordered tuple of resources (held.py) and undoes in reverse; a cleanup releases the same tuple in reverse;
preflight, recover, refresh, remove and inspect fold over it. All of them import the tuple, so a resource imports what only one
of its methods needs inside that method.
"""
# ruff: noqa: ARG002  (the defaults use none of their arguments)

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from ...model.container.spec import ContainerSpec
from ...model.engine.layout import Layout
from ...model.engine.record import ContainerRecord, ImageRecord
from ...model.volume.spec import VolumeRecord
from ..core.engine import Engine

if TYPE_CHECKING:
    from ...model.network.spec import NetworkRecord
    from ...model.network.wiring import Endpoint
    from ..core.source import Source

_NOTHING: Mapping[str, str] = MappingProxyType({})


class Joined(NamedTuple):
    """What a container shares. ``paths`` as in ``BundleRequest.joined``, ``files`` destination to the other's host path.

    ``shm`` is the directory bound to /dev/shm, None: its own. ``hostname`` None: its own. ``others`` are the containers whose
    namespaces ``paths`` names.
    """

    paths: Mapping[str, str] = _NOTHING
    files: Mapping[str, str] = _NOTHING
    shm: Optional[str] = None
    hostname: Optional[str] = None
    others: tuple[ContainerRecord, ...] = ()


class Run(NamedTuple):
    """A run of a container while it is being started; each step takes it and returns it with what it adds.

    ``rootfs`` is the directory of the root file system; ``prepared`` are the paths that config.json binds in the place of a
    mount's own source, by destination. ``own_namespaces`` are the paths of namespaces that were made for the container before
    the runtime makes the others, by kind; ``attached`` are its interfaces and the network of each; ``servers`` the addresses
    where names of its networks are answered. ``began``: when its process began, in nanoseconds since the epoch.
    """

    record: ContainerRecord
    source: Source
    rootfs: str
    shared: Joined = Joined()
    prepared: Mapping[str, str] = _NOTHING
    own_namespaces: Mapping[str, str] = _NOTHING
    attached: tuple[tuple[Endpoint, NetworkRecord], ...] = ()
    servers: tuple[str, ...] = ()
    began: int = 0


class Known(NamedTuple):
    """What an inspection knows of a container: its record, its image (None: a plain directory, or unknown), volumes by name.

    ``attached`` is what it has of networks, each with its network.
    """

    record: ContainerRecord
    image: Optional[ImageRecord]
    layout: Layout
    volumes: Mapping[str, VolumeRecord]
    attached: tuple[tuple[Endpoint, NetworkRecord], ...] = ()


class Resource:
    """One kind of thing that a container holds on its host from its start to its cleanup.

    A method that is not overridden does nothing. Whoever acquires, releases or refreshes holds the container's lock.
    """

    #: Its name in error messages.
    name = ""
    #: The key in ``timings`` of its acquisition; "" if something else acquires it, and it is only released here.
    step = ""
    #: Whether other containers may hold the same thing. Their records and processes tell whether they do, so it is released
    #: last, and after a failed start only once the intent is cleared: as long as the intent is set, another container that ends
    #: leaves the release to this one.
    shared = False

    def check(
        self, engine: Engine, spec: ContainerSpec, source: Source, record: ContainerRecord | None
    ) -> Iterator[Callable[[], object]]:
        """Yield checks that raise for what ``acquire`` could not do. They change nothing.

        ``record``: that of the container that is there, None for one that is still to be created.
        """
        return iter(())

    def plan(self, engine: Engine, record: ContainerRecord) -> Mapping[str, Any]:
        """Return fields of the record to save with the intent, before anything is acquired, so that a killed start is found."""
        return {}

    def acquire(self, engine: Engine, run: Run) -> Run:
        """Acquire it, and return the run with what later steps need. ``release`` takes back one that failed half-way."""
        return run

    def release(self, engine: Engine, record: ContainerRecord) -> None:
        """Release it, judging by facts and never by counts. It may be there in part, or not at all."""

    def observe(self, engine: Engine, record: ContainerRecord) -> bool:
        """Return whether the container holds it now. Takes no lock and changes nothing."""
        return False

    def refresh(self, engine: Engine, record: ContainerRecord) -> None:
        """Remove what a reboot leaves of it on the disk; no process and no mount outlives one."""

    def inspect(self, known: Known) -> Mapping[str, Any]:
        """Return its keys in the shape of ``podman inspect``; nested mappings are merged. Pure."""
        return {}
