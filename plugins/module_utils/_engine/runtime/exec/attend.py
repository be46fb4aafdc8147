# SPDX-License-Identifier: GPL-3.0-or-later
"""Attend a command in a container until it exits, or until its reader disconnects.

A task that is cancelled or times out drops its connection, and the remote end notices only that the reader of
its output is gone. The command must not continue unattended then. What it has put into the background on
purpose (an async task) keeps running.
"""

from __future__ import annotations

import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:  # `slipway connect` runs at each command of a play
    from collections.abc import Callable
    from types import FrameType
    from typing import NoReturn

    from .join import Joined

_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
#: Seconds that a command has to exit after SIGTERM.
_GRACE = 3.0
#: The exit code of a command that was terminated before it started.
_ENDED = 128 + signal.SIGTERM


class Left(BaseException):
    """The command's reader has disconnected, or a signal asks for its termination."""


def attended(begin: Callable[[], Joined], until_its_end: Callable[[Joined], None]) -> int:
    """Start a command with ``begin``, wait for it with ``until_its_end``, and return its exit code.

    Raises what ``begin`` raises.
    """
    for signum in _SIGNALS:
        signal.signal(signum, _leave)
    joined = None
    try:
        joined = begin()
        until_its_end(joined)
    except Left:
        from ...kernel.process import end_tree

        end_tree(os.getpid(), grace=_GRACE)
    return _ENDED if joined is None else joined.wait()


def leave() -> NoReturn:
    """Report that the command's reader has disconnected, by raising Left."""
    raise Left


def _leave(_signum: int, _frame: FrameType | None) -> NoReturn:
    raise Left
