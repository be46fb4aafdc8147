# SPDX-License-Identifier: GPL-3.0-or-later
"""Fuzz an edge in a process of its own, which can write to nothing but a file system in memory.

usage: campaign.py INPUTS [EDGE...]. Prints one line for each edge; fails when any input did.
"""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
FAILED = HERE.parents[1] / ".build/fuzz"
EDGES = (
    "archive",
    "volume-archive",
    "checkpoint",
    "connect",
    "health",
    "passwd",
    "runtime",
    "log",
    "hook",
    "cni",
    "registry",
    "settings",
)
#: All else is read-only: what an escape would reach can't be harmed. The work in memory is also quicker.
_SANDBOX = """
mount -t tmpfs -o size=3g fuzz "$TMPDIR" && mount -o remount,bind,ro / || exit 99
"$@"; code=$?
for input in "$TMPDIR"/artifacts/*; do [ ! -f "$input" ] || printf '\\ninput:%s\\n' "$(base64 -w0 "$input")"; done
exit $code
"""
_INPUT = re.compile(rb"^input:([\w+/=]*)$", re.MULTILINE)
_READ = re.compile(r"^stat::number_of_executed_units: +(\d+)", re.MULTILINE)
_LAST_WORDS = 4000


class Result(NamedTuple):
    """How a campaign ended; ``inputs`` is how many were read, ``failed`` the file with the input that failed."""

    edge: str
    code: int
    inputs: int
    seconds: float
    words: str
    failed: Path | None

    @property
    def passed(self) -> bool:
        """Whether every input ended in an answer."""
        return self.code == 0 and self.failed is None


def fuzz(edge: str, *, inputs: int, seed: int) -> Result:
    """Read ``inputs`` mutated inputs at this edge; one that fails is kept in .build/fuzz."""
    path = os.pathsep.join([str(HERE.parents[1] / "plugins/module_utils"), str(HERE)])
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=f"slipway-fuzz-{edge}-") as top:
        program = [sys.executable, str(HERE / "main.py"), edge, top, str(inputs), str(seed)]
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", _SANDBOX, "sh", *program],
            env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": top},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
    words = _INPUT.sub(b"", done.stdout).decode(errors="replace")
    found = _READ.search(words)
    read = int(found[1]) if found else 0
    return Result(
        edge, done.returncode, read, time.monotonic() - start, words[-_LAST_WORDS:], _kept(edge, done.stdout)
    )


def _kept(edge: str, said: bytes) -> Path | None:
    """Write the input that failed to a file; None where there is none."""
    found = _INPUT.search(said)
    if found is None:
        return None
    FAILED.mkdir(parents=True, exist_ok=True)
    path = FAILED / f"{edge}-{time.time_ns()}"
    path.write_bytes(base64.b64decode(found[1]))
    return path


def main(inputs: str, *edges: str) -> int:
    """Fuzz each edge, as many at once as there are processors; return 1 where an input failed."""
    seed = int.from_bytes(os.urandom(3), "big")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        running = [pool.submit(fuzz, edge, inputs=int(inputs), seed=seed) for edge in edges or EDGES]
        results = [one.result() for one in running]
    for one in results:
        state = "passed" if one.passed else f"FAILED, see {one.failed}\n{one.words}\n"
        print(
            f"{one.edge:<16} {one.inputs:>9} inputs {one.seconds:>7.0f} s  seed {seed}  {state}", flush=True
        )
    return int(not all(one.passed for one in results))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
