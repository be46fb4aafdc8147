# SPDX-License-Identifier: GPL-3.0-or-later
"""Determine the mounts that a container inherits from other containers and from its image."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator

from ...images.layers.symlink_targets import landings
from ...model.container.spec import ContainerSpec
from ...model.engine.record import ContainerRecord
from ...model.mounts import volumes_from
from ...model.mounts.mount import TMPFS, Mount
from ...state import containers
from ..core.source import Source


def implied_mounts(connection: sqlite3.Connection, spec: ContainerSpec, source: Source) -> dict[str, Mount]:
    """Return the implied mounts by destination, without those that the spec overrides.

    Another container's mounts override the image's, and a later container's an earlier one's (podman: finalizeMounts). A
    container that does not exist has none: dependencies.resolve has refused it.
    """
    found: dict[str, Mount] = {}
    for text in spec.volumes_from or ():
        name, words = volumes_from.split(text)
        other = containers.find(connection, name)
        if other is not None:
            found.update((mount.destination, mount) for mount in _taken(other, words))
    mounts = spec.mounts or {}
    if spec.image_volume == volumes_from.TMPFS:
        declared = declared_volumes(source, {**found, **mounts})
        found.update((path, Mount(TMPFS, "", path, ("nodev", "nosuid"))) for path in declared)
    return {path: mount for path, mount in sorted(found.items()) if path not in mounts}


def declared_volumes(source: Source, taken: Iterable[str]) -> tuple[str, ...]:
    """Return the paths that the image declares as volumes, each once, without the mount points ``taken``.

    The image's symlinks are resolved: with /var/run -> /run, a mount on /run/x replaces VOLUME /var/run/x, which would
    otherwise be mounted over it.
    """
    declared, taken = source.config.volumes if source.config else (), tuple(taken)
    if not declared:
        return ()
    leads = landings(source.lowers, (*taken, *declared))
    places = {leads[path] for path in taken}
    first = {leads[path]: path for path in reversed(declared)}
    return tuple(sorted(path for place, path in first.items() if place not in places))


def _taken(other: ContainerRecord, words: tuple[str, ...]) -> Iterator[Mount]:
    for path, mount in other.mounts.items():
        taken = volumes_from.taken(mount, other.volumes.get(path, ""), words)
        if taken is not None:
            yield taken
