# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure create and start of a container against nothing but conmon and the OCI runtime, and the start of the agent."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from _engine.agent.install import exit_command
from _engine.kernel.process import Process
from _engine.lifecycle.converge.container import converge
from _engine.lifecycle.converge.request import Request
from _engine.lifecycle.core.engine import Engine
from _engine.lifecycle.core.outcome import Outcome
from _engine.lifecycle.host.opening import open_engine
from _engine.lifecycle.image.load import load
from _engine.model.container.spec import ContainerSpec
from _engine.model.engine.layout import ContainerLayout, Layout
from _engine.rootfs import engine_files, overlay, shm
from _engine.runtime.conmon import find_conmon
from _engine.runtime.oci import OciRuntime, find_runtime
from figure import Figure, medians, seconds_of
from place import Place, undisturbed

IMAGE = "localhost/app:1"
_GONE = 30.0


@dataclass(frozen=True)
class Host:
    """An engine with the demo's image in it."""

    layout: Layout

    def spec(self, name: str) -> ContainerSpec:
        """Return the spec of a container that does nothing."""
        return ContainerSpec.parse(
            {"name": name, "image": IMAGE, "command": ["/bin/sleep", "1000"], "network": ["host"]}
        )

    @contextmanager
    def open(self) -> Iterator[Engine]:
        """Open the engine anew, as each task does."""
        with open_engine(self.layout.root, self.layout.run_root) as engine:
            yield engine

    def bring(self, name: str, state: str) -> Outcome:
        """Converge a container to the state, without waiting for it to end by itself."""
        spec = self.spec(name) if state == "started" else None
        with self.open() as engine:
            request = Request(name, state, spec, stop_time=0, delete_volumes=True)
            return converge(engine, request, exit_command)


@contextmanager
def host(place: Place) -> Iterator[Host]:
    """Yield an engine that has the image; all its containers go at the end."""
    made = Host(Layout(f"{place.disk}/root", f"{place.run}/run"))
    archive = f"{place.disk}/app.tar"
    subprocess.run(["bash", "tests/demo/image", archive], check=True)
    with made.open() as engine:
        load(engine, archive)
    try:
        yield made
    finally:
        with undisturbed():
            _remove_all(made)


def _remove_all(host: Host) -> None:
    with host.open() as engine, engine.database.reading() as connection:
        names = [row["name"] for row in connection.execute("SELECT name FROM containers")]
    for name in names:
        host.bring(name, "absent")


# -- create and start ----------------------------------------------------------------------------


def measure_start(host: Host, rounds: int) -> tuple[list[Figure], str]:
    """Return the figures, and in words how our time goes by step."""
    with bare_container(host) as bare:
        samples = [(*_start_ours(host), _start_bare(bare)) for _round in range(rounds + 1)][1:]
    figures, steps = zip(*(((whole, inner, peer), steps) for whole, inner, steps, peer in samples))
    whole, inner, peer = medians(figures)
    name = bare.runtime.name
    told = [
        Figure(f"create + start, {name}", inner, f"conmon + {name} in a bare loop", peer, rounds, 1.1),
        Figure("  with opening and closing the engine", whole, "the same", peer, rounds),
    ]
    return told, _by_step(steps)


def _by_step(samples: tuple[dict[str, float], ...]) -> str:
    names = list(samples[0])
    middle = medians([[sample[name] for name in names] for sample in samples])
    steps = ", ".join(f"{name} {seconds * 1000:.1f}" for name, seconds in zip(names, middle))
    return f"create + start by step, ms: {steps}"


def _start_ours(host: Host) -> tuple[float, float, dict[str, float]]:
    """Start a container that was not there, and remove it; seconds with and without opening the engine, and by step."""
    request = Request("ours", "started", host.spec("ours"))
    begin = time.perf_counter()
    with host.open() as engine:
        opened = time.perf_counter()
        outcome = converge(engine, request, exit_command)
        done = time.perf_counter()
        steps = dict(engine.timings.seconds)
    whole = time.perf_counter() - begin
    monitor = Process.of(outcome.result["container"]["State"]["ConmonPid"])
    host.bring("ours", "absent")
    # conmon becomes the agent when the container has ended, and would disturb the next run.
    wait_gone(monitor)
    return whole, done - opened, steps


@dataclass(frozen=True)
class Bare:
    """A container whose bundle the engine has made, to be started without the engine."""

    runtime: OciRuntime
    conmon: str
    container: ContainerLayout
    lowers: tuple[str, ...]
    files: dict[str, bytes]

    def mount(self) -> None:
        """Mount what the engine mounts for the same container, with the files that it writes there."""
        overlay.mount(self.container, self.lowers)
        shm.mount_shm(self.container, 64 * 1024 * 1024)
        engine_files.mount(self.container)
        for name, content in self.files.items():
            with open(os.path.join(self.container.files, name), "xb") as file:
                file.write(content)

    def unmount(self) -> None:
        """Unmount it; what is not mounted is fine."""
        overlay.unmount(self.container)
        shm.unmount_shm(self.container)
        engine_files.unmount(self.container)


