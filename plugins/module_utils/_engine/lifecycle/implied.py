# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the mounts that a container has though its spec does not write them: of other containers, and of its image."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from ..model import volumesfrom
from ..model.imageconfig import ImageConfig
from ..model.mounts import TMPFS, Mount
from ..model.record import ContainerRecord
from ..model.spec import ContainerSpec
from ..state import containers


def implied_mounts(
    connection: sqlite3.Connection, spec: ContainerSpec, config: ImageConfig | None
) -> dict[str, Mount]:
    """Return them by destination, without those in whose place the spec writes another.

    What another container has goes over what the image declares, the last one over those before (podman,
    finalizeMounts). A container that is not there has none: dependencies.resolve has refused it.
    """
    found: dict[str, Mount] = {}
    if spec.image_volume == volumesfrom.TMPFS and config is not None:
        found = {path: Mount(TMPFS, "", path, ("nodev", "nosuid")) for path in config.volumes}
    for text in spec.volumes_from or ():
        name, words = volumesfrom.split(text)
        other = containers.find(connection, name)
        if other is not None:
            found.update((mount.destination, mount) for mount in _taken(other, words))
    return {path: mount for path, mount in sorted(found.items()) if path not in (spec.mounts or {})}


def _taken(other: ContainerRecord, words: tuple[str, ...]) -> Iterator[Mount]:
    for path, mount in other.mounts.items():
        taken = volumesfrom.taken(mount, other.volumes.get(path, ""), words)
        if taken is not None:
            yield taken
