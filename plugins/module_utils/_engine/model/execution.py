# SPDX-License-Identifier: GPL-3.0-or-later
"""What shall run in a container that runs already (podman-exec(1)), in canonical form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Optional

from ..errors import InvalidOption
from . import kinds
from .record import ProcessId


@dataclass(frozen=True)
class ExecSpec:
    """A command for a container that runs. ``user`` and ``workdir`` None: the container's own."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    user: Optional[str] = None
    workdir: Optional[str] = None
    privileged: bool = False
    tty: bool = False

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> ExecSpec:
        """Make it from raw options: ``command`` (text, split as a shell does) or ``argv``, env, user, workdir, ...

        Raises InvalidOption naming the option.
        """
        command, argv = raw.get("command"), raw.get("argv")
        if (command is None) == (argv is None):
            raise InvalidOption(
                "command", command, "and argv: one of the two is needed", remedy="Write either of them"
            )
        option, value = ("argv", argv) if command is None else ("command", command)
        words = kinds.COMMAND.parse(option, value)
        if not words or not words[0]:
            raise InvalidOption(option, value, "names no program", remedy="Write one, as in [ls, /]")
        workdir = raw.get("workdir")
        return cls(
            argv=words,
            env=kinds.TEXTS.parse("env", raw.get("env") or {}),
            user=None if raw.get("user") is None else kinds.TEXT.parse("user", raw["user"]),
            workdir=None if workdir is None else kinds.PATH.parse("workdir", workdir),
            privileged=bool(raw.get("privileged")),
            tty=bool(raw.get("tty")),
        )


class ExecSession(NamedTuple):
    """A command that runs, or ran, in a container: a row of table ``exec_sessions``.

    ``argv`` and ``user`` say what it is; the environment may hold secrets, so it is not kept. ``monitor`` is conmon when
    it runs detached, else the process that waits for it. ``exit_code`` None: it has not ended, or nobody saw how.
    Times are nanoseconds since the epoch.
    """

    id: str
    container_id: str
    argv: tuple[str, ...]
    user: Optional[str]
    detached: bool
    created: int
    process: Optional[ProcessId] = None
    monitor: Optional[ProcessId] = None
    finished: Optional[int] = None
    exit_code: Optional[int] = None
