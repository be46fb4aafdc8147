# SPDX-License-Identifier: GPL-3.0-or-later
"""The OCI ``process`` that a container was started with."""

from __future__ import annotations

import json

from ...errors import EngineError

TYPE_CHECKING = False
if TYPE_CHECKING:  # `slipway connect` runs at each command of a play
    from typing import Any

    from ...model.engine.layout import Layout

_LIMIT = 16 * 1024 * 1024


def own_process(layout: Layout, container_id: str, name: str) -> dict[str, Any]:
    """Return ``process`` of the container's config.json. Raises EngineError if the bundle is damaged."""
    path = f"{layout.container(container_id).bundle}/config.json"
    try:
        with open(path, encoding="utf-8") as stream:
            process: dict[str, Any] = json.loads(stream.read(_LIMIT))["process"]
    except (OSError, ValueError, KeyError) as error:
        raise EngineError(
            f"container {name}: {path} can't be read: {error}", remedy="Restart the container"
        ) from None
    return process
