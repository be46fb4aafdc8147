# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask the kernel whether a process of ours may have an OOM score; source: proc_pid_oom_score_adj(5)."""

from __future__ import annotations

import os


def may_have(score: int) -> bool:
    """Return whether a child of this process may set its ``oom_score_adj`` so low.

    Without CAP_SYS_RESOURCE that hangs on the lowest one that it was ever given, which nothing shows; so a child tries it.
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
