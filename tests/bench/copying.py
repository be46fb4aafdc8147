# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure the copy-up of an image's directory into a volume against ``cp -a``, and against podman's copy-up."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from _engine.kernel import files, libc, mounts
from _engine.trees.copy import copy_tree
from _engine.volumes import directory
from _engine.volumes.copyup import Part, copy_up
from figure import Figure, medians, seconds_of
from place import Place
from podmancopy import podman_with
from tree import Tree, small_files


def measure_copy_up(place: Place, tree: Tree, rounds: int) -> list[Figure]:
    """Return the figures; the source is an overlay, as in a container, and in the page cache."""
    with podman_with(place, tree) as podman, overlaid(place, tree.path) as rootfs:
        acts = (_copy_up, _cp_and_sync, _copy, _cp)
        _cp(place, rootfs)  # into the page cache
        podman.seconds(place)
        samples = [
            [*(_timed(place, act, rootfs) for act in acts), podman.seconds(place)] for _round in range(rounds)
        ]
    durable, peer_durable, plain, peer, podmans = medians(samples)
    return [
        Figure(f"copy-up, durable, {tree}", durable, "cp -a; sync -f", peer_durable, rounds, 1.15),
        Figure("  without making it durable", plain, "cp -a", peer, rounds, 1.15),
        Figure("  copy-up, durable", durable, "cp -a, not durable", peer, rounds),
        Figure("  copy-up, durable", durable, "podman's, not durable", podmans, rounds, 0.5),
        Figure("  without making it durable", plain, "podman's", podmans, rounds),
    ]


def _timed(place: Place, act: Callable[[Place, str], None], rootfs: str) -> float:
    place.settle()
    return seconds_of(lambda: act(place, rootfs))


def _copy_up(place: Place, rootfs: str) -> None:
    done = copy_up(rootfs=rootfs, parts=[Part("/usr")], volume=directory.create(place.fresh("volumes"), "v"))
    if done is None:
        raise RuntimeError("copy-up found nothing to copy")


def _copy(place: Place, rootfs: str) -> None:
    with files.directory(f"{rootfs}/usr") as source, files.directory(place.fresh("copy")) as target:
        copy_tree(source, target)


def _cp(place: Place, rootfs: str) -> None:
    subprocess.run(["cp", "-a", f"{rootfs}/usr", place.fresh("cp")], check=True)


def _cp_and_sync(place: Place, rootfs: str) -> None:
    _cp(place, rootfs)
    subprocess.run(["sync", "-f", place.disk], check=True)


def measure_growth(place: Place, *, few: int, many: int) -> Figure:
    """Return the time per entry of a copy-up of many small files against that of few: 1 when it grows in line."""
    per_entry = []
    for count in (many, few):
        top = place.fresh("small")
        os.mkdir(f"{top}/usr")
        tree = small_files(f"{top}/usr", count)
        with overlaid(place, top) as rootfs:
            per_entry.append(_timed(place, _copy_up, rootfs) / tree.entries)
    what = f"copy-up of {many} small files, per entry"
    return Figure(what, per_entry[0], f"of {few}", per_entry[1], 1)


@contextmanager
def overlaid(place: Place, lower: str) -> Iterator[str]:
    """Yield where a tree is mounted as the only layer of a container."""
    top = place.fresh("overlay")
    for name in ("upper", "work", "merged"):
        os.mkdir(f"{top}/{name}")
    options = f"lowerdir={lower},upperdir={top}/upper,workdir={top}/work"
    libc.mount("overlay", f"{top}/merged", "overlay", 0, options)
    try:
        yield f"{top}/merged"
    finally:
        mounts.unmount(f"{top}/merged")
