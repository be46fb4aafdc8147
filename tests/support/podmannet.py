# SPDX-License-Identifier: GPL-3.0-or-later
"""A podman with netavark on a host of a lab: its files, its mounts and its network are its own, and end with it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from _engine.kernel.cgroup import cgroups
from netlab import Lab

CGROUP = f"/slipway-podman-net-{os.getpid()}"  # each worker of the tests has its own
#: Podman would raise limits, which not every host allows.
COMMON = f"--ulimit nofile=64:64 --ulimit nproc=64:64 --cgroup-parent {CGROUP}".split()


class PodmanHost:
    """Podman on the host of a lab, below one short directory; ``holder`` is a process in its namespaces."""

    def __init__(self, lab: Lab, top: Path, holder: int, driver: str) -> None:
        self.lab, self.top, self.holder, self.driver = lab, top, holder, driver
        self.variables = {"CONTAINERS_CONF": f"{top}/c.conf"}

    def words(self, *words: str) -> list[str]:
        """Return the command that runs podman with these words; it needs ``variables`` in its environment."""
        argv = ["nsenter", f"--target={self.holder}", "--net", "--mount", "podman"]
        argv += [f"--root={self.top}/r", f"--runroot={self.top}/o", f"--tmpdir={self.top}/t"]
        argv += [f"--storage-driver={self.driver}", "--cgroup-manager=cgroupfs", "--events-backend=none"]
        return [*argv, "--runtime=runc", *words]

    def run(self, *words: str, check: bool = True) -> str:
        """Run podman with these words, and return what it says."""
        done = subprocess.run(
            self.words(*words),
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, **self.variables},
            timeout=600,
            cwd="/",
        )
        assert done.returncode == 0 or not check, done.stderr
        return done.stdout.strip()

    def start(self, name: str, words: list[str], image: str, *command: str) -> dict[str, Any]:
        """Start a container, and tell it."""
        self.run("run", "--detach", "--name", name, *words, *COMMON, image, *command)
        return self.inspect(name)

    def inspect(self, name: str, kind: str = "container") -> dict[str, Any]:
        """Return what podman tells."""
        (found,) = json.loads(self.run(kind, "inspect", name))
        return dict(found)

    def clear(self) -> None:
        """Remove all containers and all networks."""
        self.run("rm", "--all", "--force", "--time", "0")
        self.run("network", "prune", "--force")


@contextmanager
def opened(lab: Lab, top: Path, archive: Path, driver: str = "vfs") -> Iterator[PodmanHost]:
    """Give a podman that has the image of an archive; nothing of it is left."""
    (top / "c.conf").write_text(
        f'[network]\nnetwork_backend = "netavark"\nnetwork_config_dir = "{top}/n"\n[engine]\n'
    )
    enter = ["nsenter", f"--net={lab.path('host')}", "unshare", "--mount", "--propagation", "private"]
    # Whatever its other directories are, leases, names and namespaces are there.
    hide = "; ".join(
        f"mkdir -p {path}; mount -t tmpfs none {path}" for path in ("/run/containers", "/run/netns")
    )
    held = f"{hide}; echo; exec sleep 1000000"
    with subprocess.Popen([*enter, "sh", "-c", held], stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout is not None
            holder.stdout.readline()
            podman = PodmanHost(lab, top, holder.pid, driver)
            podman.run("load", "--input", str(archive))
            try:
                yield podman
            finally:
                podman.clear()
        finally:
            holder.kill()
            cgroups.remove(CGROUP)
