# SPDX-License-Identifier: GPL-3.0-or-later
"""Lock files: a single holder, a deadline, an order."""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import threading
import time
from contextlib import ExitStack

import pytest

from _engine.errors import LockTimeout
from _engine.kernel.locks import lock

HOLD = """
import sys
from _engine.kernel.locks import lock
with lock(sys.argv[1], timeout=10, what="start web", rank=1, shared=len(sys.argv) > 2):
    print(flush=True)
    sys.stdin.read()
"""

COUNT = """
import os, sys
from _engine.kernel.locks import lock
for _ in range(100):
    with lock(sys.argv[1], timeout=60, what="count", rank=1):
        with open(sys.argv[2]) as stream:
            counted = int(stream.read())
        with open(sys.argv[2], "w") as stream:
            stream.write(str(counted + 1))
        os.unlink(sys.argv[1])
"""


@pytest.fixture
def path(tmp_path) -> str:
    """Return the path of the lock file."""
    return str(tmp_path / "container-web.lock")


@pytest.fixture
def held(python, path):
    """Return a function that starts a process which holds the lock until it is killed."""

    def hold(*shared: str):
        process = python(HOLD, path, *shared)
        process.stdout.readline()
        return process

    return hold


def take(path: str, *, timeout: float = 0, shared: bool = False) -> None:
    """Take the lock and release it."""
    with lock(path, timeout=timeout, what="a test", rank=1, shared=shared):
        pass


def is_free(path: str) -> bool:
    """Return whether the lock is available immediately."""
    try:
        take(path)
    except LockTimeout:
        return False
    return True


def test_a_free_lock_is_taken_again_and_again(path):
    """A lock is released when its body ends, also with an exception."""
    for _ignored in range(2):
        with pytest.raises(KeyError), lock(path, timeout=0, what="a test", rank=1):
            raise KeyError
    take(path)


def test_whoever_waits_in_vain_learns_who_holds_it(held, path):
    """The error reports the holder, the purpose and the time, as text and as fields."""
    process = held()
    begun = time.monotonic()
    with pytest.raises(LockTimeout) as caught:
        take(path, timeout=0.3)
    assert 0.3 <= time.monotonic() - begun < 3
    told = re.escape(f"lock on {path} is held by process {process.pid} (start web) since 2")
    assert re.match(told + r"[\d :-]+ \(\d+ s\)$", caught.value.message)
    assert str(process.pid) in caught.value.remedy
    fields = caught.value.fields
    assert (fields["holder"], fields["what"], fields["path"]) == (process.pid, "start web", path)
    assert abs(fields["since"] - time.time()) < 60


def test_a_lock_is_waited_for(held, path):
    """A waiting process gets the lock soon after its release."""
    process = held()
    threading.Timer(0.3, process.stdin.close).start()
    begun = time.monotonic()
    take(path, timeout=20)
    assert 0.25 <= time.monotonic() - begun < 5


def test_a_killed_holder_holds_nothing(held, path):
    """The lock of a killed process is free immediately."""
    process = held()
    assert not is_free(path)
    process.kill()
    process.wait()
    assert is_free(path)


def test_a_dead_writer_is_not_taken_for_the_holder(path):
    """A holder that has not recorded itself yet is not mistaken for its predecessor."""
    with open(path, "w+", encoding="ascii") as stream:
        stream.write("4194305 1 1.0 an old story")
        stream.flush()
        fcntl.flock(stream, fcntl.LOCK_EX)
        with pytest.raises(LockTimeout) as caught:
            take(path)
    assert caught.value.fields["holder"] is None
    assert "another process" in caught.value.message


def test_shared_locks_go_together(held, path):
    """Two processes can share a lock, which excludes exclusive holders."""
    held("shared")
    take(path, shared=True)
    with pytest.raises(LockTimeout):
        take(path)


def test_a_lock_held_alone_is_not_shared(held, path):
    """An exclusive lock can't be shared."""
    held()
    with pytest.raises(LockTimeout):
        take(path, shared=True)


def test_an_unlinked_lock_file_keeps_others_out(python, path, tmp_path):
    """Four processes that each unlink the held file never hold the lock at the same time."""
    counter = tmp_path / "counter"
    counter.write_text("0")
    workers = [python(COUNT, path, counter) for _ignored in range(4)]
    assert [worker.wait(120) for worker in workers] == [0] * 4
    assert counter.read_text() == "400"


def test_a_file_unlinked_before_it_is_locked_does_not_count(path, monkeypatch):
    """A file that its holder unlinks between our open and flock no longer counts as the lock."""
    real, unlinked = fcntl.flock, []

    def late(fd: int, kind: int) -> None:
        if not unlinked:
            unlinked.append(os.unlink(path))
        real(fd, kind)

    monkeypatch.setattr(fcntl, "flock", late)
    with (
        lock(path, timeout=5, what="a test", rank=1),
        open(path, encoding="ascii") as stream,
        pytest.raises(BlockingIOError),
    ):
        real(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)


ORDERS = [
    ([(1, "a"), (2, "a"), (4, "a")], True),
    ([(1, "a"), (1, "b")], True),
    ([(1, "z"), (2, "a")], True),
    ([(2, "a"), (1, "a")], False),
    ([(1, "b"), (1, "a")], False),
    ([(1, "a"), (1, "a")], False),
    ([(1, "a"), (3, "a"), (2, "a")], False),
]


@pytest.mark.parametrize(("order", "fine"), ORDERS)
def test_locks_are_taken_in_order(tmp_path, order, fine):
    """A lock of lower rank, or of equal rank and a lower path, can't be taken later."""
    for rank, _ignored in order:
        (tmp_path / str(rank)).mkdir(exist_ok=True)
    *first, last = (
        lock(str(tmp_path / f"{rank}/{name}"), timeout=0, what="", rank=rank) for rank, name in order
    )
    with ExitStack() as stack:
        for taken in first:
            stack.enter_context(taken)
        if fine:
            stack.enter_context(last)
        else:
            with pytest.raises(RuntimeError, match="must be taken before"):
                stack.enter_context(last)


def test_the_order_is_each_threads_own(tmp_path, path):
    """The locks of one thread do not restrict another."""
    taken = []

    def other() -> None:
        with lock(str(tmp_path / "a"), timeout=0, what="", rank=1):
            taken.append(True)

    with lock(path, timeout=0, what="", rank=4):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert taken == [True]


def test_a_lock_not_got_is_forgotten(held, path, tmp_path):
    """A lock that timed out does not count in the order."""
    held()
    with pytest.raises(LockTimeout):
        take(path)
    with lock(str(tmp_path / "a"), timeout=0, what="", rank=1):
        pass


def test_a_started_program_does_not_keep_the_lock(path):
    """A program that was started under a lock and keeps running does not hold it."""
    with lock(path, timeout=0, what="", rank=1):
        process = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        assert process.poll() is None
        assert is_free(path)
    finally:
        process.kill()
        process.wait()


def test_a_symlink_is_no_lock(path, tmp_path):
    """A symlink planted at the path is refused, so that no other file is written."""
    (tmp_path / "precious").write_text("content")
    os.symlink("precious", path)
    with pytest.raises(OSError, match="symbolic links"):
        take(path)
    assert (tmp_path / "precious").read_text() == "content"
