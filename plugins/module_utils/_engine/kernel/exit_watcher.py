# SPDX-License-Identifier: GPL-3.0-or-later
"""Have a program at hand that learns of our end, however we come to it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from .command import ENVIRONMENT


@contextmanager
def attended(argv: Sequence[str]) -> Iterator[None]:
    """Run a program, by its path, whose standard input ends when we do; it is killed when we come out of here ourselves.

    So what it does at the end of its input, it does for who was killed and for nobody else.
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
