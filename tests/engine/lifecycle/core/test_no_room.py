# SPDX-License-Identifier: GPL-3.0-or-later
"""A container's writable space is limited, and a container can be stopped on a disk that can't be written."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from _engine.agent.install import exit_command
from _engine.errors import EngineError, StateReadOnly
from _engine.kernel import mountinfo, mounts
from _engine.kernel.process import Process
from _engine.lifecycle.converge.container import converge
from _engine.lifecycle.converge.request import Request
from _engine.lifecycle.core.emergency import ended
from _engine.lifecycle.exec.exec import execute
from _engine.model.container.execution import ExecSpec
from dockerarchive import write_archive
from enginehost import Host, eventually
from hybrid import without_hybrid

NAMES = ("stopped", "killed", "removed", "died", "left")
FOREVER = ("sleep", "1000")


def fill(directory: str) -> None:
    """Leave not one free byte."""
    with open(f"{directory}/filled", "wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            with suppress(OSError):
                while file.write(bytes(size)):
                    pass


def use_up_inodes(directory: str) -> None:
    """Leave not one free inode."""
    os.mkdir(f"{directory}/filled")
    with suppress(OSError):
        for number in range(1_000_000):
            os.close(os.open(f"{directory}/filled/{number}", os.O_CREAT | os.O_WRONLY))


def forbid(directory: str) -> None:
    """Make the file system read-only, as after a disk error."""
    if remount(directory, "ro"):
        return
    # A file is open for writing there (a log): so a second mount hides the first.
    subprocess.run(["mount", "--rbind", directory, directory], check=True)
    subprocess.run(["mount", "--make-rprivate", directory], check=True)
    assert remount(directory, "ro")


def remount(directory: str, how: str) -> bool:
    """Change the mount, if the kernel permits it."""
    words = ["mount", "-o", f"remount,bind,{how}", directory]
    return subprocess.run(words, check=False, capture_output=True).returncode == 0


def allow(directory: str) -> None:
    """Undo any of these."""
    if len([entry for entry in mountinfo.read() if entry.target == directory]) > 1:
        subprocess.run(["umount", "--recursive", "--lazy", directory], check=True)
    remount(directory, "rw")
    subprocess.run(["rm", "-rf", f"{directory}/filled"], check=True)


@contextmanager
def small_host(tmp_path: Path, runtime: str, layer: bytes):
    """Yield an engine whose root and run root are small file systems."""
    host = Host(tmp_path, runtime, "localhost/box:1")
    for place in (host.layout.root, host.layout.run_root):
        os.mkdir(place)
        mounts.tmpfs(place, size=24 << 20, mode=0o700, options=("nr_inodes=3000",))
    try:
        with without_hybrid(host.layout.cgroup_parent):
            host.load(write_archive(tmp_path / "box.tar", host.image, [layer]))
            yield host
            host.clear()
    finally:
        for place in (host.layout.root, host.layout.run_root):
            subprocess.run(["umount", "--recursive", place], check=True)


def slipway(host: Host, *words: str) -> str:
    """Run the program, which must succeed, and return its standard error."""
    done = subprocess.run(
        [host.layout.agent_program, *words], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def runs(process) -> bool:
    """Return whether the process is alive."""
    return Process(*process).alive()


CASES = [
    ("crun", fill, ("root", "run_root"), True),
    ("runc", use_up_inodes, ("root", "run_root"), True),
    ("crun", forbid, ("run_root",), True),
    ("runc", forbid, ("root", "run_root"), False),
]


@pytest.mark.parametrize(("runtime", "spoil", "where", "records"), CASES, indirect=["runtime"])
def test_what_runs_can_be_ended_whatever_the_disk(runtime, spoil, where, records, busybox, tmp_path):
    """Stop, kill, remove and cleanup need no space and no write permission; later, all is in order."""
    with small_host(tmp_path, runtime, busybox) as host:
        for name in NAMES:
            host.start(*FOREVER, name=name, stop_timeout=0)
        process = {name: host.record(name).process for name in NAMES}
        merged = {name: host.layout.container(host.record(name).id).merged for name in NAMES}
        places = [getattr(host.layout, one) for one in where]
        for place in places:
            spoil(place)
        try:
            said = slipway(host, "stop", "stopped")
            assert bool(said) == (not records), said
            slipway(host, "kill", "killed")
            if records:
                slipway(host, "rm", "-f", "removed")
                assert host.inspect("removed") == {}
            else:
                refuses_removal(host, "left")
                assert runs(process["left"])
            Process(*process["died"]).signal(9)
            for name in ("stopped", "killed", "died"):
                eventually(lambda name=name: not runs(process[name]), f"{name} is gone")
                eventually(
                    lambda name=name: mountinfo.at(merged[name]) is None or not records, f"{name} is clean"
                )
                assert host.inspect(name)["State"]["Status"] in ("exited", "stopped")
            assert host.inspect("left")["State"]["Running"]
        finally:
            for place in places:
                allow(place)
        for name in NAMES:
            host.bring(name, "absent")
        assert not any(map(runs, process.values()))
        assert [line for line in host.mounts() if "/containers/" in line] == []
        for place in (host.layout.containers, host.layout.run_containers, host.layout.exits):
            assert os.listdir(place) == []


def refuses_removal(host: Host, name: str) -> None:
    """Check that program and module refuse a removal from a read-only root, and say that a stop works."""
    words = [host.layout.agent_program, "rm", "--force", name]
    done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (125, "")
    assert f"slipway stop {name}" in done.stderr
    request = Request(name, "absent")
    with pytest.raises(StateReadOnly, match=f"container {name} was not removed"):
        ended(host.open, host.layout, lambda engine: converge(engine, request, exit_command), removes=True)


def test_a_full_disk_takes_no_result_from_exec(runtime, busybox, tmp_path):
    """A command that filled the disk returns its code and output, though its exit can't be recorded."""
    with small_host(tmp_path, runtime, busybox) as host:
        host.start(*FOREVER, stop_timeout=0)
        with host.open() as engine:
            spec = ExecSpec.parse({"argv": ["sh", "-c", "echo hi; cat /dev/zero >/fill; exit 3"]})
            done = execute(engine, "box", spec, timeout=60)[1]
        assert (done.code, done.stdout) == (3, b"hi\n")
        assert slipway(host, "rm", "-f", "box") == ""


