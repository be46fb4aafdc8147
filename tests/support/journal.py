# SPDX-License-Identifier: GPL-3.0-or-later
"""A journal of a test's own: /run is another for this process and what it starts, with a real systemd-journald or without."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from _engine.kernel import libc, mounts
from enginehost import eventually

JOURNALD = "/lib/systemd/systemd-journald"
SOCKET = Path("/run/systemd/journal/socket")
#: No limit that a fast writer reaches, and nothing of the machine's own.
_SETTINGS = "[Journal]\nStorage=volatile\nRateLimitBurst=0\nRuntimeMaxUse=64M\nReadKMsg=no\nAudit=no\n"


@contextmanager
def own_run() -> Iterator[None]:
    """Give this process an empty /run, which nobody else sees."""
    before, directory = os.open("/proc/self/ns/mnt", os.O_RDONLY), os.getcwd()
    libc.unshare(libc.CLONE_NEWNS)
    try:
        libc.mount("none", "/", "", libc.MS_REC | libc.MS_PRIVATE)
        mounts.tmpfs("/run", size=256 << 20, mode=0o755)
        yield
    finally:
        libc.setns(before, libc.CLONE_NEWNS)
        os.close(before)
        os.chdir(directory)


@contextmanager
def own_journal() -> Iterator[subprocess.Popen[bytes]]:
    """Give this process an empty journal, and yield its systemd-journald."""
    with own_run():
        settings = Path("/run/systemd/journald.conf.d/test.conf")
        settings.parent.mkdir(parents=True)
        settings.write_text(_SETTINGS)
        Path("/run/log/journal").mkdir(parents=True)
        process = subprocess.Popen([JOURNALD], stderr=subprocess.DEVNULL)
        try:
            eventually(SOCKET.is_socket, "systemd-journald listens")
            yield process
        finally:
            process.terminate()
            process.wait(timeout=30)