@contextmanager
def bare_container(host: Host) -> Iterator[Bare]:
    """Let the engine make a bundle, and give it to the bare loop with the same programs and the same directories."""
    shape = host.bring("bare", "started").result["container"]
    container = host.layout.container(shape["Id"])
    files = {entry.name: Path(entry).read_bytes() for entry in os.scandir(container.files)}
    monitor = Process.of(shape["State"]["ConmonPid"])
    host.bring("bare", "stopped")
    wait_gone(monitor)
    lowers = tuple(shape["GraphDriver"]["Data"]["LowerDir"].split(":")[::-1])
    runtime = find_runtime(root=host.layout.runtime_root)
    bare = Bare(runtime, find_conmon(), container, lowers, files)
    try:
        yield bare
    finally:
        with undisturbed():
            end_bare(bare)


def _start_bare(bare: Bare) -> float:
    """Return the seconds that conmon and the runtime take; the mounts are made before, as on a first start."""
    container = bare.container
    with undisturbed():  # a Ctrl-C in the middle would leave a conmon that nobody knows yet
        shutil.rmtree(container.upper)
        shutil.rmtree(container.work)
        bare.mount()
        took = seconds_of(lambda: conmon_and_start(bare))
        end_bare(bare)
    return took


def conmon_and_start(bare: Bare) -> None:
    """Create the container under conmon, and start it."""
    reader, writer = os.pipe()
    environment = {"PATH": os.environ["PATH"], "_OCI_SYNCPIPE": str(writer)}
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(
        _conmon_arguments(bare), env=environment, pass_fds=(writer,), start_new_session=True, **quiet
    ):
        os.close(writer)
    said = os.read(reader, 65536)
    os.close(reader)
    if json.loads(said)["data"] <= 0:
        raise RuntimeError(f"the bare conmon could not create the container: {said!r}")
    subprocess.run([bare.runtime.path, "--root", bare.runtime.root, "start", bare.container.id], check=True)


def _conmon_arguments(bare: Bare) -> list[str]:
    container = bare.container
    argv = [
        bare.conmon,
        "--api-version",
        "1",
        "--cid",
        container.id,
        "--cuuid",
        container.id,
        "--name",
        "bare",
    ]
    argv += ["--runtime", bare.runtime.path, "--runtime-arg", "--root", "--runtime-arg", bare.runtime.root]
    argv += ["--bundle", container.bundle, "--full-attach", "--log-path", f"k8s-file:{container.log}"]
    argv += ["--container-pidfile", container.pid_file, "--conmon-pidfile", container.conmon_pid_file]
    return [*argv, "--exit-dir", os.path.dirname(container.exit_file), "--persist-dir", container.persist]


def end_bare(bare: Bare) -> None:
    """End the container, if it runs, and unmount what it had."""
    if os.path.exists(bare.container.conmon_pid_file):
        with open(bare.container.conmon_pid_file, encoding="ascii") as file:
            monitor = Process.of(int(file.read()))
        bare.runtime.delete(bare.container.id, force=True)
        wait_gone(monitor)
    bare.unmount()


def wait_gone(process: Process | None) -> None:
    """Wait until the process has ended, if there is one."""
    if process is not None and not process.wait_gone(_GONE):
        raise RuntimeError(f"process {process.pid} did not end within {_GONE:.0f} s")


# -- the agent -----------------------------------------------------------------------------------


def measure_agent(host: Host, rounds: int) -> list[Figure]:
    """Return what the agent takes at a container's exit before it has anything to do, and as a person calls it."""
    with host.open() as engine:
        cleanup = [*exit_command(engine, keep=False), "0" * 64]
        version = [engine.layout.agent_program, "version"]
    python = [getattr(sys, "_base_executable", sys.executable), "-IS", "-c", "pass"]
    samples = [(_run(cleanup), _run(version), _run(python)) for _round in range(rounds + 1)][1:]
    ended, asked, peer = medians(samples)
    return [
        Figure("slipway cleanup of an unknown id", ended, "python3 -IS -c pass", peer, rounds, most=0.04),
        Figure("slipway version", asked, "python3 -IS -c pass", peer, rounds, most=0.04),
    ]


def _run(argv: list[str]) -> float:
    return seconds_of(lambda: subprocess.run(argv, check=True, stdout=subprocess.DEVNULL))
