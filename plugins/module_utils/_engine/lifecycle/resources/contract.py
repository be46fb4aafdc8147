# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract of a resource: one kind of thing that a container holds on its host while it runs.

A start acquires an ordered tuple of resources (held.py), and releases them in reverse if it fails; a cleanup releases the
same tuple in reverse; preflight, recover, refresh, remove and inspect fold over it. All of them import the tuple, so a
resource imports inside a method what only that method needs.
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
    """What a container shares with others.

    ``paths`` are those of ``BundleRequest.joined``; ``files`` maps a destination to the other container's file on the host.
    ``shm`` is the directory to bind to /dev/shm; ``shm`` and ``hostname`` are None if they are its own. ``others`` are the
    containers whose namespaces ``paths`` names.
    """

    paths: Mapping[str, str] = _NOTHING
    files: Mapping[str, str] = _NOTHING
    shm: Optional[str] = None
    hostname: Optional[str] = None
    others: tuple[ContainerRecord, ...] = ()


class Run(NamedTuple):
    """A container's run during its start; each step takes it and returns it with its additions.

    ``rootfs`` is the directory of the root file system; ``prepared`` are the paths that config.json binds in place of a
    mount's own source, by destination. ``own_namespaces`` are the paths of namespaces that the engine creates before the
    runtime creates the others, by kind; ``attached`` are its interfaces with the network of each; ``servers`` the addresses
    that answer names of its networks. ``began`` is the start of its process in nanoseconds since the epoch.
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
    """The input of an inspection: the container's record, its image, its volumes by name.

    ``image`` is None for a directory of the host, or if unknown. ``attached`` are its interfaces, each with its network.
    """

    record: ContainerRecord
    image: Optional[ImageRecord]
    layout: Layout
    volumes: Mapping[str, VolumeRecord]
    attached: tuple[tuple[Endpoint, NetworkRecord], ...] = ()


class Resource:
    """One kind of thing that a container holds on its host from its start to its cleanup.

    A method that is not overridden does nothing. The caller of acquire, release and refresh holds the container's lock.
    """

    #: Its name in error messages.
    name = ""
    #: The key of its acquisition in ``timings``; "" if it is acquired elsewhere and only released here.
    step = ""
    #: Whether other containers may hold the same thing. Their records and processes show whether they do, so it is released
    #: last, and after a failed start only once the intent is cleared: as long as the intent is set, another container that
    #: exits leaves the release to this one.
    shared = False

    def check(
        self, engine: Engine, spec: ContainerSpec, source: Source, record: ContainerRecord | None
    ) -> Iterator[Callable[[], object]]:
        """Yield checks that raise what ``acquire`` would, and that change nothing.

        ``record`` is that of the existing container, None for one that is yet to be created.
        """
        return iter(())

    def plan(self, engine: Engine, record: ContainerRecord) -> Mapping[str, Any]:
        """Return the record's fields to save with the intent, before acquisition, to find a killed start."""
        return {}

    def acquire(self, engine: Engine, run: Run) -> Run:
        """Acquire it, and return the run with what later steps need; ``release`` undoes a failed attempt."""
        return run

    def release(self, engine: Engine, record: ContainerRecord) -> None:
        """Release it, judging by facts and never by counts; it may be held in part, or not at all."""

    def observe(self, engine: Engine, record: ContainerRecord) -> bool:
        """Return whether the container holds it now; take no lock and change nothing."""
        return False

    def refresh(self, engine: Engine, record: ContainerRecord) -> None:
        """Remove what a reboot leaves of it on disk; processes and mounts do not survive one."""

    def inspect(self, known: Known) -> Mapping[str, Any]:
        """Return its keys in the shape of ``podman inspect``; nested mappings are merged; pure."""
        return {}
