# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task asks of a container."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from ...errors import EngineError
from ...frozen import dataclass, field
from ...model.container.spec import ContainerSpec
from ...model.image.pull import Pull
from ..core.engine import Engine


@dataclass(frozen=True)
class Request:
    """What a task asks for. ``spec`` None: only the state matters.

    ``pull``: how its image is brought from a registry, None: not at all; ``arrives``: predicting, it would be there by now.
    ``stop_time``: seconds for this task's stop, None: the spec's. ``detach`` False: run, wait, give back rc and output.
    ``wait``: see that it is healthy, or goes on running, within ``wait_timeout`` seconds (0 or less: without end); the
    state healthy always does. ``missing``: what the task's own words name and the host has not.
    ``aside``: options of a container in a task that describes none, since it names no image (``module_defaults``).
    ``remarks``: what the task is to be told beforehand.
    """

    name: str
    state: str
    spec: ContainerSpec | None = None
    pull: Pull | None = None
    arrives: bool = False
    image_strict: bool = False
    recreate: bool = False
    force_restart: bool = False
    force_delete: bool = True
    delete_volumes: bool = False
    stop_time: int | None = None
    detach: bool = True
    start_dependencies: bool = True
    delete_depend: bool = False
    wait: bool = False
    wait_timeout: float = 300.0
    missing: tuple[EngineError, ...] = ()
    remarks: tuple[str, ...] = ()
    aside: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ends(self) -> bool:
        """Tell whether nothing is to run in the end, so that it can be done without a record (unrecorded.py)."""
        return self.state in ("stopped", "absent")

    @property
    def removes(self) -> bool:
        """Return whether the container is to be removed."""
        return self.state == "absent"


class ExitCommand(Protocol):
    """Gives the command that conmon calls when a container has ended; ``keep``: it must leave the removal (``rm``) to us."""

    def __call__(self, engine: Engine, *, keep: bool) -> tuple[str, ...]:
        """Return the argument list; the container's id is added to it."""
