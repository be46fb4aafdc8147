# SPDX-License-Identifier: GPL-3.0-or-later
"""Have a program run as a transient service, so that it belongs to no login session.

Sources: systemd-run(1), systemd.service(5).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from ..kernel import command

#: systemd answers in milliseconds, unless the host has just begun to start (seconds).
_TIMEOUT = 30.0
_PAUSE = 0.05


def start(
    unit: str,
    argv: Sequence[str],
    *,
    properties: Sequence[str] = (),
    is_done: Callable[[], bool] = lambda: False,
) -> bool:
    """Start the program as a service of this name, which systemd forgets at its end; False when systemd does not.

    The name may still be taken, by one that is about to end or to be started again by systemd: then it is waited for until
    it is free, or ``is_done`` tells that the other does the work. Who took to another way at once would end with its session.
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
        if not _is_loaded(unit):  # it has just gone, or systemd can't be reached
            return _succeeds(*words, *argv)
        time.sleep(_PAUSE)
    return True


def _succeeds(*argv: str) -> bool:
    return command.run(argv, timeout=_TIMEOUT, check=False).returncode == 0


def _is_loaded(unit: str) -> bool:
    argv = ["systemctl", "show", "--property=LoadState", "--value", unit]
    return command.run(argv, timeout=_TIMEOUT, check=False).stdout.strip() == b"loaded"
