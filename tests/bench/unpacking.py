# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure the loading of an image archive against ``podman load``."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tarfile
import time

from _engine.lifecycle.host.opening import open_engine
from _engine.lifecycle.image.load import load
from figure import Figure, medians
from place import Place
from tree import Tree


def measure_load(place: Place, tree: Tree, rounds: int) -> list[Figure]:
    """Return the figures; every run has a store of its own, the archive is in the page cache."""
    archive = docker_archive(place, tree)
    samples = [(*_load_ours(place, archive), *_load_podman(place, archive)) for _round in range(rounds)]
    ours, ours_synced, podman, podman_synced = medians(samples)
    size = os.path.getsize(archive) / 1e6
    return [
        Figure(f"image_load, {size:.0f} MB archive", ours, "podman load", podman, rounds, 0.7),
        Figure(
            "  and all written to the disk", ours_synced, "podman load; sync -f", podman_synced, rounds, 0.7
        ),
    ]


def _load_ours(place: Place, archive: str) -> tuple[float, float]:
    top = place.fresh("store")
    place.settle()
    begin = time.perf_counter()
    with open_engine(f"{top}/root", f"{top}/run") as engine:
        load(engine, archive)
    return _twice(place, begin)


def _load_podman(place: Place, archive: str) -> tuple[float, float]:
    top = place.fresh("podman")
    options = [f"--root={top}/r", f"--runroot={top}/o", f"--tmpdir={top}/t", "--storage-driver=overlay"]
    place.settle()
    begin = time.perf_counter()
    subprocess.run(
        ["podman", "--log-level=error", *options, "load", "-q", "-i", archive],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return _twice(place, begin)


def _twice(place: Place, begin: float) -> tuple[float, float]:
    """Return the seconds since the begin, now and when everything is on the disk."""
    done = time.perf_counter() - begin
    place.settle()
    return done, time.perf_counter() - begin


def docker_archive(place: Place, tree: Tree) -> str:
    """Pack the tree as ``docker save`` does, in one layer that is not compressed; return the archive."""
    top = place.fresh("image")
    subprocess.run(["tar", "-cf", f"{top}/layer.tar", "-C", tree.path, "."], check=True)
    with open(f"{top}/layer.tar", "rb") as file:
        digest = hashlib.sha256()
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    diff_ids = [f"sha256:{digest.hexdigest()}"]
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    }
    manifest = [{"Config": "config.json", "RepoTags": ["localhost/bench:1"], "Layers": ["layer.tar"]}]
    for name, content in (("config.json", config), ("manifest.json", manifest)):
        with open(f"{top}/{name}", "w", encoding="ascii") as file:
            json.dump(content, file)
    with tarfile.open(f"{top}/image.tar", "w") as tar:
        for name in ("manifest.json", "config.json", "layer.tar"):
            tar.add(f"{top}/{name}", arcname=name)
    return f"{top}/image.tar"
