# SPDX-License-Identifier: GPL-3.0-or-later
"""Hand on what a command says, and what we are given to it, until it ends; what it has left in the background is not waited for.

With our own streams as its own, that would hold them, and whoever reads them would wait for it.
"""

from __future__ import annotations

import os
import select

TYPE_CHECKING = False
if TYPE_CHECKING:  # `slipway connect` runs at each command of a play
    from collections.abc import Callable
    from typing import Optional

STDIN, STDOUT, STDERR = 0, 1, 2
#: What tells at a descriptor that there is nobody at its other end.
GONE = select.POLLERR | select.POLLHUP
_STEP = 64 * 1024
#: How often to look for the end where no descriptor tells it (Linux before 5.3), in milliseconds.
_LOOK = 50


class Pipes:
    """Three pipes: what the command has of them, and our ends."""

    def __init__(self) -> None:
        (stdin, self.answers), (self.words, stdout), (self.complaints, stderr) = (
            os.pipe(),
            os.pipe(),
            os.pipe(),
        )
        self.streams = (stdin, stdout, stderr)

    def handed_over(self) -> None:
        """Let go of the command's ends, once it has them."""
        for fd in self.streams:
            os.close(fd)


class Relay:
    """Between our streams and a command's; ``answers`` None: it gets no input, ``pidfd`` None: ``has_ended`` is asked often."""

    def __init__(
        self,
        words: int,
        complaints: int,
        answers: Optional[int],
        *,
        pidfd: Optional[int],
        has_ended: Callable[[], bool],
        left: Callable[[], None],
    ) -> None:
        """Take the pipes; ``left`` is called when whoever reads our output has gone."""
        self._goes_to = {words: STDOUT, complaints: STDERR}
        self._answers = answers
        self._pidfd = pidfd
        self._has_ended = has_ended
        self._left = left
        self._pending = b""
        self._more = True

    def until_its_end(self) -> None:
        """Hand on everything in both directions until the command has ended."""
        if self._answers is not None:
            os.set_blocking(self._answers, False)
        while True:
            # Asked before reading: all that it has said is in the pipes by then, and who writes on is not it.
            over = self._has_ended()
            events = self._events(over=over)
            if events.get(STDOUT, 0) & GONE and STDOUT in self._goes_to.values():
                self._reader_has_gone(STDOUT)
            if over:
                return self._hand_on_the_rest()
            for fd in [fd for fd in self._goes_to if fd in events]:
                self._hand_on(fd, _STEP)
            self._answer(events)

    def _events(self, *, over: bool) -> dict[int, int]:
        poll = select.poll()
        for fd in (*self._goes_to, *(() if self._pidfd is None else (self._pidfd,))):
            poll.register(fd, select.POLLIN)
        if STDOUT in self._goes_to.values():
            poll.register(STDOUT, 0)  # which still tells of its other end
        if self._pending and self._answers is not None:
            poll.register(self._answers, select.POLLOUT)
        elif self._more and self._answers is not None:
            poll.register(STDIN, select.POLLIN)
        return dict(poll.poll(0 if over else _LOOK if self._pidfd is None else None))

    def _hand_on(self, fd: int, most: int) -> int:
        """Hand on a piece of one stream; return its length."""
        piece = os.read(fd, most)
        if not piece:
            del self._goes_to[fd]
        elif not write(self._goes_to[fd], piece):
            self._reader_has_gone(self._goes_to[fd])
        return len(piece)

    def _hand_on_the_rest(self) -> None:
        """Hand on what the pipes hold, and no more than fits into them."""
        import fcntl

        for fd in list(self._goes_to):
            os.set_blocking(fd, False)
            room = fcntl.fcntl(fd, _F_GETPIPE_SZ)
            try:
                while room > 0 and fd in self._goes_to and (length := self._hand_on(fd, room)):
                    room -= length
            except BlockingIOError:
                continue

    def _reader_has_gone(self, to: int) -> None:
        """Tell it, and close the command's stream, so that it gets SIGPIPE as if it had ours."""
        self._left()
        for fd in [fd for fd, its in self._goes_to.items() if its == to]:
            del self._goes_to[fd]
            os.close(fd)

    def _answer(self, events: dict[int, int]) -> None:
        """Hand on what we were given, as much as goes at once."""
        if self._answers is None:
            return
        if self._answers in events:
            self._offer(self._answers)
        elif STDIN in events:
            self._pending = os.read(STDIN, _STEP)
            if not self._pending:
                self._close_input(self._answers)

    def _offer(self, fd: int) -> None:
        try:
            self._pending = self._pending[os.write(fd, self._pending) :]
        except BlockingIOError:
            return
        except BrokenPipeError:  # it wants no more
            self._pending = b""
            self._close_input(fd)

    def _close_input(self, fd: int) -> None:
        self._more = False
        self._answers = None
        os.close(fd)


#: <linux/fcntl.h>; Python has the name from 3.10 on.
_F_GETPIPE_SZ = 1032


def write(fd: int, data: bytes) -> bool:
    """Write all of it; False when nobody reads any more."""
    try:
        while data:
            data = data[os.write(fd, data) :]
    except BrokenPipeError:
        return False
    return True