def test_a_start_that_the_run_root_does_not_take(runtime, busybox, tmp_path):
    """A running container is not replaced then; a new one that can't be started is reported as created."""
    with small_host(tmp_path, runtime, busybox) as host:
        before = host.start(*FOREVER, stop_timeout=0)["Id"], host.record().process
        for spoil in (fill, use_up_inodes, forbid):
            spoil(host.layout.run_root)
            try:
                with pytest.raises(EngineError, match="box is unchanged"):
                    host.want("started", *FOREVER, env={"A": "1"}, stop_timeout=0)
                assert (host.record().id, host.record().process) == before
                assert runs(before[1])
                if spoil is forbid:
                    with pytest.raises(EngineError, match="Read-only file system") as caught:
                        host.want("started", *FOREVER, name="new")
                    assert caught.value.fields["actions"] == ["created new"]
                    assert caught.value.fields["changed"]
            finally:
                allow(host.layout.run_root)


def test_what_a_container_writes_to_its_own_files_is_bounded(host):
    """The engine's files that a container may write to are on a small file system of their own."""
    host.start(*FOREVER, stop_timeout=0)
    script = "for f in hosts resolv.conf hostname; do cat /dev/zero >>/etc/$f; done; cat /dev/zero >>/run/.containerenv"
    with host.open() as engine:
        execute(engine, "box", ExecSpec.parse({"argv": ["sh", "-c", script]}), timeout=60)
    files = host.layout.container(host.record().id).files
    assert sum(entry.stat().st_size for entry in os.scandir(files)) <= 4 << 20
    assert mountinfo.at(files).fstype == "tmpfs"
    host.bring("box", "stopped")
    assert mountinfo.at(files) is None
