# SPDX-License-Identifier: GPL-3.0-or-later
"""Say what differs for who reads the play: as it was written, with what it costs, without secrets that nobody asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._engine.lifecycle.core.outcome import Outcome
from .._engine.plan.diff import Difference
from .private import is_private, without_values


def told(result: Mapping[str, Any], outcome: Outcome, *, diff: bool) -> dict[str, Any]:
    """Return the result of a task that may change something; ``diff``: Ansible shows what differs."""
    if not isinstance(result.get("diff"), dict):
        return {
            **result,
            "diff": result["diff"] if diff else [],
        }  # contents of files, which may be nobody's business
    found = outcome.differences
    shown = {
        "before": {one.option: _value(one, one.shown_before, one.before, diff=diff) for one in found},
        "after": {one.option: _value(one, one.shown_after, one.after, diff=diff) for one in found},
        **({"prepared": _costs(outcome)} if diff and outcome.cost else {}),
    }
    return {**(result if diff else without_values(result)), "diff": {**result["diff"], **shown}}


def _costs(outcome: Outcome) -> str:
    """Return the cost of the whole change, and of each option."""
    lines = [f"{one.option}: {one.change}" for one in outcome.differences]
    return "\n".join([f"the change costs: {outcome.cost}", *lines, ""])


def _value(one: Difference, shown: str, value: Any, *, diff: bool) -> Any:
    if not diff and is_private(one.option):
        return None
    return shown or _written(one.option, value)


def _written(option: str, value: Any) -> Any:
    """Return the value of ``option`` (``memory``, ``ulimit.nofile``) as a person writes it; None stays None."""
    from .._engine.model.container.options import OPTIONS  # most tasks have no difference to show

    kind = next((row.kind for row in OPTIONS if row.name == option.partition(".")[0]), None)
    return value if value is None or kind is None else kind.written(value)
