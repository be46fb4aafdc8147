# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep what may be passwords out of a result that nobody asked to see in full; pure."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

#: Their values may be passwords, so they are told only where somebody wants to see what differs (``--diff``).
_PRIVATE = "env"


def is_private(option: str) -> bool:
    """Tell whether an option's value, or that of a part of it, is not to be shown."""
    return option.partition(".")[0] == _PRIVATE


def without_values(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result without values of variables in the plan and in the spec; their names stay."""
    kept = dict(result)
    plan, spec = kept.get("plan"), kept.get("spec")
    if plan:
        changes = [
            {**one, "before": None, "after": None} if is_private(one["option"]) else one
            for one in plan["changes"]
        ]
        kept["plan"] = {**plan, "changes": changes}
    if spec and _PRIVATE in spec:
        kept["spec"] = {**spec, _PRIVATE: dict.fromkeys(spec[_PRIVATE])}
    return kept
