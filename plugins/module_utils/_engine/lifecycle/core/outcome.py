# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of a verb: the actions done (or predicted), the differences, and the object itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import EngineError
from ...frozen import dataclass, field
from ...plan.diff import Difference


@dataclass(frozen=True)
class Outcome:
    """The result of a verb.

    ``actions`` in plain words, in order; the same whether predicted or done. ``cost`` is "", "live", "restart" or "recreate".
    ``failure``: all was done, but the container failed while the task waited for it.
    ``warnings``: problems for the user to know that did not fail the verb.
    ``brought``: the names of the images in an archive, or the id of one without a name.
    ``result`` has the objects in podman's shape by key (``container``, ``volumes``, ...), and further keys.
    """

    actions: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    cost: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)
    failure: EngineError | None = None
    warnings: tuple[str, ...] = ()
    brought: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Return whether the verb did anything."""
        return bool(self.actions)
