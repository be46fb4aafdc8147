# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command in a container to its end and keep what it says until then."""

from __future__ import annotations

import time
from typing import Optional

from ...errors import CommandTimeout
from ...kernel.command import Conversation
from ...kernel.reaper import Adopting
from ..oci import OciRuntime
from .child import ExecChild
from .execs import ExecFiles, Executed

#: As good as without end, and still a number that the selectors take (seconds).
_FOREVER = 10.0 * 365 * 24 * 3600
#: Bytes of its last words that an error tells.
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
    """Run it; what it has left in the background goes on, and is not waited for.

    Raises CommandTimeout after killing it with all that it started, and what ``ExecChild.check`` raises.
    ``asked`` are the seconds to tell of, where ``timeout`` is what is left of them.
    """
    with Adopting():
        child = ExecChild(runtime, container_id, files)
        try:
            said = _attend(child, stdin, timeout, asked or timeout)
        except BaseException:  # also at an interrupt: a command does not outlive its task
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
    """Return the error of a command that was killed."""
    return CommandTimeout(
        f"the command did not end within {timeout:g} s and was killed",
        remedy="Write a longer timeout, or see what it waits for",
        timeout=timeout,
        stderr=stderr[-_TAIL:].decode("utf-8", "replace").strip(),
    )
