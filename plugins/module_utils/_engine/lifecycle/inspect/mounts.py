# SPDX-License-Identifier: GPL-3.0-or-later
"""A container's mounts in the shape of ``podman inspect``; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...model.engine.layout import Layout
from ...model.engine.record import ContainerRecord
from ...model.mounts.mount import PROPAGATIONS, SHOWN, TMPFS, VOLUME, Mount
from ...model.volume.spec import VolumeRecord

_RELABELS = ("z", "Z")


def mount_shapes(
    record: ContainerRecord, layout: Layout, volumes: Mapping[str, VolumeRecord]
) -> list[dict[str, Any]]:
    """Return ``Mounts``: volumes (also the image's), then binds and images, by destination, none else."""
    shown = sorted(record.mounts.values(), key=lambda mount: (mount.kind != VOLUME, mount.destination))
    return [_shape(mount, record, layout, volumes) for mount in shown if mount.kind in SHOWN]


def _shape(
    mount: Mount, record: ContainerRecord, layout: Layout, volumes: Mapping[str, VolumeRecord]
) -> dict[str, Any]:
    source = {"Type": mount.kind, "Source": mount.source, "Driver": ""}
    if mount.kind == VOLUME:
        source = _volume(record.volumes.get(mount.destination) or mount.source, layout, volumes)
    return {
        **source,
        "Destination": mount.destination,
        "Mode": next((word for word in mount.options if word in _RELABELS), ""),
        "Options": _options(mount),
        "RW": not mount.read_only,
        "Propagation": mount.propagation,
    }


def _volume(name: str, layout: Layout, volumes: Mapping[str, VolumeRecord]) -> dict[str, Any]:
    """Return the volume's keys; an anonymous one has no name before it is created."""
    return {
        "Type": VOLUME,
        "Name": name or None,
        "Source": layout.volume_data(name) if name else None,
        "Driver": volumes[name].spec.driver if name in volumes else None,
    }


def _options(mount: Mount) -> list[str]:
    """Return the options that have no key of their own, and those that volumes and binds always have."""
    words = [word for word in mount.options if word not in (*PROPAGATIONS, *_RELABELS, "ro")]
    if mount.kind == VOLUME:
        words += [word for word in ("nosuid", "nodev") if word not in words and word[2:] not in words]
    return words if "bind" in words else [*words, "rbind"]


def binds(mounts: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return ``HostConfig.Binds``: the mounts in the form ``SOURCE:DESTINATION:OPTIONS``."""
    return [_bind(mount) for mount in mounts]


def _bind(mount: Mapping[str, Any]) -> str:
    source = mount["Name"] or "" if mount["Type"] == VOLUME else mount["Source"]
    relabel = [mount["Mode"]] if mount["Mode"] else []
    words = [*relabel, "rw" if mount["RW"] else "ro", mount["Propagation"], *mount["Options"]]
    return f"{source}:{mount['Destination']}:{','.join(words)}"


def tmpfs(mounts: Mapping[str, Mount]) -> dict[str, str]:
    """Return ``HostConfig.Tmpfs``: the options of each requested tmpfs, by destination."""
    return {path: ",".join(_tmpfs_words(mount)) for path, mount in mounts.items() if mount.kind == TMPFS}


def _tmpfs_words(mount: Mount) -> list[str]:
    words = [word for word in mount.options if word != "notmpcopyup"]
    words += [] if mount.read_only else ["rw"]
    words += [] if mount.propagation in words else [mount.propagation]
    return words if "notmpcopyup" in mount.options else [*words, "tmpcopyup"]
