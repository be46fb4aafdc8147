# SPDX-License-Identifier: GPL-3.0-or-later
"""Find OOM kills of a cgroup's processes in the kernel's log; source: dev-kmsg (kernel ABI).

systemd removes a cgroup that it created after the last process, sometimes before conmon has read its
counters.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from typing import Optional

_LOG = "/dev/kmsg"
#: The maximum length of a record (CONSOLE_EXT_LOG_MAX).
_LONGEST = 8192
#: More records than the log contains, unless it was configured huge.
_MOST = 200_000
#: Seconds by which the log's clock may differ from others.
_TOLERANCE = 2.0


def killed(path: str, since: int) -> bool:
    """Return whether a process of the cgroup or below was OOM-killed since a time (ns since the epoch).

    Return False if the log can't be read.
    """
    boot = time.time() - time.clock_gettime(time.CLOCK_MONOTONIC)
    return found(_records(), path, since / 1e9 - boot - _TOLERANCE)


def found(records: Iterable[bytes], path: str, since: float) -> bool:
    """Return whether one of the log's records reports such a kill; ``since`` is in seconds since boot.

    A record is ``6,1234,5098765,-;oom-kill:...,task_memcg=/a/b,task=...`` (since Linux 5.0); its third number
    is the time in microseconds.
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
            except BrokenPipeError:  # overwritten while reading: continue with the next
                continue
            except OSError:  # EAGAIN: no more records
                return
            if not record:
                return
            yield record
    finally:
        os.close(fd)
