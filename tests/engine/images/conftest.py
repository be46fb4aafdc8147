# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the image tests: handmade archives, trees as data, and mounts by this engine and by podman."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tarfile
import tempfile

import pytest
from imagehome import NAME, ImageHome
from treelisting import listing as list_tree

from _engine.images.archive.open import open_archive
from _engine.images.layers.store import LayerStore
from _engine.kernel import libc, mounts
from imagearchives import Archives


@pytest.fixture(scope="session")
def archives():
    """Return the makers of archives."""
    return Archives


@pytest.fixture(scope="session")
def listing():
    """Return a function that describes everything that an image preserves of a tree, by path."""
    return list_tree


@pytest.fixture
def store(tmp_path):
    """Return a layer store of its own; its staging directory must be empty when the test ends."""
    root = tmp_path / "store"
    root.mkdir()
    store = LayerStore(str(root / "layers"), str(root / "staging"))
    (root / "staging").mkdir()
    yield store
    assert os.listdir(root / "staging") == []


@pytest.fixture
def load(store, tmp_path):
    """Return a function that puts an archive's image into the store and gives the diff paths, topmost first."""

    def load(path):
        diffs = []
        with open_archive(str(path), staging=str(tmp_path)) as archive:
            for layer in archive.images[0].layers:
                with archive.layer(layer) as chunks:
                    store.add(layer.chain_id, chunks, lowers=diffs)
                diffs.insert(0, store.diff_path(layer.chain_id))
        return diffs

    return load


@pytest.fixture
def mounted(tmp_path):
    """Return a context manager that mounts diff paths, topmost first, read-only with overlayfs."""

    @contextlib.contextmanager
    def mounted(diffs):
        target, empty = tmp_path / "merged", tmp_path / "empty"
        target.mkdir()
        empty.mkdir()
        if len(diffs) == 1:
            diffs = [*diffs, str(empty)]  # without an upper directory overlayfs requires two
        libc.mount("overlay", str(target), "overlay", 1, f"lowerdir={':'.join(diffs)}")
        try:
            yield str(target)
        finally:
            mounts.unmount(str(target))
            target.rmdir()
            empty.rmdir()

    return mounted


@pytest.fixture
def ours(load, mounted):
    """Return a context manager that unpacks an archive and mounts its image."""

    @contextlib.contextmanager
    def ours(path):
        with mounted(load(path)) as top:
            yield top

    return ours


@pytest.fixture
def podman(tmp_path, need):
    """Return a context manager that loads an archive with podman and mounts its image there."""
    need(shutil.which("podman"), "podman, to compare with")

    @contextlib.contextmanager
    def podman(path, *, driver="overlay"):
        root = tmp_path / f"podman-{driver}"
        run_root = tempfile.mkdtemp(prefix="podman-run-")  # podman wants it to be shorter than tmp_path is
        command = ["podman", "--root", str(root), "--runroot", run_root, "--storage-driver", driver]

        def run(*words):
            done = subprocess.run([*command, *words], capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            return done.stdout.strip()

        try:
            run("load", "--quiet", "--input", str(path))
            image = run("images", "--quiet", "--no-trunc").splitlines()[0]
            yield run("image", "mount", image)
        finally:
            mounts.unmount_below(str(root))
            shutil.rmtree(root, ignore_errors=True)
            shutil.rmtree(run_root)

    return podman


@pytest.fixture
def home(tmp_path):
    """Return an engine for images."""
    return ImageHome(tmp_path / "first")


@pytest.fixture
def away(tmp_path):
    """Return another engine for images."""
    return ImageHome(tmp_path / "second")


def _odd(archives, path, *more):
    link = {"type": tarfile.LNKTYPE, "linkname": "a"}
    first = archives.layer(("./", {}), ("a", {"data": b"1" * 5000}), ("b", link), ("dir/c", {"data": b"2"}))
    late = {"mtime": 1.5, "uid": 5_000_000, "pax_headers": {"SCHILY.xattr.user.k": "v"}}
    second = archives.layer(("dir/.wh.c", {}), *more, ("twice", {"data": b"x"}), ("late", late))
    return archives.docker(path, [first, second + b"\0" * 3000], tag=NAME)


@pytest.fixture
def odd(archives, tmp_path):
    """Return an archive of an image whose layers are spelled as no writer here would."""
    return _odd(archives, tmp_path / "odd.tar")


@pytest.fixture
def odder(archives, tmp_path):
    """Return the same with a layer that replaces a file of its own, which podman takes for an error."""
    return _odd(archives, tmp_path / "odder.tar", ("twice", {"data": b"first"}))
