# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies while the container swaps directories for symlinks: none writes or reads outside the root.

``COPY_RACE_ROUNDS=10000`` is a full run; ``make test`` runs some hundreds of rounds.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from _engine.errors import EngineError
from _engine.lifecycle.files.copy import CopyRequest, copy

ROUNDS = int(os.environ.get("COPY_RACE_ROUNDS", "200"))
SECRET, INSIDE, SENT = b"of the host", b"of the container", b"sent"

#: Swaps ``play/dir`` for a symlink that leads outside, and back, as fast as possible: absolute, by many ``..``, through
#: another symlink, and by moving the directory itself to where ``..`` leads elsewhere; each state lasts for a random moment.
#: Exits at the end of its stdin.
SWAPPER = """
import os, random, select, shutil, sys
from _engine.kernel import libc
root, outside = sys.argv[1:]
os.chdir(root + "/play")
os.makedirs("away/deep", exist_ok=True)
up = "../" * 40 + outside.lstrip("/")
os.symlink(outside, "hop")
targets = [outside, up, "hop", "/proc/self/root" + outside, "away/../" + up]

def clear():
    if os.path.isdir("swap") and not os.path.islink("swap"):
        shutil.rmtree("swap", ignore_errors=True)
    elif os.path.lexists("swap"):
        os.unlink("swap")

def swap(turn):
    if turn % 8 == 7:
        os.rename("dir", "away/deep/dir")
        os.rename("away/deep/dir", "dir")
    elif turn % 2 == 0:  # it stays so until the next turn
        os.symlink(targets[turn // 2 % len(targets)], "swap")
        libc.renameat2(-100, "swap", -100, "dir", 2)
    else:
        libc.renameat2(-100, "swap", -100, "dir", 2)
        clear()

def mend():
    try:
        clear()
        if os.path.islink("dir"):
            os.unlink("dir")
        os.makedirs("dir/sub", exist_ok=True)
    except OSError:
        return False
    return True

print(flush=True)
turn = 0
while not select.select([0], [], [], random.random() ** 3 * 0.002)[0]:
    turn += 1
    try:
        swap(turn)
    except OSError:  # the copy has just replaced one of the two
        turn = 1 if mend() else 0
"""


@pytest.fixture
def outside(tmp_path):
    """Return a directory of the host that no copy may read or write."""
    top = tmp_path / "outside"
    (top / "sub").mkdir(parents=True)
    (top / "file").write_bytes(SECRET)
    (top / "sub/file").write_bytes(SECRET)
    return top


@pytest.fixture(params=["running", "volume"])
def swapped(request, host, outside, python_child):
    """Create a container whose ``/play/dir`` is swapped constantly: while it runs, or in its volume."""
    if request.param == "running":
        pid = host.start("sleep", "1000", stop_timeout=0)["State"]["Pid"]
        top, inner = Path(f"/proc/{pid}/root"), ""
    else:
        host.want("created", "sleep", "1000", volume=["data:/data"])
        top, inner = host.data("data"), "/data"
    (top / "play/dir/sub").mkdir(parents=True)
    for name in ("play/dir/file", "play/dir/sub/file"):
        (top / name).write_bytes(INSIDE)
    child = python_child(SWAPPER, str(top), str(outside))
    assert child.stdout.readline()
    yield f"{inner}/play", top
    child.stdin.close()
    assert child.wait() == 0, "the swapper died"


def tree_of(top: Path) -> dict[str, bytes | None]:
    """Return the tree below a directory, with the content of its files."""
    return {
        str(path.relative_to(top)): path.read_bytes() if path.is_file() else None for path in top.rglob("*")
    }


def rounds(number: int, attempt) -> Counter[str]:
    """Run the attempt this number of times, and count the results; an EngineError is a result."""
    ends: Counter[str] = Counter()
    for turn in range(number):
        ends[how(attempt, turn)] += 1
    return ends


def how(attempt, turn: int) -> str:
    """Return the result of one attempt: an error's code, or "done"."""
    try:
        attempt(turn)
    except EngineError as error:
        return error.code
    return "done"


def test_no_byte_outside(host, swapped, outside, tmp_path):
    """Whatever its result, a copy writes nothing outside the root, and reads nothing from there."""
    play, _top = swapped
    before = tree_of(outside)
    for tree, content in (("seed", INSIDE), ("tree/dir", SENT)):
        (tmp_path / tree / "sub").mkdir(parents=True)
        for name in ("file", "sub/new"):
            (tmp_path / tree / name).write_bytes(content)
    got = set()
    # Create the symlinks' target inside the root as well, so that a copy that meets one gets somewhere.
    with host.open() as engine:
        copy(engine, CopyRequest("box", f"{tmp_path}/seed/", str(outside)))

    with host.open() as engine:

        def attempt(turn: int) -> None:
            requests = (
                CopyRequest("box", f"{tmp_path}/tree/dir/file", f"{play}/dir/sub/{turn % 50}"),
                CopyRequest("box", f"{tmp_path}/tree/", play, overwrite=bool(turn % 2)),
                CopyRequest("box", f"{play}/dir/file", f"{tmp_path}/out", from_container=True),
                CopyRequest(
                    "box",
                    f"{play}/",
                    f"{tmp_path}/all/",
                    from_container=True,
                    overwrite=True,
                    local_follow=bool(turn % 3),
                ),
                CopyRequest("box", f"{tmp_path}/tree/dir", play, delete=True, follow=True),
            )
            try:
                copy(engine, requests[turn % len(requests)])
            finally:
                if (tmp_path / "out").exists():
                    got.add((tmp_path / "out").read_bytes())

        ends = rounds(ROUNDS, attempt)
    assert tree_of(outside) == before
    assert SECRET not in got
    found = [path for path in (tmp_path / "all").rglob("*") if path.is_file() and not path.is_symlink()]
    assert SECRET not in {path.read_bytes() for path in found}
    with host.open() as engine:
        copy(engine, CopyRequest("box", f"{outside}/", f"{tmp_path}/met/", from_container=True))
    met = [path for path in (tmp_path / "met").rglob("*") if path.is_file() and path.read_bytes() == SENT]
    assert met or ROUNDS < 1000, "no copy ever met a symlink"
    assert ROUNDS // 20 < ends["done"] < ROUNDS, ends
    assert sum(ends.values()) == ROUNDS
    print(ends, len(met))  # noqa: T201  (the figure for docs/results.md)


def test_a_joined_path_loses(swapped, outside):
    """A path that is joined as text soon escapes, so the test above can fail."""
    _play, top = swapped
    before = tree_of(outside)
    path = os.path.join(top, "play", "dir", "sub", "lost")
    for _turn in range(100_000):
        try:
            Path(path).write_bytes(SENT)
        except OSError:
            continue
        if tree_of(outside) != before:
            return
    pytest.fail("nothing was written outside")
