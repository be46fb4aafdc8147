# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a watcher that acts if this process dies, in whatever way."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from .command import ENVIRONMENT


@contextmanager
def attended(argv: Sequence[str]) -> Iterator[None]:
    """Run a program, given by its path, whose standard input reaches its end when this process dies.

    It is killed when the context is left normally, so that whatever it does at the end of its input happens
    only if this process was killed.
    """
    with subprocess.Popen(
        [*argv],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=ENVIRONMENT,
        cwd="/",
        start_new_session=True,
    ) as process:
        try:
            yield
        finally:
            process.kill()
