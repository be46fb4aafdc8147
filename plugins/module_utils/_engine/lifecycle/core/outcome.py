# SPDX-License-Identifier: GPL-3.0-or-later
"""What a verb gives back: what was (or, predicting, would be) done, what differed, and the thing itself."""

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
    ``failure``: all was done, and the container failed at what the task waited for.
    ``warnings``: what the user has to know, though it stopped nothing.
    ``brought``: the names of the images that an archive had, the id of one without.
    ``result`` holds the things in podman's shape by their key (``container``, ``volumes``, ...) and what stands beside them.
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
