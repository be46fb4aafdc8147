# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure the pull of an image from a registry on loopback against ``podman pull``: time, processor time, memory."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import registries
from figure import Figure, medians
from place import Place
from tree import Tree

#: Layers of the image, of about the same size.
_LAYERS = 3
_OURS = """
import sys
from _engine.lifecycle.host.opening import open_engine
from _engine.lifecycle.image.pull import pull
from _engine.model.image.pull import Access, Pull
with open_engine(f"{sys.argv[1]}/root", f"{sys.argv[1]}/run") as engine:
    if len(sys.argv) > 2:
        pull(engine, Pull(sys.argv[2], access=Access(verify=False)))
"""


class _Run(NamedTuple):
    """What a program took: seconds, seconds of processors, its largest memory in bytes."""

    wall: float
    processor: float
    memory: float


def measure_pull(place: Place, tree: Tree, rounds: int) -> list[Figure]:
    """Return the figures; every run has a store of its own, the blobs are in the page cache."""
    top = Path(place.fresh("registry"))
    with registries.registry(top / "there") as registry:
        registry.push(f"docker-archive:{_archive(place, tree)}", "bench:1")
        name = f"{registry.address}/bench:1"
        blobs = sum(path.stat().st_size for path in (top / "there").rglob("data"))
        samples = [_samples(place, name) for _round in range(rounds)]
    wall, processor, memory, their_wall, their_processor, empty = medians(samples)
    what = f"image, {blobs / 1e6:.0f} MB compressed"
    return [
        Figure(what, wall, "podman pull", their_wall, rounds, 0.6),
        Figure("  processor time", processor, "podman pull", their_processor, rounds, 0.5),
        Figure("  memory over an open engine", memory - empty, "60 MB", 60e6, rounds, 1.0, shown=_megabytes),
    ]


def _megabytes(amount: float) -> str:
    return f"{amount / 1e6:.0f} MB"


def _samples(place: Place, name: str) -> tuple[float, ...]:
    ours = _ran(place, [sys.executable, "-c", _OURS, place.fresh("store"), name])
    top = place.fresh("podman")
    options = [f"--root={top}/r", f"--runroot={top}/o", f"--tmpdir={top}/t", "--storage-driver=overlay"]
    podman = ["podman", "--log-level=error", *options, "pull", "-q", "--tls-verify=false", name]
    theirs = _ran(place, podman)
    empty = _ran(place, [sys.executable, "-c", _OURS, place.fresh("store")])
    return (*ours, theirs.wall, theirs.processor, empty.memory)


def _ran(place: Place, argv: Sequence[str]) -> _Run:
    place.settle()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    begin = time.perf_counter()
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, env=environment)
    _pid, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, argv)
    return _Run(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024.0)


def _archive(place: Place, tree: Tree) -> str:
    """Pack the tree as ``docker save`` does, in several layers; return the archive."""
    top = place.fresh("image")
    names = [f"{n}.tar" for n in range(_LAYERS)]
    for name, paths in zip(names, _shares(tree)):
        listed = "".join(f"{path}\0" for path in paths)
        packed = ["tar", "-C", tree.path, "--no-recursion", "--null", "-T", "-", "-cf", f"{top}/{name}"]
        subprocess.run(packed, input=listed, text=True, check=True)
    diff_ids = [f"sha256:{_digest(f'{top}/{name}')}" for name in names]
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    }
    manifest = [{"Config": "config.json", "RepoTags": ["localhost/bench:1"], "Layers": names}]
    for name, content in (("config.json", config), ("manifest.json", manifest)):
        Path(top, name).write_text(json.dumps(content))
    with tarfile.open(f"{top}/image.tar", "w") as tar:
        for name in ("manifest.json", "config.json", *names):
            tar.add(f"{top}/{name}", arcname=name)
    return f"{top}/image.tar"


def _shares(tree: Tree) -> Iterator[list[str]]:
    """Yield the paths of each layer, directories before what is in them."""
    share: list[str] = []
    size = 0
    given = 1
    for directory, _names, files in os.walk(tree.path):
        for name in ("", *files):
            path = os.path.normpath(os.path.join(directory, name))
            share.append(os.path.relpath(path, tree.path))
            size += os.lstat(path).st_size if name else 0
        if size > tree.bytes * given / _LAYERS and given < _LAYERS:
            yield share
            share, given = [], given + 1
    yield share


def _digest(path: str) -> str:
    with open(path, "rb") as file:
        digest = hashlib.sha256()
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
