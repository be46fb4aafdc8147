# SPDX-License-Identifier: GPL-3.0-or-later
"""Stay with a command in a container for as long as somebody wants to know of it.

A task that is cancelled or out of time leaves its connection, and nobody tells the far end: the reader of our output is gone.
The command must not go on unseen then. What it has put into the background on purpose (an async task) stays.
"""

from __future__ import annotations

import select
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:  # `slipway connect` runs at each command of a play
    from collections.abc import Callable
    from types import FrameType
    from typing import NoReturn

    from .joining import Joined

STDOUT = 1
#: What tells at a descriptor that there is nobody at its other end.
GONE = select.POLLERR | select.POLLHUP
_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
#: Seconds that a command has to end by itself.
_GRACE = 3.0


class Left(BaseException):
    """Whoever wanted to know of the command has gone, or a signal wants its end."""


def attended(joined: Joined, until_its_end: Callable[[Joined], None]) -> int:
    """Stay with the command, which ``until_its_end`` waits for, and return its exit code; raises what ``Joined.wait`` does."""
    for signum in _SIGNALS:
        signal.signal(signum, _leave)
    try:
        until_its_end(joined)
    except Left:
        from ..kernel.process import end_tree

        end_tree(joined.pid, grace=_GRACE)
    return joined.wait()


def _leave(_signum: int, _frame: FrameType | None) -> NoReturn:
    raise Left


def until_its_end(joined: Joined) -> None:
    """Wait until the command has ended; raises Left when the reader of our output goes."""
    if joined.pidfd is None:
        return
    poll = select.poll()
    poll.register(joined.pidfd, select.POLLIN)
    poll.register(STDOUT, 0)  # which still tells of its other end
    while joined.pidfd not in (events := dict(poll.poll())):
        if events.get(STDOUT, 0) & GONE:
            raise Left
