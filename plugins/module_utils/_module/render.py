# SPDX-License-Identifier: GPL-3.0-or-later
"""Convert an outcome into the result of a task; pure."""

from __future__ import annotations

from typing import Any

from .._engine.lifecycle.core.outcome import Outcome


def render(outcome: Outcome, *, subject: str) -> dict[str, Any]:
    """Return the result of a task that may change something; ``subject`` is the header of the diff."""
    return {
        "changed": outcome.changed,
        "actions": list(outcome.actions),
        **_differences(outcome, subject),
        **_warnings(outcome),
        **outcome.result,
    }


def render_info(outcome: Outcome) -> dict[str, Any]:
    """Return the result of a task that only reads."""
    return {"changed": False, **_warnings(outcome), **outcome.result}


def _warnings(outcome: Outcome) -> dict[str, Any]:
    """Return the warnings for Ansible to show."""
    return {"warnings": list(outcome.warnings)} if outcome.warnings else {}


def _differences(outcome: Outcome, subject: str) -> dict[str, Any]:
    """Return ``diff`` (differences by option, for ``--diff``) and ``plan`` (what each change requires)."""
    found = outcome.differences
    diff = {
        "before": {item.option: item.before for item in found},
        "after": {item.option: item.after for item in found},
        "before_header": subject,
        "after_header": subject,
    }
    changes = [
        {"option": item.option, "before": item.before, "after": item.after, "change": item.change}
        for item in found
    ]
    return {"diff": diff, "plan": {"cost": outcome.cost, "changes": changes}}
