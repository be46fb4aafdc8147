# SPDX-License-Identifier: GPL-3.0-or-later
"""Write a task's progress to a file, which the controller reads while the task runs (plugin_utils/host_progress.py)."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from .._engine import progress
from .._engine.model.engine.layout import Layout

#: Seconds before the first state is written, and between two.
_FIRST, _BETWEEN = 1.0, 1.0
#: Seconds after which a file is one that a killed task has left.
_STALE = 86400.0
_TOKEN = re.compile(r"[0-9a-f]{32}", re.ASCII)


@contextmanager
def written(token: str | None, run_root: str) -> Iterator[None]:
    """Write the progress of the block, and remove the file at its end; without a token do nothing."""
    if not token or not _TOKEN.fullmatch(token):
        yield
        return
    file = _File(Layout(run_root=run_root).progress(token))
    with progress.reported_to(file.write):
        try:
            yield
        finally:
            file.remove()


class _File:
    """The file: it is made when the task has run for a while, and replaced as a whole."""

    def __init__(self, path: str) -> None:
        self._path, self._next, self._made = path, time.monotonic() + _FIRST, False

    def write(self, state: progress.State) -> None:
        """Write a state, unless one was written within the last second. What can't be written is left out."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _BETWEEN
        with suppress(OSError):
            if not self._made:
                self._make_room()
            fd = os.open(f"{self._path}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with open(fd, "w", encoding="utf-8") as file:
                json.dump({name: getattr(state, name) for name in _FIELDS}, file)
            os.replace(f"{self._path}.new", self._path)

    def remove(self) -> None:
        """Remove the file if it was made."""
        for path in (self._path, f"{self._path}.new") if self._made else ():
            with suppress(OSError):
                os.unlink(path)

    def _make_room(self) -> None:
        directory = os.path.dirname(self._path)
        os.makedirs(directory, 0o700, exist_ok=True)
        self._made = True
        for entry in os.scandir(directory):
            if time.time() - entry.stat(follow_symlinks=False).st_mtime > _STALE:
                os.unlink(entry.path)


_FIELDS = ("what", "done", "total", "parts_done", "parts", "seconds")
