# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of many tools have the trees that podman mounts: owners, modes, times, attributes, links, bytes."""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
from pathlib import Path

import pytest
from treelisting import listing

import images
import registries
from _engine.errors import DigestMismatch
from _engine.kernel import mounts
from _engine.lifecycle.core.source import lowers_of
from _engine.lifecycle.host.opening import open_engine
from _engine.lifecycle.image.load import load
from _engine.lifecycle.image.pull import pull
from _engine.model.image.pull import Access, Pull
from _engine.rootfs import overlay
from _engine.state import images as state
from registries import registry, run

COMPAT = Path(__file__).parents[3] / "docs/compat.md"
#: The rows of docs/compat.md, and the differences that each explains: by image, paths and kinds.
ROWS = {
    "implied": {
        "bazel": "app:mtime app/bin:mtime app/lib:mtime app/lib/deep:mtime etc:mtime etc/app:mtime usr:mtime usr/share:mtime",
        "the same layer twice": "d:mode d:mtime",
        "umoci": "tree/dir:mode tree/dir:mtime tree/dir:xattrs",
    },
    "made-again": {"marks in odd places": "made/a:missing made/b:missing"},
    "opaque-top": {"all is hidden": "gone:missing d/gone:missing"},
    "default-acl": {
        "umoci": "tree/dir/sub:xattrs",
        **{
            f"GNU tar, {form}": "dir/sub:xattrs"
            for form in ("everything", "sparse 0.0", "sparse 0.1", "sparse 1.0")
        },
    },
}
#: The row, and the error of podman, which refuses the image.
PODMAN_REFUSES = {
    "umoci, a directory becomes a link": ("marks-below", "no such file or directory"),
    "130 layers": ("many-layers", "max depth exceeded"),
}
#: The row, and the error of this engine.
REFUSED = {"zstd:chunked of skopeo 1.9": ("diff-ids", "unpacked, has the digest")}


@pytest.fixture
def there(need, tmp_path):
    """Return a registry for one test: skopeo sends another compression of a layer that it knows to exist there."""
    need(registries.is_there(), "docker-registry, unpacked by tests/setup.yml")
    for program in ("busybox", "buildah", "debootstrap", "podman", "skopeo", "umoci", "zstd"):
        need(shutil.which(program), program)
    with registry(tmp_path / "registry") as there:
        yield there


@contextlib.contextmanager
def podman(there, top, driver="overlay"):
    """Yield the tree that podman mounts for the registry's image, and the image's id."""
    run_root = tempfile.mkdtemp(prefix="podman-run-")  # podman requires a shorter path than tmp_path
    command = ["podman", "--root", top / "podman", "--runroot", run_root, "--storage-driver", driver]
    try:
        identity = run(
            [*command, "pull", "--quiet", "--tls-verify=false", f"{there.address}/image:1"]
        ).split()[-1]
        yield run([*command, "image", "mount", identity]).strip(), identity
    finally:
        mounts.unmount_below(str(top / "podman"))
        shutil.rmtree(top / "podman", ignore_errors=True)
        shutil.rmtree(run_root)


@contextlib.contextmanager
def ours(top, bring):
    """Yield the tree that an engine below ``top`` mounts for the image that ``bring`` imports, and the image's id."""
    with open_engine(f"{top}/root", f"{top}/run") as engine:
        identity = bring(engine).result["image"]["Id"]
        with engine.database.reading() as connection:
            record = state.get(connection, identity)
        container = engine.layout.container("0" * 64)
        overlay.mount_image(container, lowers_of(record, engine.layout)[::-1])
        try:
            yield container.merged, identity
        finally:
            overlay.unmount(container)


