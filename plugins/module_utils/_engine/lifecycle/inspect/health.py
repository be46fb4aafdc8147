# SPDX-License-Identifier: GPL-3.0-or-later
"""A container's health in the shape of ``podman inspect``; pure."""

from __future__ import annotations

from typing import Any

from ...model.container.health import Health
from ...model.values.times import rfc3339


def health_shape(health: Health | None) -> dict[str, Any]:
    """Return the results of the health checks; podman's empty value without a check."""
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
