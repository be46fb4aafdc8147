# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine on the real kernel, with crun and with runc; what a test leaves behind is an error."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest
from oneruntime import deselect
from podmaninspect import CGROUP, Podman, docker_archive

from _engine.kernel.files import make_private
from dockerarchive import busybox_layer, write_archive
from enginehost import Host, eventually
from hybrid import without_hybrid

IMAGE = "localhost/box:1"


def pytest_collection_modifyitems(config, items) -> None:
    """Skip one of the runtimes if requested."""
    deselect(config, items, Path(__file__).parent)


@pytest.fixture(scope="session")
def busybox(need) -> bytes:
    """Return a layer with a static busybox."""
    found = shutil.which("busybox")
    need(found and not _libraries(found), "busybox, linked statically")
    return busybox_layer(found)


def _libraries(program: str) -> bool:
    told = subprocess.run(["ldd", program], check=False, capture_output=True, text=True)
    return told.returncode == 0 and "=>" in told.stdout


@pytest.fixture(scope="session")
def podman(need, tmp_path_factory):
    """Return a separate podman that has the image; it leaves nothing behind."""
    from _engine.kernel.cgroup import cgroups

    runtime = shutil.which("runc") or shutil.which("crun")
    need(os.geteuid() == 0 and shutil.which("podman") and runtime, "root, podman and an OCI runtime")
    need(shutil.which("busybox"), "busybox, linked statically")
    # Podman's sockets are below it, so the path must be short.
    podman = Podman(tmp_path_factory.mktemp("p"), runtime)
    archive = podman.top / "image.tar"
    archive.write_bytes(docker_archive())
    podman.run("load", "--input", str(archive))
    yield podman
    podman.run("rm", "--all", "--force", "--time", "0", "--volumes", check=False)
    cgroups.remove(CGROUP)


@pytest.fixture(scope="session")
def demo_image(tree, tmp_path_factory):
    """Return the archive of the demo's image, ``localhost/app:1``."""
    archive = tmp_path_factory.mktemp("demo") / "app.tar"
    subprocess.run(["bash", str(tree / "tests/demo/image"), str(archive)], check=True)
    return archive


@pytest.fixture(scope="session")
def hosts(busybox, tmp_path_factory):
    """Return the function that returns a runtime's engine, which has the image ``localhost/box:1``."""
    made = {}

    def host(runtime: str) -> Host:
        if runtime not in made:
            made[runtime] = Host(tmp_path_factory.mktemp(runtime), runtime, IMAGE)
            made[runtime].load(write_archive(tmp_path_factory.mktemp("box") / "box.tar", IMAGE, [busybox]))
            for name in ("partial", "sha256"):  # created by the first pull
                make_private(f"{made[runtime].layout.blobs}/{name}")
        return made[runtime]

    return host


@pytest.fixture(params=["runc", "crun"])
def runtime(request, need) -> str:
    """Return each runtime's name."""
    need(os.geteuid() == 0, "root")
    need(shutil.which("conmon"), "conmon")
    need(shutil.which(request.param), request.param)
    return request.param


@pytest.fixture
def host(runtime, hosts):
    """Return an engine for each runtime, and check that the test's containers and volumes leave nothing."""
    yield from kept_clean(hosts(runtime))


@pytest.fixture
def empty_host(runtime, tmp_path):
    """Return an empty engine, and check that the test leaves nothing, including images."""
    host = Host(tmp_path, runtime, IMAGE)
    with host.open():
        pass
    yield from kept_clean(host, images=True)


@pytest.fixture
def passable_host(runtime, busybox):
    """Return an engine whose directories a user namespace's root can traverse, unlike those of pytest."""
    top = Path(tempfile.mkdtemp(prefix="slipway-userns-"))
    top.chmod(0o711)
    try:
        host = Host(top / "engine", runtime, IMAGE)
        top.joinpath("engine").mkdir(mode=0o711)
        host.load(write_archive(top / "box.tar", host.image, [busybox]))
        yield from kept_clean(host)
    finally:
        shutil.rmtree(top)


def kept_clean(host: Host, *, images: bool = False):
    """Yield the host, then remove all by ``absent``, and check that nothing is left."""
    with without_hybrid(host.layout.cgroup_parent):
        before = host.leftovers()
        yield host
        host.clear(images=images)
        # The agent, which conmon calls at each exit, may still be running.
        try:
            eventually(lambda: host.leftovers() == before, "as before", timeout=15.0)
        except AssertionError:
            assert sorted(set(host.leftovers()) - set(before)) == []
            assert sorted(set(before) - set(host.leftovers())) == []


@pytest.fixture(scope="session")
def keep_clean():
    """Return ``kept_clean``, for a host that a test creates itself."""
    return kept_clean


@pytest.fixture
def built(host):
    """Return the function that builds an image, which is removed with the test."""
    from _engine.lifecycle.image.remove import remove_image

    names = []

    def build(name: str, *layers: bytes, **config: object) -> str:
        names.append(name)
        return host.build(name, *layers, **config)

    yield build
    host.clear()
    with host.open() as engine:
        for name in names:
            remove_image(engine, name)


@pytest.fixture
def python_child(tree):
    """Return the function that runs a script that uses an engine with this Python; it ends with the test."""
    path = os.pathsep.join(str(tree / part) for part in ("plugins/module_utils", "tests/support"))
    with ExitStack() as children:

        def child(script: str, *arguments: str) -> subprocess.Popen:
            process = subprocess.Popen(
                [sys.executable, "-c", script, *arguments],
                env={**os.environ, "PYTHONPATH": path},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            children.enter_context(process)
            children.callback(process.kill)
            return process

        yield child


@pytest.fixture
def agent(host):
    """Return the command that cleans up after a container, as conmon calls it."""
    from _engine.agent.install import exit_command

    with host.open() as engine:
        return exit_command(engine, keep=False)