def both(made, there, top):
    """Return tree and id of an image loaded from its archive; fail unless a pull gives the same."""
    found = []
    name = Pull(f"{there.address}/image:1", access=Access(verify=False))
    for way, bring in (
        ("load", lambda engine: load(engine, str(made.path))),
        ("pull", lambda engine: pull(engine, name)),
    ):
        with ours(top / way, bring) as (tree, identity):
            found.append((listing(tree), identity))
    assert differences(found[0][0], found[1][0]) == {}
    assert found[0] == found[1]
    return found[0]


def differences(found, wanted):
    """Return the differences by path and kind; podman sets the mode of each root itself."""
    names = sorted({*found, *wanted} - {b""})
    whole = {
        (name, "additional" if name in found else "missing"): None
        for name in names
        if not (name in found and name in wanted)
    }
    parts = {
        (name, key): (value, wanted[name][key])
        for name in names
        if name in found and name in wanted
        for key, value in found[name].items()
        if value != wanted[name][key]
    }
    return {**whole, **parts}


def documented(name):
    """Return the differences of an image that docs/compat.md documents."""
    words = " ".join(of.get(name, "") for of in ROWS.values()).split()
    return {(path.encode(), kind) for path, _colon, kind in (word.rpartition(":") for word in words)}


@pytest.mark.parametrize("name", [name for name in images.MAKERS if name not in (*PODMAN_REFUSES, *REFUSED)])
def test_image(name, there, tmp_path):
    """Tree and id are podman's, except for the differences in docs/compat.md."""
    made = images.make(name, tmp_path / "made")
    there.push(made.source, "image:1", "--multi-arch=all")
    found, identity = both(made, there, tmp_path)
    with podman(there, tmp_path) as (tree, known):
        different = differences(found, listing(tree))
    assert {place: pair for place, pair in different.items() if place not in documented(name)} == {}
    assert different.keys() == documented(name)
    assert known == identity


def test_more_layers_than_podman_mounts(there, tmp_path):
    """130 layers give the tree that podman creates by copying, because its overlays cannot have as many."""
    made = images.make("130 layers", tmp_path / "made")
    there.push(made.source, "image:1")
    with pytest.raises(AssertionError, match=PODMAN_REFUSES["130 layers"][1]), podman(there, tmp_path):
        pass
    found, _identity = both(made, there, tmp_path)
    with podman(there, tmp_path, "vfs") as (tree, _identity):
        assert differences(found, listing(tree)) == {}


def test_link_of_umoci(there, tmp_path):
    """The entries of umoci for a link that replaces a directory give the tree that they were written from."""
    name = "umoci, a directory becomes a link"
    made = images.make(name, tmp_path / "made")
    there.push(made.source, "image:1")
    with pytest.raises(AssertionError, match=PODMAN_REFUSES[name][1]), podman(there, tmp_path):
        pass
    found, _identity = both(made, there, tmp_path)
    different = differences(found, listing(tmp_path / "made/bundle/rootfs"))
    assert {kind for _path, kind in different} == {"mtime"}  # umoci writes whole seconds


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name, there, tmp_path):
    """An image that does not match its configuration is refused, also if podman does not check."""
    made = images.make(name, tmp_path / "made")
    there.push(made.source, "image:1")
    with podman(there, tmp_path) as (tree, _identity):
        assert listing(tree)
    with open_engine(f"{tmp_path}/root", f"{tmp_path}/run") as engine:
        with pytest.raises(DigestMismatch, match=REFUSED[name][1]):
            load(engine, str(made.path))
        with pytest.raises(DigestMismatch, match=REFUSED[name][1]):
            pull(engine, Pull(f"{there.address}/image:1", access=Access(verify=False)))


def test_every_difference_has_its_reason():
    """docs/compat.md has exactly the rows of the tables above."""
    section = COMPAT.read_text().partition("\n### Trees of images\n")[2].partition("\n##")[0]
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+) \| (.+) \| (.+) \|$", section, re.MULTILINE)
    refused = (row for row, _said in (*PODMAN_REFUSES.values(), *REFUSED.values()))
    assert sorted(row[0] for row in rows) == sorted({*ROWS, *refused})
