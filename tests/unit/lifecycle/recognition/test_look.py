# SPDX-License-Identifier: GPL-3.0-or-later
"""What recognition of an unchanged task compares."""

from __future__ import annotations

import os
import subprocess

import pytest

from _engine.kernel import procstat
from _engine.lifecycle.recognition import look
from _engine.model.engine.layout import Layout

ID = "1f0a" * 16
NOBODY = {"pid": None, "pid_start": None, "monitor_pid": None, "monitor_start": None}


@pytest.fixture
def here(tmp_path):
    """Return the layout of an engine in the test's directory."""
    layout = Layout(f"{tmp_path}/root", f"{tmp_path}/run")
    for path in layout.directories:
        os.makedirs(path, exist_ok=True)
    return layout


@pytest.fixture(scope="module")
def zombie():
    """Return the pid of a zombie: a process that has exited and was not waited for."""
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    yield child.pid
    child.wait()


def row(**columns):
    """Return a row of a container that runs as this process, which is also its monitor."""
    pid = os.getpid()
    start = procstat.start_time(procstat.stat(pid))
    lives = {"pid": pid, "pid_start": start, "monitor_pid": pid, "monitor_start": start}
    return {"id": ID, "name": "web", "status": "running", "intent": "", **lives, **columns}


#: Columns, and whether the facts agree with them.
ROWS = [
    ({}, True),
    ({"intent": "update"}, False),
    ({"status": "paused"}, False),
    ({"status": "stopped"}, False),
    ({"status": "created"}, False),
    ({"status": "removing"}, False),
    ({"status": "unknown"}, False),
    ({"status": "configured"}, False),
    ({"status": "exited"}, False),
    ({"status": "configured", **NOBODY}, True),
    ({"status": "exited", **NOBODY}, True),
    ({"status": "stopped", **NOBODY}, False),
    ({"status": "removing", **NOBODY}, False),
    (NOBODY, False),
    ({"pid_start": 1}, False),
    ({"monitor_start": 1}, False),
    ({"pid": None}, False),
    ({"monitor_pid": None}, False),
    ({"pid": 2**22 + 1}, False),
    ({"monitor_pid": 2**22 + 1}, False),
]


@pytest.mark.parametrize(("columns", "agrees"), ROWS)
def test_a_row_and_the_facts(here, columns, agrees):
    """A row agrees with the facts if the same process and monitor are alive, and no verb is at work."""
    assert look.agrees(here, row(**columns)) is agrees


@pytest.mark.parametrize("kind", ["pid", "monitor"])
def test_one_that_has_ended(here, zombie, kind):
    """A zombie is not alive, though its pid and its start time are unchanged."""
    start = procstat.start_time(procstat.stat(zombie))
    columns = (
        {"pid": zombie, "pid_start": start}
        if kind == "pid"
        else {"monitor_pid": zombie, "monitor_start": start}
    )
    assert not look.agrees(here, row(**columns))


@pytest.mark.parametrize("status", ["exited", "configured"])
def test_one_that_the_runtime_still_knows(here, status):
    """A container that should not be alive contradicts its record if the OCI runtime has state of it."""
    known = row(status=status, **NOBODY)
    assert look.agrees(here, known)
    os.mkdir(f"{here.runtime_root}/{ID}")
    assert not look.agrees(here, known)


def test_somebody_at_work(here):
    """A container whose name is locked has no digest."""
    assert look.agrees(here, row())
    open(here.lock("name", "web"), "w").close()
    assert not look.agrees(here, row())


def test_contents(tmp_path):
    """Only the content of a file counts; a modified file differs, even with the same size and time."""
    path = tmp_path / "a.env"
    path.write_text("A=1\n")
    before = look.contents([str(path)])
    info = os.stat(path)
    path.write_text("A=2\n")
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))
    assert look.contents([str(path)]) != before
    path.unlink()
    path.write_text("A=1\n")
    link = tmp_path / "link"
    link.symlink_to(path)
    assert look.contents([str(path)]) == before
    assert look.contents([str(link)]) == {str(link): before[str(path)]}
    assert look.contents([]) == {}


def _fifo(path):
    os.mkfifo(path)


def _large(path):
    os.truncate(os.open(path, os.O_CREAT | os.O_RDWR), 1024 * 1024 + 1)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda _path: None, id="missing"),
        pytest.param(os.mkdir, id="directory"),
        pytest.param(_fifo, id="fifo"),
        pytest.param(_large, id="large"),
        pytest.param(lambda path: os.symlink("/proc/version", path), id="proc"),
        pytest.param(lambda path: os.symlink("/sys/kernel/mm/transparent_hugepage/enabled", path), id="sys"),
        pytest.param(lambda path: os.symlink("/dev/zero", path), id="device"),
        pytest.param(lambda path: os.symlink("nowhere", path), id="dangling"),
    ],
)
def test_no_plain_file(tmp_path, make):
    """A file that is not regular or too large has no digest, nor have the files listed with it."""
    good, bad = str(tmp_path / "good"), str(tmp_path / "bad")
    open(good, "w").close()
    make(bad)
    assert look.contents([good]) is not None
    assert look.contents([good, bad]) is None


@pytest.mark.parametrize("path", ["", "\0", "\ud800", "a" * 5000])
def test_what_no_path_can_be(path):
    """A text that can't be a path has no digest either."""
    assert look.contents([path]) is None
