# SPDX-License-Identifier: GPL-3.0-or-later
"""A tree unpacked by this engine equals, entry by entry, what podman mounts for the same archive."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from imagescenarios import CAPABILITY, SCENARIOS


def assert_same(found, expected):
    """Fail if two listings differ, and print the difference; podman sets the mode of each root itself."""
    assert sorted(found) == sorted(expected)
    differing = {
        (name, key): (value, expected[name][key])
        for name, entry in found.items()
        for key, value in entry.items()
        if value != expected[name][key] and name != b""
    }
    assert differing == {}


@pytest.fixture
def assert_like_podman(listing, ours, podman):
    """Return a function that compares this engine's tree of one archive with podman's of another."""

    def assert_like_podman(archive, reference):
        """Fail unless this engine's tree of the one equals podman's of the other."""
        with ours(archive) as top:
            found = listing(top)
        with podman(reference) as top:
            assert_same(found, listing(top))

    return assert_like_podman


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenario(scenario, archives, assert_like_podman, tmp_path):
    """Each kind of content is the same as under podman."""
    layers = [archives.layer(*layer) for layer in SCENARIOS[scenario]]
    archive = archives.docker(tmp_path / "image.tar", layers)
    assert_like_podman(archive, archive)


def make_tree(top):
    """Create a tree of everything that GNU tar stores in its own ways."""
    top.mkdir(mode=0o755)
    with open(top / "sparse", "wb") as file:
        for part in range(40):  # more than the 21 that one block of the old format holds
            file.seek(part * 1_000_000)
            file.write(b"%d" % part * 100)
        file.truncate(50_000_000)
    (top / "hole").touch()
    os.truncate(top / "hole", 10_000_000)
    (top / ("n" * 200)).write_text("long name")
    os.symlink("t" * 300, top / "long-link")
    os.link(top / "sparse", top / "sparse-link")
    (top / "capable").write_text("x")
    os.setxattr(top / "capable", "security.capability", CAPABILITY)
    os.setxattr(top / "capable", "user.note", b"\xffnote")
    os.mkfifo(top / "fifo")
    os.chown(top / "capable", 3_000_000, 3_000_000)
    os.setxattr(top / "capable", "security.capability", CAPABILITY)


FORMATS = {
    "old GNU": ["--format=gnu", "--sparse"],
    "pax, sparse 0.0": [
        "--format=posix",
        "--sparse",
        "--sparse-version=0.0",
        "--xattrs",
        "--xattrs-include=*",
    ],
    "pax, sparse 0.1": [
        "--format=posix",
        "--sparse",
        "--sparse-version=0.1",
        "--xattrs",
        "--xattrs-include=*",
    ],
    "pax, sparse 1.0": [
        "--format=posix",
        "--sparse",
        "--sparse-version=1.0",
        "--xattrs",
        "--xattrs-include=*",
    ],
}


@pytest.mark.parametrize("form", FORMATS)
def test_gnu_tar(form, archives, listing, ours, tmp_path):
    """Trees written by GNU tar are unpacked as by GNU tar itself, in each of its formats; holes stay holes.

    podman refuses the oldest of them.
    """
    tree, unpacked = tmp_path / "tree", tmp_path / "unpacked"
    make_tree(tree)
    unpacked.mkdir()
    made = subprocess.run(
        ["tar", "--numeric-owner", *FORMATS[form], "-C", tree, "-c", "."], capture_output=True, check=True
    )
    extract = ["tar", "--numeric-owner", "--xattrs", "--xattrs-include=*", "-C", unpacked, "-xp"]
    subprocess.run(extract, input=made.stdout, check=True)
    with ours(archives.docker(tmp_path / "image.tar", [made.stdout])) as top:
        assert_same(listing(top), listing(unpacked))
        blocks = {name: os.stat(f"{top}/{name}").st_blocks for name in ("sparse", "hole")}
    assert blocks == {name: os.stat(tree / name).st_blocks for name in ("sparse", "hole")}


def run_into(target, *command):
    """Run a program with its output redirected to a file."""
    with target.open("wb") as output:
        subprocess.run(command, stdout=output, check=True)


def make_form(form, docker, target):
    """Convert a docker archive to another format with common tools."""
    if form in COPIES:
        kind, *options = COPIES[form]
        command = ["skopeo", "copy", "--quiet", *options, f"docker-archive:{docker}", f"{kind}:{target}:x:1"]
        subprocess.run(command, check=True)
    else:
        run_into(target, form.rpartition(" ")[2], "-q", "-c", docker)
    return target


COPIES = {
    "OCI archive": ["oci-archive"],
    "OCI layout": ["oci"],
    "OCI layout, plain layers": ["oci", "--dest-decompress"],
    "OCI layout, zstd layers": ["oci", "--dest-compress-format=zstd"],
    "docker archive with links": ["docker-archive"],
}
WHOLE = ["docker archive, gzip", "docker archive, bzip2", "docker archive, xz", "docker archive, zstd"]


@pytest.mark.parametrize("form", [*COPIES, *WHOLE])
def test_form(form, archives, assert_like_podman, need, tmp_path):
    """An archive gives the same image in any format and compression."""
    for program in ("skopeo", "xz", "bzip2", "zstd"):
        need(shutil.which(program), program)
    layers = [archives.layer(*layer) for name in ("every type", "whiteouts") for layer in SCENARIOS[name]]
    docker = archives.docker(tmp_path / "image.tar", layers)
    assert_like_podman(make_form(form, docker, tmp_path / "form"), docker)
