# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a program as a transient service, outside of any login session.

Sources: systemd-run(1), systemd.service(5).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from ..kernel import command

#: In seconds; systemd answers in milliseconds, except while the host is booting.
_TIMEOUT = 30.0
_PAUSE = 0.05


def start(
    unit: str,
    argv: Sequence[str],
    *,
    properties: Sequence[str] = (),
    is_done: Callable[[], bool] = lambda: False,
) -> bool:
    """Start the program as a service of this name, unloaded after its exit; return False if systemd fails.

    The name may still be in use by a service that is about to exit or to be restarted by systemd: then wait
    until it is free, or until ``is_done`` returns that the other service does the work. A caller that
    immediately fell back to another method would be killed with its session.
    """
    words = [
        "systemd-run",
        "--quiet",
        "--collect",
        f"--unit={unit}",
        *(f"--property={one}" for one in properties),
    ]
    deadline = time.monotonic() + _TIMEOUT
    while not _succeeds(*words, *argv):
        if is_done():
            return True
        if time.monotonic() > deadline:
            return False
        if not _is_loaded(unit):  # it has just been unloaded, or systemd can't be reached
            return _succeeds(*words, *argv)
        time.sleep(_PAUSE)
    return True


def _succeeds(*argv: str) -> bool:
    return command.run(argv, timeout=_TIMEOUT, check=False).returncode == 0


def _is_loaded(unit: str) -> bool:
    argv = ["systemctl", "show", "--property=LoadState", "--value", unit]
    return command.run(argv, timeout=_TIMEOUT, check=False).stdout.strip() == b"loaded"
