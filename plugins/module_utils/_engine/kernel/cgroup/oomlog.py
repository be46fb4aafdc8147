# SPDX-License-Identifier: GPL-3.0-or-later
"""Find in the kernel's log that a cgroup's process was killed for want of memory; source: dev-kmsg (kernel ABI).

Where systemd made the cgroup, it removes it with its last process, at times before conmon could read its counters.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from typing import Optional

_LOG = "/dev/kmsg"
#: A record is at most this long (CONSOLE_EXT_LOG_MAX).
_LONGEST = 8192
#: More records than the log holds unless somebody made it huge.
_MOST = 200_000
#: The log's clock is not exactly that of anything else (seconds).
_TOLERANCE = 2.0


def killed(path: str, since: int) -> bool:
    """Tell whether a process of the cgroup, or of one below, was killed since then (nanoseconds since the epoch).

    False also where nobody may read the log.
    """
    boot = time.time() - time.clock_gettime(time.CLOCK_MONOTONIC)
    return found(_records(), path, since / 1e9 - boot - _TOLERANCE)


def found(records: Iterable[bytes], path: str, since: float) -> bool:
    """Tell whether one of the log's records says so; ``since`` in seconds since boot.

    A record is ``6,1234,5098765,-;oom-kill:...,task_memcg=/a/b,task=...``: the third number counts microseconds (since
    Linux 5.0).
    """
    ends = (f"task_memcg={path},".encode(), f"task_memcg={path}/".encode())
    for record in records:
        head, _semicolon, text = record.partition(b";")
        if text.startswith(b"oom-kill:") and any(end in text for end in ends):
            moment = _microseconds(head)
            if moment is not None and moment / 1e6 >= since:
                return True
    return False


def _microseconds(head: bytes) -> Optional[int]:
    fields = head.split(b",")
    return int(fields[2]) if len(fields) > 2 and fields[2].isdigit() else None


def _records() -> Iterator[bytes]:
    try:
        fd = os.open(_LOG, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return
    try:
        for _ignored in range(_MOST):
            try:
                record = os.read(fd, _LONGEST)
            except BrokenPipeError:  # overwritten while we read: the next is there
                continue
            except OSError:  # EAGAIN: that was all
                return
            if not record:
                return
            yield record
    finally:
        os.close(fd)
