# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of progress: locked by living tasks, swept when their task was killed."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from _engine.lifecycle.guard.waste import sweep


@pytest.mark.parametrize("lives", [False, True])
def test_swept(host, lives):
    """The file of a killed task is removed by the next one, that of a living task stays."""
    file = Path(host.layout.progress("a" * 32))
    with host.open() as engine:
        file.parent.mkdir(mode=0o700)
        with file.open("w") as stream:
            if lives:
                fcntl.flock(stream, fcntl.LOCK_EX)
            sweep(engine)
            assert file.exists() is lives
        sweep(engine)
    assert not file.parent.exists()
