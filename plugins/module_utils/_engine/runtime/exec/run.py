# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command in a container, wait for it and collect its output."""

from __future__ import annotations

import time
from typing import Optional

from ...errors import CommandTimeout
from ...kernel.command import Conversation
from ...kernel.reaper import Adopting
from ..oci import OciRuntime
from .child import ExecChild
from .execs import ExecFiles, Executed

#: Practically unlimited, and still a number of seconds that selectors accept.
_FOREVER = 10.0 * 365 * 24 * 3600
#: The most bytes from the end of its error output that an error quotes.
_TAIL = 2000


def run(
    runtime: OciRuntime,
    files: ExecFiles,
    container_id: str,
    *,
    stdin: bytes = b"",
    timeout: Optional[float] = None,
    asked: Optional[float] = None,
) -> Executed:
    """Run the command; its background processes keep running and are not waited for.

    Raises CommandTimeout after killing it with its descendants, and what ``ExecChild.check`` raises.
    ``asked`` is the number of seconds to report if ``timeout`` is only the rest of it.
    """
    with Adopting():
        child = ExecChild(runtime, container_id, files)
        try:
            said = _attend(child, stdin, timeout, asked or timeout)
        except BaseException:  # also on an interrupt: a command must not outlive its task
            child.kill()
            raise
        finally:
            child.close()
        child.check()
        return said


def _attend(child: ExecChild, stdin: bytes, timeout: Optional[float], asked: Optional[float]) -> Executed:
    conversation = Conversation(child, stdin)
    try:
        ended = conversation.hold(time.monotonic() + (_FOREVER if timeout is None else timeout))
    finally:
        conversation.close()
    if not ended:
        raise _timed_out(asked or 0, bytes(conversation.stderr))
    return Executed(child.wait(), bytes(conversation.stdout), bytes(conversation.stderr))


def _timed_out(timeout: float, stderr: bytes) -> CommandTimeout:
    """Return the error for a command that exceeded its timeout."""
    return CommandTimeout(
        f"the command did not exit within {timeout:g} s and was killed",
        remedy="Increase the timeout, or find out what the command waits for",
        timeout=timeout,
        stderr=stderr[-_TAIL:].decode("utf-8", "replace").strip(),
    )
