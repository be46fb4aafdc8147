# SPDX-License-Identifier: GPL-3.0-or-later
"""A container with its resources in the shape of ``podman inspect``; pure. docs/results.md documents it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ...model.engine.layout import Layout
from ...model.engine.record import ContainerRecord, ImageRecord
from ...model.network.spec import NetworkRecord
from ...model.network.wiring import Endpoint
from ...model.volume.spec import VolumeRecord
from ..inspect import container
from ..resources import held
from ..resources.contract import Known


def container_shape(
    record: ContainerRecord,
    image: ImageRecord | None,
    layout: Layout,
    *,
    volumes: Mapping[str, VolumeRecord] = MappingProxyType({}),
    attached: tuple[tuple[Endpoint, NetworkRecord], ...] = (),
    **seen: Any,
) -> dict[str, Any]:
    """Return the container's shape.

    ``volumes`` are its volumes by name, ``attached`` its endpoints, each with its network; ``seen`` are the other
    arguments of ``inspect.container.container_shape``.
    """
    known = Known(record, image, layout, volumes, attached)
    shape = container.container_shape(record, image, layout, **seen)
    for resource in held.HELD:
        shape = _merged(shape, resource.inspect(known))
    return shape


def _merged(shape: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(shape)
    for key, value in part.items():
        inner = merged.get(key)
        if isinstance(inner, Mapping) and isinstance(value, Mapping):
            value = _merged(inner, value)  # noqa: PLW2901  (the merged value replaces it)
        merged[key] = value
    return merged
