# SPDX-License-Identifier: GPL-3.0-or-later
"""Show a container's health in the shape of ``podman inspect``; pure."""

from __future__ import annotations

from typing import Any

from ...model.container.health import Health
from ...model.values.times import rfc3339


def health_shape(health: Health | None) -> dict[str, Any]:
    """Return what the checks have said; podman's empty value without one."""
    if health is None:
        return {"Status": "", "FailingStreak": 0, "Log": None}
    log = [
        {
            "Start": rfc3339(result.start),
            "End": rfc3339(result.end),
            "ExitCode": result.exit_code,
            "Output": result.output,
        }
        for result in health.log
    ]
    return {"Status": health.status, "FailingStreak": health.failing_streak, "Log": log or None}
