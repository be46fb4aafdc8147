# SPDX-License-Identifier: GPL-3.0-or-later
"""A task that is killed at any instant: the next one converges, and nothing of the first is left."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from _engine.kernel.cgroup import cgroups
from _engine.kernel.process import find_by_argument
from _engine.lifecycle.core.facts import save
from _engine.lifecycle.guard.hold import hold
from _engine.lifecycle.info import info
from enginehost import eventually

#: ``make cycles`` uses more; the sweep covers every point.
INSTANTS = int(os.environ.get("SLIPWAY_INSTANTS", "5"))
#: Does the main job the given number of times, and prints what was done each time; with ``absent``, undoes it instead.
#: Kills itself when it calls the function ``fatal`` of the engine.
JOB = """
import json, os, signal, sys
from pathlib import Path
from enginehost import Host
top, runtime, image, archive, times, fatal = sys.argv[1:]
host = Host(Path(top), runtime, image)

def watch(frame, event, _argument):
    code = frame.f_code
    if event == "call" and code.co_name == fatal and "/_engine/" in code.co_filename:
        os.kill(os.getpid(), signal.SIGKILL)

print("ready", flush=True)
sys.stdin.readline()
if fatal:
    sys.setprofile(watch)
if times == "absent":
    host.bring("app", "absent", stop_time=0)
    host.volume("app-data", "absent")
    sys.exit()
for _ in range(int(times)):
    done = [*host.load(Path(archive)).actions, *host.volume("app-data").actions]
    options = {"volume": ["app-data:/data", "/etc/apt:/etc/app:ro"], "env": {"MODE": "test"}, "memory": "256m"}
    options |= {"name": "app", "image": "localhost/app:1", "network": ["host"]}
    done += host.want("started", "/bin/server", "--port", "8080", **options).actions
    print(json.dumps(done), flush=True)
"""


class Job:
    """The main job on one host, done by processes of its own."""

    def __init__(self, host, archive, python_child) -> None:
        self.host, self.archive, self.python_child = host, archive, python_child

    def begin(self, times: int | str, fatal: str = ""):
        """Start a process, and return it once it works."""
        host = self.host
        child = self.python_child(
            JOB, host.top, host.runtime, host.image, str(self.archive), str(times), fatal
        )
        assert child.stdout.readline() == "ready\n"
        child.stdin.write("go\n")
        child.stdin.flush()
        return child

    def run(self, times: int) -> list[list[str]]:
        """Do the job the given number of times; return what was done each time."""
        with self.begin(times) as child:
            lines = child.stdout.read().splitlines()
        assert child.returncode == 0
        return [json.loads(line) for line in lines]

    def measure(self) -> float:
        """Do the job once; return its seconds, without Python's startup."""
        with self.begin(1) as child:
            begin = time.monotonic()
            assert child.stdout.readline()
            return time.monotonic() - begin

    def run_and_kill(self, seconds: float) -> None:
        """Kill the process that does the job after the given seconds."""
        with self.begin(1) as child:
            time.sleep(seconds)
            child.kill()

    def die_at(self, times: int | str, fatal: str) -> None:
        """Make the process that does or undoes the job kill itself when it calls the function."""
        with self.begin(times, fatal) as child:
            child.stdout.read()
        assert child.returncode == -signal.SIGKILL

    def clear(self) -> None:
        """Remove all, including the agent, so that the next job is the first again."""
        self.host.clear(images=True)
        shutil.rmtree(self.host.layout.agent)

    def seen(self) -> dict:
        """Return what the job must have produced, however it was reached."""
        host = self.host
        with host.open(read_only=True) as engine:
            [image] = info.images(engine).result["images"]
        container = host.layout.container(host.inspect("app")["Id"])
        agent = sorted(os.listdir(host.layout.agent))
        return {
            "status": host.inspect("app")["State"]["Status"],
            "monitors": len(find_by_argument(container.conmon_pid_file)),
            "image": (image["Id"], image["RepoTags"], image["Size"]),
            "volumes": host.volumes(),
            "data": content(host.data("app-data")),
            "containers": len(os.listdir(host.layout.containers)),
            "staging": os.listdir(host.layout.staging),
            "agent": (agent[-1], len(agent)),
        }


def content(top: Path) -> dict[str, tuple]:
    """Return the content of a tree: owner, mode, size, target and text by path."""
    found = {}
    for directory, names, files in os.walk(top):
        for path in (Path(directory, name) for name in ("", *names, *files)):
            seen = path.lstat()
            text = path.read_bytes()[:100] if path.is_file() else b""
            place = str(path.relative_to(top))
            found[place] = (seen.st_mode, seen.st_uid, seen.st_gid, seen.st_nlink, path.is_symlink(), text)
    return found


@pytest.fixture
def job(empty_host, demo_image, python_child):
    """Return the job on a host that is still empty."""
    return Job(empty_host, demo_image, python_child)


