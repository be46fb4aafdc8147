# SPDX-License-Identifier: GPL-3.0-or-later
"""The process of aardvark-dns: found, reloaded and killed, also after a kill at any point."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from _engine.errors import CommandFailed
from _engine.network import aardvark

ADDRESS = "192.0.2.1"
TEXT = f"{ADDRESS}\n{'a' * 64} 192.0.2.9  web\n"


@pytest.fixture
def directory(lab, tmp_path, need):
    """Return a directory of network files, whose process is killed after the test."""
    need(aardvark.find(), "aardvark-dns")
    directory = str(tmp_path / "names")
    yield directory
    lab.host(aardvark.end, directory)
    assert [*tmp_path.iterdir()] == []


@pytest.fixture
def reload(lab, directory):
    """Return a function that reloads the process, and returns the processes that were moved."""
    moved: list[int] = []

    def reload() -> list[int]:
        lab.host(aardvark.reload, directory, [ADDRESS], moved.append)
        return moved

    return reload


def test_one_process(reload, directory):
    """The first change starts the process, which is moved; later ones only reload it."""
    aardvark.write(directory, "net", TEXT)
    assert not aardvark.is_told(directory)
    assert reload() == [aardvark.running(directory).pid]
    assert aardvark.is_told(directory)
    assert len(reload()) == 1


@pytest.mark.parametrize("text", [TEXT.replace("web", "web,other"), ""])
def test_a_change_that_was_not_told(reload, directory, text):
    """A file that was added, changed or removed without a reload is detected."""
    aardvark.write(directory, "net", TEXT)
    aardvark.write(directory, "other", TEXT)
    reload()
    os.utime(directory, ns=(0, 0))  # the clock of files has steps of milliseconds
    reload()
    aardvark.write(directory, "other", text)
    assert not aardvark.is_told(directory)


@pytest.mark.parametrize("noted", ["ours", "", "x", None])
def test_a_pid_file_of_another(reload, directory, noted):
    """A reused or invalid PID neither hides the process nor is taken for it."""
    aardvark.write(directory, "net", TEXT)
    file = Path(directory, "aardvark.pid")
    file.write_text(str(os.getpid()))
    assert aardvark.running(directory) is None
    [pid] = reload()
    if noted is None:
        file.unlink()
    else:
        file.write_text(str(os.getpid()) if noted == "ours" else noted)
    assert aardvark.running(directory).pid == pid
    assert reload() == [pid]


def test_each_directory_has_its_own(reload, directory, lab, tmp_path):
    """The process of another directory is left alone, even if the PID file has its PID."""
    aardvark.write(directory, "net", TEXT)
    [pid] = reload()
    other = str(tmp_path / "other")
    aardvark.write(other, "aardvark.pid", str(pid))
    assert aardvark.running(other) is None
    lab.host(aardvark.end, other)
    assert aardvark.running(directory).pid == pid


def test_no_address_to_listen_on(lab, directory):
    """A process that does not listen is an error within seconds."""
    aardvark.write(directory, "net", TEXT.replace(ADDRESS, "192.0.2.77"))
    with pytest.raises(CommandFailed, match=r"does not listen on port 53 of 192\.0\.2\.77"):
        lab.host(aardvark.reload, directory, ["192.0.2.77"], lambda _pid: None)
