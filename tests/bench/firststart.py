# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure the first start of an image in a user namespace that nobody had before: layers shown with other owners, and copied."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from _engine.agent.install import exit_command
from _engine.kernel import mounts
from _engine.kernel.process import Process
from _engine.lifecycle.converge.container import converge
from _engine.lifecycle.converge.request import Request
from _engine.lifecycle.host.opening import open_engine
from _engine.lifecycle.image.load import load
from _engine.model.container.spec import ContainerSpec
from _engine.model.engine.layout import Layout
from figure import Figure, medians, seconds_of
from place import Place
from tree import Tree
from unpacking import docker_archive

_IMAGE = "localhost/bench:1"
_GONE = 30.0


def measure_mapping(place: Place, tree: Tree, rounds: int) -> list[Figure]:
    """Return the figures; each start is of a new container with ids of its own, and removed again outside of its time."""
    layout = _engine(place, tree)
    samples = []
    for number in range(rounds + 1):
        shown = _start(place, layout, f"0:{1000000 + 200000 * number}:65536")
        plain = _start(place, layout, None)
        with _no_idmapped_mounts():
            copied = _start(place, layout, f"0:{1100000 + 200000 * number}:65536")
        samples.append((shown, plain, copied))
    shown, plain, copied = medians(samples[1:])
    what = f"first start in a user namespace, {tree.bytes / 1e6:.0f} MB image"
    return [
        Figure(f"{what}, idmapped", shown, "without a user namespace", plain, rounds),
        Figure("  the same", shown, "a copy of the image, durable", copied, rounds),
    ]


def _engine(place: Place, tree: Tree) -> Layout:
    """Make an engine whose directories a user namespace's root may pass, with the tree as an image that runs."""
    for path in (place.disk, place.run):
        os.chmod(path, 0o711)
    shutil.copy(shutil.which("busybox") or "/bin/busybox", f"{tree.path}/busybox")
    layout = Layout(f"{place.disk}/mapping", f"{place.run}/mapping")
    with open_engine(layout.root, layout.run_root) as engine:
        load(engine, docker_archive(place, tree))
    return layout


def _start(place: Place, layout: Layout, ids: str | None) -> float:
    raw = {"name": "mapped", "image": _IMAGE, "command": ["/busybox", "sleep", "1000"], "network": ["none"]}
    spec = ContainerSpec.parse({**raw, "uidmap": [ids] if ids else None})
    place.settle()
    with open_engine(layout.root, layout.run_root) as engine:
        shapes = []
        took = seconds_of(
            lambda: shapes.append(converge(engine, Request("mapped", "started", spec), exit_command).result)
        )
        monitor = Process.of(shapes[0]["container"]["State"]["ConmonPid"])
        converge(engine, Request("mapped", "absent", stop_time=0), exit_command)
    if monitor is not None:
        monitor.wait_gone(_GONE)
    return took


@contextmanager
def _no_idmapped_mounts() -> Iterator[None]:
    """Have a kernel that knows none."""

    def refuse(*_arguments: object, **_words: object) -> None:
        raise OSError(errno.ENOSYS, "no idmapped mounts")

    real, mounts.idmapped = mounts.idmapped, refuse
    try:
        yield
    finally:
        mounts.idmapped = real
