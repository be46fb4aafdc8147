# SPDX-License-Identifier: GPL-3.0-or-later
"""The request of a task for a container."""

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

    ``pull``: how to pull its image, None: not at all; ``arrives``: in check mode, the pull would have provided the image.
    ``stop_time``: seconds for this task's stop, None: the spec's. ``detach`` False: run, wait, return rc and output.
    ``wait``: wait until it is healthy, or keeps running, within ``wait_timeout`` seconds (0 or less: no limit); state
    healthy always waits. ``missing``: errors about things that the task names and the host lacks. ``aside``: container
    options in a task without an image, which therefore describes no container (``module_defaults``). ``remarks``: texts
    to report with the result.
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
        """Return whether the container must not run afterwards; emergency.py does that without a record."""
        return self.state in ("stopped", "absent")

    @property
    def removes(self) -> bool:
        """Return whether the request removes the container."""
        return self.state == "absent"


class ExitCommand(Protocol):
    """A function that returns conmon's exit command; with ``keep`` that does not carry out ``rm``."""

    def __call__(self, engine: Engine, *, keep: bool) -> tuple[str, ...]:
        """Return the argument list, to which the container's id is appended."""
