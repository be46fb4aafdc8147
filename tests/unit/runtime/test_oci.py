# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from _engine.runtime.oci import error_text

CASES = {
    "json": ('{"level":"error","msg":"no such file","time":"2026-11-23T22:05:52Z"}\n', "no such file"),
    "the error of several": (
        '{"level":"warning","msg":"w","time":"t"}\n{"level":"error","msg":"e","time":"t"}\n',
        "e",
    ),
    "only a warning": ('{"level":"warning","msg":"w","time":"t"}\n', "w"),
    "the same twice": ('{"level":"error","msg":"e"}\n{"level":"error","msg":"e"}\n', "e"),
    "logrus text": (
        'time="2026-11-23T22:05:52Z" level=error msg="exec: \\"/x\\": gone"\n',
        'exec: "/x": gone',
    ),
    "plain": ("open executable: Permission denied\n\n", "open executable: Permission denied"),
    "json that is no object": ("5\n", "5"),
    "nothing": ("\n", ""),
}


@pytest.mark.parametrize("case", CASES)
def test_error_text(case):
    """The runtime's messages are returned without time stamps, levels and repetitions."""
    log, wanted = CASES[case]
    assert error_text(log) == wanted


def test_error_text_is_bounded():
    """An endless message of the runtime is truncated."""
    assert len(error_text("x" * 100_000)) == 2000
