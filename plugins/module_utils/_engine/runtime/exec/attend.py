# SPDX-License-Identifier: GPL-3.0-or-later
"""Stay with a command in a container for as long as somebody wants to know of it.

A task that is cancelled or out of time leaves its connection, and nobody tells the far end: the reader of our output is gone.
The command must not go on unseen then. What it has put into the background on purpose (an async task) stays.
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
#: Seconds that a command has to end by itself.
_GRACE = 3.0
#: The exit code of one that was ended before it began.
_ENDED = 128 + signal.SIGTERM


class Left(BaseException):
    """Whoever wanted to know of the command has gone, or a signal wants its end."""


def attended(begin: Callable[[], Joined], until_its_end: Callable[[Joined], None]) -> int:
    """Begin a command and stay with it; ``until_its_end`` waits for that. Return its exit code; raises what ``begin`` does."""
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
    """Say that whoever wanted to know of the command has gone."""
    raise Left


def _leave(_signum: int, _frame: FrameType | None) -> NoReturn:
    raise Left
