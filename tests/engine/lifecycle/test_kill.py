# SPDX-License-Identifier: GPL-3.0-or-later
"""A task that is killed at any instant: the next one converges, and nothing of the first is left."""

from __future__ import annotations

import json
import os
import random
import shutil
import time
from pathlib import Path

from _engine.kernel.process import find_by_argument
from _engine.lifecycle import info
from enginehost import eventually

INSTANTS = 20
#: Does the main job as often as told, and prints what was done each time.
JOB = """
import json, sys
from pathlib import Path
from enginehost import Host
top, runtime, image, archive, times = sys.argv[1:]
host = Host(Path(top), runtime, image)
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(times)):
    done = [*host.load(Path(archive)).actions, *host.volume("app-data").actions]
    options = {"volume": ["app-data:/data", "/etc/apt:/etc/app:ro"], "env": {"MODE": "test"}, "network": ["host"], "memory": "256m"}
    done += host.want("started", "/bin/server", "--port", "8080", name="app", image="localhost/app:1", **options).actions
    print(json.dumps(done), flush=True)
"""


class Job:
    """The main job on one host, done by processes of its own."""

    def __init__(self, host, archive, python_child) -> None:
        self.host, self.archive, self.python_child = host, archive, python_child

    def begin(self, times: int):
        """Start a process and return it as it begins to work."""
        host = self.host
        child = self.python_child(JOB, host.top, host.runtime, host.image, str(self.archive), str(times))
        assert child.stdout.readline() == "ready\n"
        child.stdin.write("go\n")
        child.stdin.flush()
        return child

    def run(self, times: int) -> list[list[str]]:
        """Do the job to its end, as often as told; returns what was done each time."""
        with self.begin(times) as child:
            lines = child.stdout.read().splitlines()
        assert child.returncode == 0
        return [json.loads(line) for line in lines]

    def measure(self) -> float:
        """Do the job once; returns the seconds it takes, without those in which Python starts."""
        with self.begin(1) as child:
            begin = time.monotonic()
            assert child.stdout.readline()
            return time.monotonic() - begin

    def run_and_kill(self, seconds: float) -> None:
        """Kill the process that does the job after so many seconds."""
        with self.begin(1) as child:
            time.sleep(seconds)
            child.kill()

    def clear(self) -> None:
        """Remove all, the agent too, so that the next job is the first again."""
        self.host.clear(images=True)
        shutil.rmtree(self.host.layout.agent)

    def seen(self) -> dict:
        """Return what the job must have led to, however it came about."""
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
    """Return all of a tree: owner, mode, size, target and text by path."""
    found = {}
    for directory, names, files in os.walk(top):
        for path in (Path(directory, name) for name in ("", *names, *files)):
            seen = path.lstat()
            text = path.read_bytes()[:100] if path.is_file() else b""
            place = str(path.relative_to(top))
            found[place] = (seen.st_mode, seen.st_uid, seen.st_gid, seen.st_nlink, path.is_symlink(), text)
    return found


def test_killed_at_random_instants(empty_host, demo_image, python_child):
    """After a kill at any instant of the main job, the same job ends as if nothing had been, and absent leaves nothing."""
    seed = int(os.environ.get("SLIPWAY_SEED", random.randrange(10**6)))
    print(f"SLIPWAY_SEED={seed}")  # noqa: T201  (pytest shows it when the test fails)
    chance = random.Random(seed)
    job = Job(empty_host, demo_image, python_child)
    before = empty_host.leftovers()
    duration = job.measure()
    wanted = job.seen()
    assert wanted["data"]["table.db"][1:3] == (999, 998)
    job.clear()
    for part in range(INSTANTS):
        instant = (part + chance.random()) / INSTANTS * duration
        print(f"killed after {instant:.4f} of {duration:.4f} s")  # noqa: T201
        job.run_and_kill(instant)
        _repaired, again = job.run(2)
        assert again == []
        assert job.seen() == wanted
        job.clear()
        eventually(lambda: empty_host.leftovers() == before, "as before the job", timeout=15.0)