def test_killed_at_random_instants(empty_host, job):
    """After a kill at any instant of the main job, the next run completes it, and absent leaves nothing."""
    seed = int(os.environ.get("SLIPWAY_SEED", random.randrange(10**6)))
    print(f"SLIPWAY_SEED={seed}")  # noqa: T201  (pytest shows it when the test fails)
    chance = random.Random(seed)
    before = empty_host.leftovers()
    duration = job.measure()
    wanted = job.seen()
    assert wanted["data"]["table.db"][1:3] == (999, 998)
    job.clear()
    for part in range(INSTANTS):
        instant = (part + chance.random()) / INSTANTS * duration
        print(f"killed after {instant:.4f} of {duration:.4f} s")  # noqa: T201
        job.run_and_kill(instant)
        _mended, again = job.run(2)
        assert (again, job.seen()) == ([], wanted)
        job.clear()
        eventually(lambda: empty_host.leftovers() == before, "as before the job", timeout=15.0)


#: Functions that are called when something was created or removed that is not in the record yet.
WHILE_MAKING = (
    "_publish save_image _make_data prepare_directories mount_shm make_upper populate place mark"
    " write_bundle _wait_first _pid started _link"
).split()
WHILE_REMOVING = "_wait release throw_away remove_tree _delete_row _finish_removal sweep".split()


@pytest.mark.parametrize("runtime", ["runc"], indirect=True)
def test_killed_between_two_steps(empty_host, job):
    """The same for the moments between two steps, which random kills rarely hit."""
    before = empty_host.leftovers()
    job.run(1)
    wanted = job.seen()
    job.clear()
    for function in WHILE_MAKING:
        job.die_at(1, function)
        _mended, again = job.run(2)
        assert (function, again, job.seen()) == (function, [], wanted)
        job.clear()
        eventually(lambda: empty_host.leftovers() == before, f"as before, after {function}", timeout=15.0)


def test_adopted(empty_host, job):
    """A container that was running when its start was killed keeps running: the next task adopts it."""
    job.die_at(1, "started")
    process = empty_host.record("app").process
    assert job.run(2)[1] == []
    state = empty_host.inspect("app")["State"]
    assert (state["Status"], state["Pid"]) == ("running", process.pid)
    assert find_by_argument(empty_host.layout.container(empty_host.record("app").id).conmon_pid_file)


#: Seconds after the kill of a start, while conmon and the runtime still work on it.
MEANWHILE = (0.0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.08)


def test_mended_while_the_runtime_still_creates(empty_host, job):
    """A start killed while the runtime creates the container is undone, and the next one runs alone."""
    before = empty_host.leftovers()
    job.run(1)
    for pause in MEANWHILE:
        empty_host.bring("app", "absent", stop_time=0)
        job.die_at(1, "_wait_first")
        time.sleep(pause)
        empty_host.bring("app", "started")
        container = empty_host.layout.container(empty_host.record("app").id)
        assert empty_host.inspect("app")["State"]["Status"] == "running"
        assert len(find_by_argument(container.conmon_pid_file)) == 1
        cgroup = empty_host.layout.cgroup(container.id)
        assert empty_host.inspect("app")["State"]["Pid"] in cgroups.processes(cgroup)
    job.clear()
    eventually(lambda: empty_host.leftovers() == before, "as before the job", timeout=15.0)


@pytest.mark.parametrize("runtime", ["runc"], indirect=True)
def test_volume_without_its_directory(empty_host, job):
    """A volume's task killed before creating the directory is completed by the next, without a container."""
    job.die_at(1, "_make_data")
    assert not empty_host.data("app-data").exists()
    assert empty_host.volume("app-data").actions == ()
    assert empty_host.data("app-data").is_dir()


def left_of(host) -> list[str]:
    """Return what is left of containers and volumes."""
    layout = host.layout
    places = (layout.containers, layout.run_containers, layout.volumes, layout.staging)
    names = [name for place in places for name in os.listdir(place)]
    return [*host.mounts(), *host.processes(), *host.cgroups(), *host.volumes(), *names]


@pytest.mark.parametrize("runtime", ["runc"], indirect=True)
def test_killed_while_removing(empty_host, job):
    """A removal killed between two steps is completed by the next one; everything else stays."""
    job.run(1)
    for function in WHILE_REMOVING:
        job.die_at("absent", function)
        job.run("absent")
        assert empty_host.record("app") is None
        # conmon and the agent that it called may be about to exit.
        eventually(lambda: not left_of(empty_host), f"nothing is left, after {function}", timeout=15.0)
        assert job.run(1)[0] == ["created volume app-data", "created app", "started app"]


def test_the_agent_leaves_a_removal_to_who_goes_on_with_it(host, agent):
    """The agent that runs after a killed replacement keeps its mark, so that the next task continues."""
    old = host.start("sleep", "1000", stop_timeout=0)["Id"]
    host.bring("box", "stopped", stop_time=0)
    eventually(lambda: not host.processes(), "the agent has been there once")
    with host.open() as engine, hold(engine, old, "test") as record:
        save(engine, record, status="removing", intent="remove")
    subprocess.run([*agent, old], check=True)
    assert host.record().intent == "remove"
    assert host.start("sleep", "1000", stop_timeout=0, env={"NEW": "1"})["Id"] != old
    assert os.listdir(host.layout.containers) == [host.record().id]


def test_a_lock_that_a_killed_removal_left_goes(host):
    """A removal killed at its very end leaves an orphaned lock file: the next removal deletes it."""
    stray = host.layout.lock("container", "f" * 64)
    Path(stray).touch()
    assert host.bring("box", "absent").actions == ()
    assert not os.path.exists(stray)
