# SPDX-License-Identifier: GPL-3.0-or-later
"""A log that is written, rotated and read concurrently: every line exactly once, in order."""

from __future__ import annotations

import os
import random
import threading
import time
from contextlib import contextmanager

import pytest

from _engine.runtime import logfiles, logs, rotation

STAMP = "2026-11-24T03:00:{:02d}.{:09d}+00:00"


class Conmon:
    """A writer like conmon, which reopens the log on a message through its control FIFO."""

    def __init__(self, directory):
        self.path, self.control = str(directory / "ctr.log"), str(directory / "ctl")
        os.mkfifo(self.control)
        self.fifo = os.open(self.control, os.O_RDWR | os.O_NONBLOCK)
        self.file = open(self.path, "ab", buffering=0)  # noqa: SIM115
        self.count = 0

    def write(self, text, tag="F"):
        """Write a record, perhaps in two pieces."""
        self.obey()
        self.count += 1
        stamp = STAMP.format(self.count // 10**6, self.count % 10**6)
        record = f"{stamp} stdout {tag} {text}\n".encode()
        cut = random.randrange(len(record)) if random.random() < 0.3 else len(record)
        self.file.write(record[:cut])
        self.file.write(record[cut:])

    def obey(self):
        """Reopen the log for each message."""
        try:
            told = os.read(self.fifo, 4096)
        except BlockingIOError:
            return
        for _line in told.splitlines():
            self.file.close()
            self.file = open(self.path + ".tmp", "wb", buffering=0)  # noqa: SIM115
            os.rename(self.path + ".tmp", self.path)

    def keep_pace(self, most):
        """Wait for rotations: otherwise all is written before the first rotation on a busy machine."""
        while rotation.is_full(self.path, most):
            self.obey()
            time.sleep(0.0005)

    @contextmanager
    def attentive(self):
        """Process messages meanwhile."""
        over = threading.Event()

        def attend():
            while not over.wait(0.001):
                self.obey()

        thread = threading.Thread(target=attend)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def close(self):
        """Exit like conmon."""
        self.file.close()
        os.close(self.fifo)


@pytest.fixture
def conmon(tmp_path):
    """Return a writer."""
    conmon = Conmon(tmp_path)
    yield conmon
    conmon.close()


@pytest.mark.parametrize("seed", range(5))
def test_every_line_once_and_in_order(conmon, seed):
    """With writes, rotations and a follower, no line is lost, duplicated or reordered."""
    random.seed(seed)
    done, over = threading.Event(), threading.Event()
    wanted = [f"{number}:{'x' * random.randrange(200)}" for number in range(3000)]

    def write():
        for text in wanted:
            cut = random.randrange(len(text)) if random.random() < 0.2 else 0
            if cut:
                conmon.write(text[:cut], "P")
            conmon.write(text[cut:])
            conmon.keep_pace(60_000)
        done.set()
        while not over.wait(0.001):
            conmon.obey()

    def rotate():
        while not done.is_set():
            if rotation.is_full(conmon.path, 20_000):
                assert rotation.rotate(conmon.path, conmon.control, keep=99, lives=lambda: True)

    threads = [threading.Thread(target=write), threading.Thread(target=rotate)]
    for thread in threads:
        thread.start()
    try:
        followed = joined(logs.follow(conmon.path, done.is_set, pause=lambda: None))
    finally:
        threads[1].join(60)
        over.set()
        threads[0].join(60)
    assert followed == wanted
    assert joined(logs.read(conmon.path)) == wanted
    assert logs.streams(conmon.path)[0].splitlines() == wanted
    assert os.path.exists(conmon.path + ".2")
    for tail in (1, 10, 500, 2999, 3001):
        assert joined(logs.read(conmon.path, tail=tail)) == wanted[-tail:]


def joined(lines):
    """Return the lines, with parts joined."""
    found, parts = [], ""
    for line in lines:
        parts += line.text
        if not line.partial:
            found.append(parts)
            parts = ""
    return found


def test_only_so_many_files(conmon):
    """The oldest file is removed; the others keep their order."""
    for number in range(6):
        conmon.write(str(number))
        with conmon.attentive():
            assert rotation.rotate(conmon.path, conmon.control, keep=3, lives=lambda: True)
    assert sorted(os.listdir(os.path.dirname(conmon.path))) == ["ctl", "ctr.log", "ctr.log.1", "ctr.log.2"]
    assert joined(logs.read(conmon.path)) == ["4", "5"]


def test_a_rotation_that_was_killed_is_finished(conmon):
    """After half a rotation the log is readable, and the next call completes it."""
    conmon.write("one")
    os.rename(conmon.path, conmon.path + ".1")
    conmon.write("two")
    assert joined(logs.read(conmon.path)) == ["one", "two"]
    assert rotation.is_full(conmon.path, 10**9)
    with conmon.attentive():
        assert rotation.rotate(conmon.path, conmon.control, keep=3, lives=lambda: True)
    conmon.write("three")
    assert joined(logs.read(conmon.path)) == ["one", "two", "three"]


def test_two_rotations_while_the_files_are_opened(conmon, monkeypatch):
    """Two rotations between opening two files do not change a reader's order."""
    conmon.write("one")
    rotations = iter(["two", "three"])
    plain = logfiles._open

    def overtaken(path):
        file = plain(path)
        for text in rotations:
            rotation._shift(conmon.path, 9)
            os.write(conmon.fifo, b"2 0 0\n")
            conmon.write(text)
        return file

    monkeypatch.setattr(logfiles, "_open", overtaken)
    assert joined(logs.read(conmon.path)) == ["one", "two", "three"]


def test_without_conmon(tmp_path):
    """Without conmon a rotation does not wait, and the lines remain readable."""
    path = tmp_path / "ctr.log"
    path.write_text(f"{STAMP.format(0, 0)} stdout F last\n")
    assert rotation.rotate(str(path), str(tmp_path / "ctl"), keep=2, lives=lambda: True) is False
    assert joined(logs.read(str(path))) == ["last"]
    assert (path.stat().st_size, path.stat().st_mode & 0o777) == (0, 0o600)
    os.mkfifo(tmp_path / "ctl")
    reader = os.open(tmp_path / "ctl", os.O_RDONLY | os.O_NONBLOCK)
    path.write_text(f"{STAMP.format(1, 0)} stdout F more\n")
    assert rotation.rotate(str(path), str(tmp_path / "ctl"), keep=3, lives=lambda: False) is False
    os.close(reader)
    assert joined(logs.read(str(path))) == ["last", "more"]


def test_a_line_in_parts_belongs_to_its_end(tmp_path):
    """A time range contains a line completely or not at all."""
    path = tmp_path / "log"
    rows = [(1, "P", "a"), (2, "F", "b"), (3, "P", "c"), (4, "P", "d"), (5, "F", "e"), (6, "F", "f")]
    path.write_text("".join(f"{STAMP.format(second, 0)} stdout {tag} {text}\n" for second, tag, text in rows))
    whole = list(logs.read(str(path)))
    assert joined(logs.read(str(path), since=whole[3].time)) == ["cde", "f"]
    assert joined(logs.read(str(path), since=whole[5].time)) == ["f"]
    assert joined(logs.read(str(path), until=whole[4].time)) == ["ab", "cde"]


def test_a_follower_behind_a_rotation_that_is_under_way(conmon):
    """A reader of the previous file finds the one just renamed, although the first is missing."""
    conmon.write("one")
    steps = iter([lambda: None, lambda: _two_on(conmon), None])

    def ended():
        step = next(steps)
        if step is not None:
            step()
        return step is None

    assert joined(logs.follow(conmon.path, ended, pause=lambda: None)) == ["one", "two"]


def _two_on(conmon):
    os.rename(conmon.path, conmon.path + ".2")
    os.write(conmon.fifo, b"2 0 0\n")
    conmon.write("two")
    os.rename(conmon.path, conmon.path + ".1")
