# SPDX-License-Identifier: GPL-3.0-or-later
"""A container's resources in the shape of ``podman inspect``, a function for each; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...model.container import status
from ...model.container.cgroup import CGROUPFS, ENABLED, SYSTEMD, is_scope
from ...model.engine.layout import ContainerLayout, Layout
from ...model.engine.record import ContainerRecord, ImageRecord
from ...model.engine.storage_drivers import VFS
from ...model.volume.spec import VolumeRecord
from .mounts import binds, mount_shapes, tmpfs


def cgroup(record: ContainerRecord, layout: Layout) -> dict[str, Any]:
    """Return the container's cgroup, "" unless it is alive, and the cgroup manager."""
    spec, path = record.spec, record.cgroup or layout.cgroup(record.id)
    return {
        "State": {"CgroupPath": path if record.status in status.ALIVE else ""},
        "HostConfig": {
            "CgroupManager": SYSTEMD if is_scope(record.cgroup) else CGROUPFS,
            "Cgroups": "default" if spec.cgroups == ENABLED else spec.cgroups,
            "CgroupParent": spec.cgroup_parent or "",
        },
    }


def files(record: ContainerRecord, container: ContainerLayout) -> dict[str, Any]:
    """Return the paths of the files that each start rewrites, "" before the first."""
    names = {"ResolvConfPath": "resolv.conf", "HostnamePath": "hostname", "HostsPath": "hosts"}
    started = record.started is not None
    return {key: f"{container.files}/{name}" if started else "" for key, name in names.items()}


def mounts(record: ContainerRecord, layout: Layout, volumes: Mapping[str, VolumeRecord]) -> dict[str, Any]:
    """Return the container's mounts; ``volumes`` are its volumes by name."""
    shapes = mount_shapes(record, layout, volumes)
    return {
        "Mounts": shapes,
        "HostConfig": {"Binds": binds(shapes), "Tmpfs": tmpfs(record.spec.mounts or {})},
    }


def rootfs(record: ContainerRecord, image: ImageRecord | None, layout: Layout) -> dict[str, Any]:
    """Return the container's storage driver and its directories."""
    graph = {"Name": record.driver, "Data": graph_driver(record, image, layout)}
    return {"Driver": record.driver, "GraphDriver": graph}


def graph_driver(
    record: ContainerRecord, image: ImageRecord | None, layout: Layout
) -> dict[str, str | None] | None:
    """Return the directories of the root file system, layers topmost first; None for a plain directory."""
    if record.spec.rootfs:
        return None
    container = layout.container(record.id)
    if record.driver == VFS:  # one plain copy, no layers
        return {"MergedDir": container.merged}
    lowers = [layout.layer_diff(layer.chain_id) for layer in reversed(image.layers)] if image else None
    return {
        "LowerDir": None if lowers is None else ":".join(lowers),
        "UpperDir": container.upper,
        "WorkDir": container.work,
        "MergedDir": container.merged,
    }
