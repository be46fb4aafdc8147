# SPDX-License-Identifier: GPL-3.0-or-later
"""Describe what a container holds on its host while it runs, each thing in the same way: the contract of a resource.

A start acquires an ordered tuple of resources (held.py) and undoes in reverse; a cleanup releases the same tuple in reverse;
recover, refresh, remove and preflight fold over it. A resource imports what only one of its verbs needs when that verb is called,
since the tuple is imported by all of them.
"""
# ruff: noqa: ARG002  (what a resource does not tell otherwise looks at nothing)

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
    """One run of a container on its way: what each resource is handed, and hands on with what it adds.

    ``rootfs`` is the directory of the root file system; ``prepared`` are the paths that config.json binds in the place of a
    mount's own source, by destination. ``began``: when its process began, in nanoseconds since the epoch.
    """

    record: ContainerRecord
    source: Source
    rootfs: str
    shared: Joined = Joined()
    prepared: Mapping[str, str] = _NOTHING
    began: int = 0


class Known(NamedTuple):
    """What an inspection knows of a container: its record, its image (None: a plain directory, or unknown), volumes by name."""

    record: ContainerRecord
    image: Optional[ImageRecord]
    layout: Layout
    volumes: Mapping[str, VolumeRecord]


class Resource:
    """One kind of thing that a container holds on its host from its start to its cleanup.

    What is not told otherwise is nothing. The container's lock is held by whoever acquires, releases or refreshes.
    """

    #: What errors call it.
    name = ""
    #: The key in ``timings`` that its acquisition counts for; "": it comes with something else, and is only released.
    step = ""
    #: Others may hold the same thing, and whether they do is seen from their records and processes. So it is released last, and
    #: after a failed start only when the intent is off the record: who releases it meanwhile leaves it to us as long as the
    #: intent says that we are about to hold it.
    shared = False

    def check(
        self, engine: Engine, spec: ContainerSpec, source: Source, record: ContainerRecord | None
    ) -> Iterator[Callable[[], object]]:
        """Yield the checks, each by itself, that refuse what ``acquire`` could not do; they change nothing.

        ``record``: that of the container that is there, None for one that is still to be created.
        """
        return iter(())

    def plan(self, engine: Engine, record: ContainerRecord) -> Mapping[str, Any]:
        """Return what the record has to say before anything is acquired; saved with the intent, so a killed start is found."""
        return {}

    def acquire(self, engine: Engine, run: Run) -> Run:
        """Acquire it, and return the run with what later steps have to know. What was done half is for ``release``."""
        return run

    def release(self, engine: Engine, record: ContainerRecord) -> None:
        """Let go of it, by what is seen and not by what is counted; nothing there, or a part of it, is fine."""

    def observe(self, engine: Engine, record: ContainerRecord) -> bool:
        """Tell whether it is there now; takes no lock and changes nothing."""
        return False

    def refresh(self, engine: Engine, record: ContainerRecord) -> None:
        """Remove what outlives the boot in which the container ran; no process and no mount does."""

    def inspect(self, known: Known) -> Mapping[str, Any]:
        """Return what it adds to the shape of ``podman inspect``, key by key, also in the mappings inside; pure."""
        return {}
