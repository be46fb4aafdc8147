# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure podman's own copy-up: what ``podman init`` takes longer with a fresh volume on the image's /usr than without."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from figure import seconds_of
from place import Place, undisturbed
from tree import Tree
from unpacking import docker_archive

_IMAGE = "localhost/bench:1"
#: Of the container: limits that this process may set, no network, nothing that an init would have to wait for.
CONTAINER_OPTIONS = ("--network=none", "--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024")


@dataclass(frozen=True)
class Podman:
    """A podman with a store of its own, which has the tree as an image."""

    options: tuple[str, ...]
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def run(self, *words: str) -> None:
        """Run it."""
        subprocess.run(
            ["podman", "--log-level=error", *self.options, *words], check=True, stdout=subprocess.DEVNULL
        )

    def seconds(self, place: Place) -> float:
        """Return the seconds of one copy-up; the volume stays, as all that is on the disk does until the end."""
        name = f"v{next(self._numbers)}"
        plain = self._init(place, name, ())
        return self._init(place, name, (f"--volume={name}:/usr",)) - plain

    def _init(self, place: Place, name: str, volume: tuple[str, ...]) -> float:
        self.run("create", f"--name={name}", *CONTAINER_OPTIONS, *volume, _IMAGE, "/busybox", "true")
        place.settle()
        try:
            return seconds_of(lambda: self.run("init", name))
        finally:
            with undisturbed():
                self.run("rm", "-f", "-t0", name)


def podman_at(place: Place) -> Podman:
    """Return a podman with an empty store of its own; its driver is overlay, as on most hosts."""
    top = place.fresh("podman")
    return Podman(
        (
            f"--root={top}/r",
            f"--runroot={top}/o",
            f"--tmpdir={top}/t",
            "--storage-driver=overlay",
            "--runtime=runc",
            "--cgroup-manager=cgroupfs",
            "--events-backend=file",
        )
    )


@contextmanager
def podman_with(place: Place, tree: Tree) -> Iterator[Podman]:
    """Yield a podman that has the tree and a busybox as an image."""
    busybox = f"{tree.path}/busybox"
    shutil.copy(shutil.which("busybox") or "/bin/busybox", busybox)
    podman = podman_at(place)
    try:
        podman.run("load", "-q", "-i", docker_archive(place, tree))
        yield podman
    finally:
        os.unlink(busybox)
