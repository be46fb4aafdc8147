# SPDX-License-Identifier: GPL-3.0-or-later
"""Images survive a round trip through podman, skopeo and umoci: id, layers, names, and digests if there are any."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile

import pytest
from imagehome import NAME, kind

from _engine.images.save.image import ARCHIVES, DOCKER_ARCHIVE, DOCKER_DIR, FORMS, OCI_ARCHIVE, OCI_DIR
from _engine.kernel import mounts

#: skopeo's names of the formats.
TRANSPORTS = {DOCKER_ARCHIVE: "docker-archive", OCI_ARCHIVE: "oci-archive", OCI_DIR: "oci", DOCKER_DIR: "dir"}


@pytest.fixture
def podman(tmp_path, need):
    """Return a function that runs a podman with a store of its own and returns its output."""
    need(shutil.which("podman"), "podman")
    root, run_root = tmp_path / "podman", tempfile.mkdtemp(prefix="podman-run-")
    options = ["--root", str(root), "--runroot", run_root, "--storage-driver", "overlay"]

    def run(*words):
        done = subprocess.run(["podman", *options, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    yield run
    mounts.unmount_below(str(root))
    shutil.rmtree(root, ignore_errors=True)
    shutil.rmtree(run_root)


@pytest.fixture
def skopeo(need):
    """Return a function that runs skopeo and returns its output."""
    need(shutil.which("skopeo"), "skopeo")

    def run(*words):
        command = ["skopeo", "--insecure-policy", *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.mark.parametrize("form", FORMS)
def test_podman_loads_what_is_saved(form, home, odd, podman, listing, tmp_path):
    """Podman loads each format as the same image: id, layers, name, configuration and tree."""
    (ours,) = home.load(odd)
    dest = tmp_path / f"saved{kind(form)}"
    home.save(dest, form=form)
    podman("load", "--input", str(dest))
    (image,) = json.loads(podman("image", "inspect", podman("images", "--quiet", "--no-trunc")))
    assert image["Id"] == ours["Id"]
    assert image["RootFS"]["Layers"] == ours["RootFS"]["Layers"]
    if form in ARCHIVES:  # podman names the image of a directory after the directory
        assert image["RepoTags"] == [NAME]
    tree = listing(podman("image", "mount", ours["Id"]))
    assert {os.fsdecode(name) for name in tree} >= {"a", "b", "twice", "late"}


@pytest.mark.parametrize("form", FORMS)
def test_podman_saves_what_is_loaded(form, home, away, odd, podman, tmp_path):
    """An image loaded by podman and saved in each of its formats comes back unchanged."""
    (ours,) = home.load(odd)
    # Between the two families, podman rewrites the configuration, so the id differs.
    home.save(tmp_path / "saved.tar", form=OCI_ARCHIVE if form in (OCI_ARCHIVE, OCI_DIR) else DOCKER_ARCHIVE)
    podman("load", "--input", str(tmp_path / "saved.tar"))
    theirs = tmp_path / f"theirs{kind(form)}"
    podman("save", "--format", form, "--output", str(theirs), NAME)
    (again,) = away.load(theirs, **({"name": NAME} if form == DOCKER_DIR else {}))
    assert (again["Id"], again["RootFS"], again["RepoTags"]) == (ours["Id"], ours["RootFS"], [NAME])
    # The origin of the bytes does not matter.
    assert not away.save(theirs, form=form).changed


@pytest.mark.parametrize("form", FORMS)
def test_skopeo_reads_what_is_saved(form, home, away, odd, skopeo, tmp_path):
    """Skopeo copies the image from each format to a layout, which gives the same image."""
    (ours,) = home.load(odd)
    dest, copied = tmp_path / f"saved{kind(form)}", tmp_path / "copied"
    home.save(dest, form=form)
    skopeo("copy", f"{TRANSPORTS[form]}:{dest}", f"oci:{copied}:1")
    (again,) = away.load(copied, name=NAME)
    assert again["RootFS"] == ours["RootFS"]
    told = json.loads(skopeo("inspect", "--config", f"{TRANSPORTS[form]}:{dest}"))
    assert told["rootfs"]["diff_ids"] == ours["RootFS"]["Layers"]


def test_skopeo_finds_one_of_several_by_its_name(home, odd, archives, skopeo, tmp_path):
    """In an archive of several images, skopeo finds each by its name."""
    home.load(odd)
    other = "localhost/other:1"
    home.load(archives.docker(tmp_path / "in.tar", [archives.layer(("f", {"data": b"1"}))], tag=other))
    for form in (DOCKER_ARCHIVE, OCI_ARCHIVE, OCI_DIR):
        dest = tmp_path / f"saved{kind(form)}"
        home.save(dest, NAME, other, form=form)
        for name in (NAME, other):
            told = json.loads(skopeo("inspect", "--config", f"{TRANSPORTS[form]}:{dest}:{name}"))
            assert told["rootfs"]["diff_ids"] == [layer.diff_id for layer in home.record(name).layers]


def test_umoci_unpacks_what_is_saved(home, odd, need, tmp_path):
    """Umoci accepts a layout, and unpacks the image."""
    need(shutil.which("umoci"), "umoci")
    home.load(odd)
    home.save(tmp_path / "saved", form=OCI_DIR)
    told = subprocess.run(
        ["umoci", "list", "--layout", tmp_path / "saved"], check=True, capture_output=True, text=True
    )
    assert told.stdout.split() == [NAME]
    subprocess.run(
        ["umoci", "unpack", "--image", f"{tmp_path}/saved:{NAME}", tmp_path / "bundle"], check=True
    )
    assert sorted(os.listdir(tmp_path / "bundle/rootfs"))[:2] == ["a", "b"]


def test_programs_of_others_read_a_layer(home, odd, tmp_path):
    """GNU tar and gzip read the saved layers, and return each layer's tar."""
    home.load(odd)
    home.save(tmp_path / "saved.tar", form=OCI_ARCHIVE)
    top = tmp_path / "x"
    top.mkdir()
    subprocess.run(["tar", "-xf", tmp_path / "saved.tar", "-C", top], check=True)

    def blob(descriptor):
        return top / "blobs" / descriptor["digest"].replace(":", "/")

    index = json.loads((top / "index.json").read_bytes())
    manifest = json.loads(blob(index["manifests"][0]).read_bytes())
    plain = [
        subprocess.run(["gzip", "-dc", blob(layer)], check=True, capture_output=True).stdout
        for layer in manifest["layers"]
    ]
    diff_ids = json.loads(blob(manifest["config"]).read_bytes())["rootfs"]["diff_ids"]
    assert [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in plain] == diff_ids
