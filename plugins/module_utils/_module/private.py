# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove possible passwords from results, unless the full diff was requested; pure."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

#: The option whose values may be passwords. They are shown only with ``--diff``.
_PRIVATE = "env"


def is_private(option: str) -> bool:
    """Return whether the value of an option, or of one of its parts, must be hidden."""
    return option.partition(".")[0] == _PRIVATE


def without_values(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result without the values of variables in its plan and spec; their names are kept."""
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
