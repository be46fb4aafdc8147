# SPDX-License-Identifier: GPL-3.0-or-later
"""Pass a password to sudo, su and similar programs inside a container.

Ansible's connection hands over all data at once, so this side holds the dialogue with the program: it waits for the prompt,
answers, and waits for the success message before the command gets any of its own input. If the password were put before
the input instead, a program that does not prompt would pass it on to the command.
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
#: Seconds for become to prompt and to succeed: the default of Ansible's connections (become_success_timeout).
_PATIENCE = 10.0
#: The most bytes to read from a program that neither prompts nor succeeds.
_MOST = 256 * 1024


class BecomeFailed(EngineError):
    """The program did not grant the other user."""

    code = "become_failed"


def run_with_password(
    layout: Layout, found: Running, wanted: Mapping[str, Any], become: Mapping[str, Any]
) -> int:
    """Run the command; ``become`` has ``prompts`` (patterns), ``password`` and ``success`` (a message).

    Raises BecomeFailed, with the program's output.
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
    """The three pipes to the program, and its output so far."""

    def __init__(self, pipes: Pipes) -> None:
        self.answers, self.words, self.complaints = pipes.answers, pipes.words, pipes.complaints
        self.heard = {self.words: b"", self.complaints: b""}
        self._open = [self.words, self.complaints]

    def hold(self, become: Mapping[str, Any]) -> None:
        """Answer prompts until the success message arrives; other output before it is kept for the caller."""
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
                    "the password was not accepted" if sent else "the program neither prompted nor started"
                )
        before, _word, after = self.heard[self.words].partition(success)
        self.heard[self.words] = before + after.lstrip(b"\r").removeprefix(b"\n")

    def relay(self, joined: Joined) -> None:
        """Forward the output read so far, then both directions until the command has exited."""
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
        """Read some more; return False at the deadline, the size limit, or the end of both streams."""
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
