# SPDX-License-Identifier: GPL-3.0-or-later
"""A command to run in a running container (podman-exec(1)), in canonical form."""

from __future__ import annotations

from ...errors import InvalidOption

TYPE_CHECKING = False
if TYPE_CHECKING:  # `slipway connect` runs at each command of a play
    from collections.abc import Mapping
    from typing import Any


class ExecSpec:
    """A command to run in a container. ``user`` and ``workdir`` None: those of the container."""

    __slots__ = ("argv", "env", "privileged", "tty", "user", "workdir")

    def __init__(
        self,
        argv: tuple[str, ...],
        *,
        env: Mapping[str, str] | None = None,
        user: str | None = None,
        workdir: str | None = None,
        privileged: bool = False,
        tty: bool = False,
    ) -> None:
        self.argv = argv
        self.env = env or {}
        self.user = user
        self.workdir = workdir
        self.privileged = privileged
        self.tty = tty

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> ExecSpec:
        """Parse the raw options: ``command`` (a string, split as a shell does) or ``argv``, env, user, workdir, ...

        Raises InvalidOption, naming the option.
        """
        from . import kinds

        command, argv = raw.get("command"), raw.get("argv")
        if (command is None) == (argv is None):
            raise InvalidOption(
                "command", command, "and argv: exactly one of them is required", remedy="Set one of the two"
            )
        option, value = ("argv", argv) if command is None else ("command", command)
        words = kinds.COMMAND.parse(option, value)
        if not words or not words[0]:
            raise InvalidOption(option, value, "names no program", remedy="Name one, as in [ls, /]")
        workdir = raw.get("workdir")
        return cls(
            argv=words,
            env=kinds.TEXTS.parse("env", raw.get("env") or {}),
            user=None if raw.get("user") is None else kinds.TEXT.parse("user", raw["user"]),
            workdir=None if workdir is None else kinds.PATH.parse("workdir", workdir),
            privileged=bool(raw.get("privileged")),
            tty=bool(raw.get("tty")),
        )
