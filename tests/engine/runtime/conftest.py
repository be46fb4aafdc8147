# SPDX-License-Identifier: GPL-3.0-or-later
"""Real containers with conmon and crun or runc, from a busybox root; leftovers of a test are an error."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from _engine.kernel import mountinfo
from _engine.kernel.cgroup import cgroups
from _engine.kernel.process import find_by_argument
from _engine.model.container.spec import ContainerSpec
from _engine.model.engine.layout import Layout
from _engine.runtime import conmon, exits, host, logs, oci
from _engine.runtime.config import build, users
from hybrid import without_hybrid

BUSYBOX = "/bin/busybox"
APPLETS = "sh cat echo sleep ls id env mount true false kill tail tty grep head hostname mkdir touch chown ping".split()


@pytest.fixture(scope="session")
def busybox_root(need, tmp_path_factory) -> Path:
    """Return a root file system with a static busybox, a user ``app`` and a group ``extra``."""
    need(os.path.exists(BUSYBOX), "busybox-static")
    root = tmp_path_factory.mktemp("busybox") / "root"
    for name in "bin etc proc sys dev tmp run var/tmp home/app".split():
        (root / name).mkdir(parents=True)
    shutil.copy(BUSYBOX, root / "bin/busybox")
    for name in APPLETS:
        (root / "bin" / name).symlink_to("busybox")
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\napp:x:1000:\nextra:x:2000:app\n")
    return root


class Podman:
    """A podman with all of its state in a directory of its own."""

    def __init__(self, top: Path, root: Path) -> None:
        self.top = top
        self.root = root
        self.base = ["podman", f"--root={top}/r", f"--runroot={top}/o", f"--tmpdir={top}/t", "--runtime=runc"]
        self.base += ["--cgroup-manager=cgroupfs", "--storage-driver=vfs", "--events-backend=none"]

    def run(self, *arguments, cwd: str | None = None):
        """Run podman with these arguments."""
        return subprocess.run(
            [*self.base, *arguments], check=False, capture_output=True, text=True, timeout=60, cwd=cwd
        )

    def create(self, words):
        """Create the container; podman may refuse it."""
        network = [] if "--network" in words else ["--network", "none"]
        return self.run(
            "create", "--name", "one", *network, *words, "--rootfs", str(self.root), "sleep", "1", cwd="/"
        )

    def make(self, words):
        """Return the config.json for these options."""
        made = self.create(words)
        assert made.returncode == 0, made.stderr
        # The start may fail (this host's rlimits), but config.json is written before.
        self.run("init", "one")
        (path,) = self.top.glob("r/*-containers/*/userdata/config.json")
        config = json.loads(path.read_text())
        self.remove()
        return config

    def remove(self) -> None:
        """Remove the container, if it exists, and its volumes."""
        assert self.run("rm", "--force", "--ignore", "one").returncode == 0
        self.run("volume", "prune", "--force")


@pytest.fixture(scope="module")
def podman(need, tmp_path_factory, busybox_root) -> Iterator[Podman]:
    """Yield a podman that writes config.json, with its state in a temporary directory."""
    need(os.geteuid() == 0 and shutil.which("podman") and shutil.which("runc"), "root, podman and runc")
    version = subprocess.run(["podman", "--version"], check=True, capture_output=True, text=True).stdout
    known = "version 4." in version and cgroups.version() != "v2"
    need(known, "podman 4 and cgroups v1, whose rules are known to be these")
    # Container paths in podman's directory must be short, because they contain sockets.
    made = Podman(tmp_path_factory.mktemp("p"), busybox_root)
    yield made
    made.run("rm", "--force", "--all")
    for path in made.top.glob("r/*-containers/*/userdata/shm"):
        subprocess.run(["umount", path], check=False)


class Box:
    """One engine's directories, and the containers that a test creates there."""

    def __init__(self, top: Path, root: Path, runtime: str) -> None:
        self.layout = Layout(str(top / "root"), str(top / "run"))
        self.runtime = oci.find_runtime(runtime, root=self.layout.runtime_root)
        self.root = str(root)
        self.cgroup = f"/slipway-test-{secrets.token_hex(4)}"
        self.containers = []

    def prepare(self, *command: str, exit_command: tuple[str, ...] = (), **options) -> conmon.ConmonLaunch:
        """Write a bundle; return the launch for ``conmon.create``."""
        raw = {
            "name": "box",
            "image": self.root,
            "rootfs": True,
            "network": ["none"],
            "command": list(command),
        }
        spec = ContainerSpec.parse({**raw, **options})
        container = self.layout.container(secrets.token_hex(32))
        self.containers.append(container)
        for path in (container.bundle, container.shm, self.layout.exits):
            os.makedirs(path, exist_ok=True)
        etc = Path(self.root, "etc")
        passwd, group = (etc / "passwd").read_text(), (etc / "group").read_text()
        request = build.BundleRequest(
            id=container.id,
            spec=spec,
            image=None,
            rootfs=self.root,
            user=users.resolve(spec.user, spec.group_add or (), passwd=passwd, group=group),
            hostname=spec.hostname or container.id[:12],
            cgroup_path=f"{self.cgroup}/{container.id}",
            host=host.facts(spec),
            shm=container.shm,
        )
        Path(container.bundle, "config.json").write_text(json.dumps(build.build(request)))
        return conmon.ConmonLaunch(
            conmon=conmon.find_conmon(),
            runtime=self.runtime,
            container=container,
            name="box",
            exit_command=exit_command,
            tty=spec.tty,
            interactive=spec.interactive,
        )

    def start(self, *command: str, **options):
        """Create and start; return the launch and conmon's result."""
        launch = self.prepare(*command, **options)
        started = conmon.create(launch)
        self.runtime.start(launch.container.id)
        return launch, started

    def run(self, *command: str, **options):
        """Run to the end; returns exit, stdout and stderr."""
        launch, started = self.start(*command, **options)
        found = exits.wait_for_exit(launch.container, 20, monitor=started.monitor)
        return found, *logs.streams(launch.container.log)

    def close(self) -> None:
        """Kill what still runs, and remove the runtime's state."""
        for container in self.containers:
            for process in find_by_argument(container.conmon_pid_file):
                if self.runtime.state(container.id) is not None:
                    self.runtime.kill(container.id, 9, everything=True)
                process.wait_gone(5)
            self.runtime.delete(container.id, force=True)
            cgroups.remove(f"{self.cgroup}/{container.id}")
        cgroups.remove(self.cgroup)

    def leftovers(self) -> list[str]:
        """Return the names of all remaining processes, cgroups and mounts."""
        found = [f"mount {entry.target}" for entry in mountinfo.below(self.layout.root)]
        found += [f"cgroup {self.cgroup}"] if cgroups.exists(self.cgroup) else []
        for container in self.containers:
            found += [f"conmon {process.pid}" for process in find_by_argument(container.conmon_pid_file)]
            found += (
                [f"runtime's {container.id}"] if os.path.exists(f"{self.runtime.root}/{container.id}") else []
            )
        return found


@pytest.fixture(params=["runc", "crun"])
def box(request, need, busybox_root, tmp_path):
    """Return a Box for each runtime, and check at the end that nothing is left."""
    need(os.geteuid() == 0, "root")
    need(shutil.which("conmon"), "conmon")
    need(shutil.which(request.param), request.param)
    one = Box(tmp_path, busybox_root, request.param)
    with without_hybrid(one.cgroup):
        yield one
        one.close()
        assert one.leftovers() == []
