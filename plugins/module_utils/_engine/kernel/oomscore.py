# SPDX-License-Identifier: GPL-3.0-or-later
"""Check which OOM scores the kernel permits to this process; source: proc_pid_oom_score_adj(5)."""

from __future__ import annotations

import os


def may_have(score: int) -> bool:
    """Return whether a child of this process may set its ``oom_score_adj`` to this value.

    Without CAP_SYS_RESOURCE this depends on the lowest value that was ever set with that capability, which is
    not visible; so a child tries it.
    """
    child = os.fork()
    if child == 0:
        code = 1
        try:
            fd = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
            os.write(fd, b"%d" % score)
            code = 0
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1] == 0
