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
from collections.abc import Mapping
from typing import Any

from ...errors import EngineError
from ...kernel.process import end_tree
from ...model.engine.layout import Layout
from ...runtime.exec.attend import Left, attended, leave
from ...runtime.exec.join import Joined, join
from ...runtime.exec.relay import STDERR, STDOUT, Pipes, Relay, write
from ...state.running import Running

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
    pipes = Pipes()
    talk = _Talk(pipes)

    def begin() -> Joined:
        joined = join(found.runtime, layout.runtime_root, found.id, wanted, streams=pipes.streams)
        pipes.handed_over()
        return joined

    def until_its_end(joined: Joined) -> None:
        try:
            talk.hold(become)
        except BecomeFailed:
            end_tree(os.getpid(), grace=0.0)
            raise
        talk.relay(joined)

    return attended(begin, until_its_end)


class _Talk:
    """The three pipes to the program, and what it has said so far."""

    def __init__(self, pipes: Pipes) -> None:
        self.answers, self.words, self.complaints = pipes.answers, pipes.words, pipes.complaints
        self.heard = {self.words: b"", self.complaints: b""}
        self._open = [self.words, self.complaints]

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
        """Hand on what was heard, and then everything in both directions until the command has ended."""
        for fd, to in ((self.words, STDOUT), (self.complaints, STDERR)):
            if not write(to, self.heard[fd]):
                raise Left
        Relay(
            self.words,
            self.complaints,
            self.answers,
            pidfd=joined.pidfd,
            has_ended=joined.has_ended,
            left=leave,
        ).until_its_end()

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
