# SPDX-License-Identifier: GPL-3.0-or-later
"""Give a password to sudo, su and their like inside a container.

The connection on the way hands over data in one go, so the talk with the program is held here: wait for what it asks, answer,
and wait for the word that it has worked, before the command gets any of its own input. With a password at the head of the input
instead, a program that asks for none would hand it on to the command.
"""

from __future__ import annotations

import os
import re
import select
import time
from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import EngineError
from ..kernel.process import end_tree
from ..model.layout import Layout
from ..runtime.attending import GONE, STDOUT, Left, attended
from ..runtime.joining import Joined, join
from ..state.running import Running

_STEP = 64 * 1024
#: Seconds for become to ask and to succeed: as Ansible's own connections have it (become_success_timeout).
_PATIENCE = 10.0
#: What is heard of a program that neither asks nor succeeds.
_MOST = 256 * 1024


class BecomeFailed(EngineError):
    """The program did not let us become the user."""

    code = "become_failed"


def run_with_password(
    layout: Layout, found: Running, wanted: Mapping[str, Any], become: Mapping[str, Any]
) -> int:
    """Run the command; ``become`` has ``prompts`` (patterns), ``password`` and ``success``, the word that it has worked.

    Raises BecomeFailed with what the program said.
    """
    (stdin, answers), (words, stdout), (complaints, stderr) = os.pipe(), os.pipe(), os.pipe()
    joined = join(found.runtime, layout.runtime_root, found.id, wanted, streams=(stdin, stdout, stderr))
    for fd in (stdin, stdout, stderr):
        os.close(fd)
    talk = _Talk(answers, words, complaints)

    def until_its_end(joined: Joined) -> None:
        try:
            talk.hold(become)
        except BecomeFailed:
            end_tree(joined.pid, grace=0.0)
            raise
        talk.relay(joined)

    return attended(joined, until_its_end)


class _Talk:
    """The three pipes to the program, and what it has said so far."""

    def __init__(self, answers: int, words: int, complaints: int) -> None:
        self.answers = answers
        self.heard = {words: b"", complaints: b""}
        self._open = [words, complaints]
        self.words = words
        self.complaints = complaints
        self._pending = b""
        self._more = True

    def hold(self, become: Mapping[str, Any]) -> None:
        """Answer until the word of success is heard; what was said before it, but the question, is kept as said."""
        prompt = re.compile("|".join(become["prompts"]).encode(), re.IGNORECASE)
        success = become["success"].encode()
        deadline, sent = time.monotonic() + _PATIENCE, False
        while success not in self.heard[self.words]:
            if self._asked(prompt):
                if sent:
                    raise self._failed("the password was not accepted")
                os.write(self.answers, become["password"].encode() + b"\n")
                sent = True
            elif not self._listen(deadline):
                raise self._failed(
                    "the password was not accepted" if sent else "it neither asked for one nor began"
                )
        before, _word, after = self.heard[self.words].partition(success)
        self.heard[self.words] = before + after.lstrip(b"\r").removeprefix(b"\n")

    def relay(self, joined: Joined) -> None:
        """Hand on everything in both directions until the command has ended, whatever it has left in the background."""
        goes_to = {self.words: STDOUT, self.complaints: 2}
        for fd, heard in self.heard.items():
            _write(goes_to[fd], heard)
        os.set_blocking(self.answers, False)
        while True:
            events = self._events(joined, goes_to)
            if events.get(STDOUT, 0) & GONE:
                raise Left
            for fd in [fd for fd in goes_to if fd in events]:
                piece = os.read(fd, _STEP)
                _write(goes_to[fd], piece)
                if not piece:
                    del goes_to[fd]
            self._answer(events)
            if not goes_to or [*events] == [joined.pidfd]:
                return

    def _events(self, joined: Joined, heard: Iterable[int]) -> dict[int, int]:
        poll = select.poll()
        for fd in (*heard, *(() if joined.pidfd is None else (joined.pidfd,))):
            poll.register(fd, select.POLLIN)
        poll.register(STDOUT, 0)
        if self._pending:
            poll.register(self.answers, select.POLLOUT)
        elif self._more:
            poll.register(0, select.POLLIN)
        return dict(poll.poll())

    def _answer(self, events: Mapping[int, int]) -> None:
        """Hand on what we were given, as much as goes at once."""
        if self.answers in events:
            self._pending = _offer(self.answers, self._pending)
        elif 0 in events:
            self._pending = os.read(0, _STEP)
            self._more = bool(self._pending)
            if not self._more:
                os.close(self.answers)

    def _asked(self, prompt: re.Pattern[bytes]) -> bool:
        for fd, heard in self.heard.items():
            match = prompt.search(heard)
            if match:
                self.heard[fd] = heard[: match.start()] + heard[match.end() :].lstrip(b" ")
                return True
        return False

    def _listen(self, deadline: float) -> bool:
        """Hear some more; False at the end of both streams, of our patience, or of what can be kept."""
        left = deadline - time.monotonic()
        ready, _w, _x = select.select(self._open, (), (), max(0.0, left))
        for fd in ready:
            piece = os.read(fd, _STEP)
            self.heard[fd] += piece
            if not piece:
                self._open.remove(fd)
        return bool(ready and self._open) and sum(map(len, self.heard.values())) < _MOST

    def _failed(self, why: str) -> BecomeFailed:
        said = (self.heard[self.complaints] + self.heard[self.words]).decode(errors="replace").strip()
        return BecomeFailed(f"become: {why}{f' ({said})' if said else ''}")


def _offer(fd: int, data: bytes) -> bytes:
    """Write as much as goes at once; return the rest, none of it when nobody reads any more."""
    try:
        return data[os.write(fd, data) :]
    except BlockingIOError:
        return data
    except BrokenPipeError:
        return b""


def _write(fd: int, data: bytes) -> None:
    try:
        while data:
            data = data[os.write(fd, data) :]
    except BrokenPipeError:
        raise Left from None
