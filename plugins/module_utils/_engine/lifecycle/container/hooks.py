# SPDX-License-Identifier: GPL-3.0-or-later
"""Add the OCI hooks that a container's spec and the host select to config.json (seed: setupOCIHooks)."""

from __future__ import annotations

from typing import Any

from ...model.container import hooks as choosing
from ...model.container.spec import ContainerSpec
from ...model.mounts.mount import SHOWN
from ...runtime import hooks


def with_hooks(spec: ContainerSpec, config: dict[str, Any]) -> dict[str, Any]:
    """Return config.json with its hooks, as modified by the precreate hooks.

    Raises InvalidOption for a broken hook file, RuntimeFailed for a hook that fails.
    """
    # As in libpod, a volume counts as a bind mount, since it becomes one in config.json.
    mounts = any(mount.kind in SHOWN for mount in (spec.mounts or {}).values())
    found = choosing.chosen(hooks.find(spec.hooks_dir), config, bind_mounts=mounts)
    first = found.pop(choosing.PRECREATE, [])
    if found:
        config = {**config, "hooks": found}
    return hooks.precreate(first, config)
