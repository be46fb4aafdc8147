# SPDX-License-Identifier: GPL-3.0-or-later
"""Format differences for users: in the syntax of a task, and without secrets unless they are requested."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._engine.lifecycle.core.outcome import Outcome
from .._engine.plan.diff import Difference
from .private import is_private, without_values


def told(result: Mapping[str, Any], outcome: Outcome, *, diff: bool) -> dict[str, Any]:
    """Return the result of a task that may change something; ``diff``: Ansible shows differences."""
    if not isinstance(result.get("diff"), dict):
        return {
            **result,
            "diff": result["diff"] if diff else [],
        }  # the content of files may be confidential
    found = outcome.differences
    shown = {
        "before": {one.option: _value(one, one.shown_before, one.before, diff=diff) for one in found},
        "after": {one.option: _value(one, one.shown_after, one.after, diff=diff) for one in found},
        **({"prepared": _costs(outcome)} if diff and outcome.cost else {}),
    }
    return {**(result if diff else without_values(result)), "diff": {**result["diff"], **shown}}


def _costs(outcome: Outcome) -> str:
    """Return what the whole change requires, and what each option does."""
    lines = [f"{one.option}: {one.change}" for one in outcome.differences]
    return "\n".join([f"the change costs: {outcome.cost}", *lines, ""])


def _value(one: Difference, shown: str, value: Any, *, diff: bool) -> Any:
    if not diff and is_private(one.option):
        return None
    return shown or _written(one.option, value)


def _written(option: str, value: Any) -> Any:
    """Return an option's value (``memory``, ``ulimit.nofile``) in the syntax of a task; None stays None."""
    from .._engine.model.container.options import OPTIONS  # most tasks have no differences to show

    kind = next((row.kind for row in OPTIONS if row.name == option.partition(".")[0]), None)
    return value if value is None or kind is None else kind.written(value)
