# SPDX-License-Identifier: GPL-3.0-or-later
"""Try kernel parameters in a thread's own namespaces; sources: namespaces(7), proc_sys(5)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from . import libc

#: The namespaces whose parameters a container may set.
FLAGS = libc.CLONE_NEWNET | libc.CLONE_NEWIPC | libc.CLONE_NEWUTS


def try_parameters(parameters: Sequence[tuple[str, str]]) -> dict[str, OSError]:
    """Set each (file below /proc/sys, text) in temporary namespaces; return the kernel's errors by file.

    /proc/sys shows the namespaces of the reading thread.
    """
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(_try, parameters).result()


def _try(parameters: Sequence[tuple[str, str]]) -> dict[str, OSError]:
    libc.unshare(FLAGS)
    refused = {}
    for path, text in parameters:
        try:
            _write(path, text)
        except OSError as error:  # noqa: PERF203
            refused[path] = error
    return refused


def _write(path: str, text: str) -> None:
    fd = os.open(f"/proc/sys/{path}", os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)
