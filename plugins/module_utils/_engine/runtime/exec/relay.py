# SPDX-License-Identifier: GPL-3.0-or-later
"""Relay a command's input and output until it exits, without waiting for its background processes.

If the command used our own streams, its background processes would hold them open and block the reader.
"""

from __future__ import annotations

import os
import select

TYPE_CHECKING = False
if TYPE_CHECKING:  # `slipway connect` runs at each command of a play
    from collections.abc import Callable
    from typing import Optional

STDIN, STDOUT, STDERR = 0, 1, 2
#: The poll events of a descriptor whose other end is closed.
GONE = select.POLLERR | select.POLLHUP
_STEP = 64 * 1024
#: Milliseconds between checks for the exit on kernels without pidfds (Linux before 5.3).
_LOOK = 50


class Pipes:
    """Three pipes: the command's ends, and ours."""

    def __init__(self) -> None:
        (stdin, self.answers), (self.words, stdout), (self.complaints, stderr) = (
            os.pipe(),
            os.pipe(),
            os.pipe(),
        )
        self.streams = (stdin, stdout, stderr)

    def handed_over(self) -> None:
        """Close our copies of the command's ends, once it has inherited them."""
        for fd in self.streams:
            os.close(fd)


class Relay:
    """A relay between our streams and a command's pipes.

    ``answers`` None: the command gets no input. ``pidfd`` None: ``has_ended`` is polled.
    """

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
        """Take the pipes; ``left`` is called when the reader of our output has disconnected."""
        self._goes_to = {words: STDOUT, complaints: STDERR}
        self._answers = answers
        self._pidfd = pidfd
        self._has_ended = has_ended
        self._left = left
        self._pending = b""
        self._more = True

    def until_its_end(self) -> None:
        """Relay both directions until the command has exited."""
        if self._answers is not None:
            os.set_blocking(self._answers, False)
        while True:
            # Checked before reading: all of the command's output is in the pipes by then; later output is not
            # its own.
            over = self._has_ended()
            events = self._events(over=over)
            if events.get(STDOUT, 0) & GONE and STDOUT in self._goes_to.values():
                self._reader_left(STDOUT)
            if over:
                return self._drain()
            for fd in [fd for fd in self._goes_to if fd in events]:
                self._forward(fd, _STEP)
            self._forward_input(events)

    def _events(self, *, over: bool) -> dict[int, int]:
        poll = select.poll()
        for fd in (*self._goes_to, *(() if self._pidfd is None else (self._pidfd,))):
            poll.register(fd, select.POLLIN)
        if STDOUT in self._goes_to.values():
            poll.register(STDOUT, 0)  # still reports that the other end is closed
        if self._pending and self._answers is not None:
            poll.register(self._answers, select.POLLOUT)
        elif self._more and self._answers is not None:
            poll.register(STDIN, select.POLLIN)
        return dict(poll.poll(0 if over else _LOOK if self._pidfd is None else None))

    def _forward(self, fd: int, most: int) -> int:
        """Forward a chunk of one stream; return its length."""
        piece = os.read(fd, most)
        if not piece:
            del self._goes_to[fd]
        elif not write(self._goes_to[fd], piece):
            self._reader_left(self._goes_to[fd])
        return len(piece)

    def _drain(self) -> None:
        """Forward what the pipes still contain, at most their capacity."""
        import fcntl

        for fd in list(self._goes_to):
            os.set_blocking(fd, False)
            room = fcntl.fcntl(fd, _F_GETPIPE_SZ)
            try:
                while room > 0 and fd in self._goes_to and (length := self._forward(fd, room)):
                    room -= length
            except BlockingIOError:
                continue

    def _reader_left(self, to: int) -> None:
        """Call ``left``, and close the command's stream, so that it gets SIGPIPE as if it wrote to ours."""
        self._left()
        for fd in [fd for fd, its in self._goes_to.items() if its == to]:
            del self._goes_to[fd]
            os.close(fd)

    def _forward_input(self, events: dict[int, int]) -> None:
        """Forward our input, as much as is possible without blocking."""
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
        except BrokenPipeError:  # the command has closed its input
            self._pending = b""
            self._close_input(fd)

    def _close_input(self, fd: int) -> None:
        self._more = False
        self._answers = None
        os.close(fd)


#: <linux/fcntl.h>; Python has the name from 3.10 on.
_F_GETPIPE_SZ = 1032


def write(fd: int, data: bytes) -> bool:
    """Write all of the data; return False if the reader has gone."""
    try:
        while data:
            data = data[os.write(fd, data) :]
    except BrokenPipeError:
        return False
    return True
