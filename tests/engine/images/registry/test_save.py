# SPDX-License-Identifier: GPL-3.0-or-later
"""A pulled image is saved with the manifest, blobs and digests of its registry."""

from __future__ import annotations

import json
import subprocess

import pytest
from imagehome import ImageHome

from _engine.images.blobs import BlobStore
from _engine.images.save.image import DOCKER_ARCHIVE, DOCKER_DIR, FORMS, OCI_ARCHIVE, OCI_DIR
from _engine.lifecycle.image.pull import pull
from _engine.model.image.pull import Access, Pull
from registries import registry

TRANSPORTS = {DOCKER_ARCHIVE: "docker-archive", OCI_ARCHIVE: "oci-archive", OCI_DIR: "oci", DOCKER_DIR: "dir"}


#: The formats whose manifest has each type.
OF_KIND = {"oci": (OCI_ARCHIVE, OCI_DIR), "v2s2": (DOCKER_DIR,)}


@pytest.fixture(params=OF_KIND)
def kind(request):
    """Return each kind of manifest."""
    return request.param


@pytest.fixture
def there(image, kind, tmp_path):
    """Return a registry that has team/app:1, with a manifest of that kind."""
    with registry(tmp_path / "registry") as found:
        found.name = f"{found.address}/team/app:1"
        target = f"docker://{found.name}"
        skopeo("copy", "--format", kind, "--dest-tls-verify=false", image, target)
        found.digest = json.loads(skopeo("inspect", "--tls-verify=false", target))["Digest"]
        yield found


@pytest.fixture
def pulled(there, tmp_path):
    """Return an engine that has pulled it."""
    home = ImageHome(tmp_path / "home")
    with home.open() as engine:
        pull(engine, Pull(there.name, "missing", access=Access(verify=False)))
    return home


def skopeo(*words):
    """Run skopeo; return its output."""
    command = ["skopeo", "--insecure-policy", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("form", FORMS)
def test_saved_as_it_was_pulled(form, pulled, there, kind, tmp_path):
    """In formats of its kind the manifest keeps the registry's digest; every format has the same image."""
    dest = tmp_path / "saved"
    pulled.save(dest, there.name, form=form)
    if form in OF_KIND[kind]:
        digest = skopeo("inspect", "--format", "{{.Digest}}", f"{TRANSPORTS[form]}:{dest}").strip()
        assert digest == there.digest
    if form in (OCI_ARCHIVE, OCI_DIR):  # by its name, too
        skopeo("inspect", f"{TRANSPORTS[form]}:{dest}:{there.name}")
    assert not pulled.save(dest, there.name, form=form).changed
    (loaded,) = ImageHome(tmp_path / "away").load(
        dest, **({"name": there.name} if form == DOCKER_DIR else {})
    )
    record = pulled.record(there.name)
    assert (loaded["Id"], loaded["RepoTags"]) == (record.id, [there.name])


def test_pushed_again_it_has_the_same_digest(pulled, there, kind, tmp_path):
    """A saved image pushed by skopeo has the digest with which it was pulled."""
    form = OF_KIND[kind][-1]
    pulled.save(tmp_path / "saved", there.name, form=form)
    source = f"oci:{tmp_path}/saved:{there.name}" if form == OCI_DIR else f"dir:{tmp_path}/saved"
    target = f"docker://{there.address}/team/copy:1"
    skopeo("copy", "--preserve-digests", "--dest-tls-verify=false", source, target)
    assert json.loads(skopeo("inspect", "--tls-verify=false", target))["Digest"] == there.digest


def test_without_its_blobs(pulled, there, tmp_path):
    """An image without some of its blobs is saved all the same, from its layers."""
    blobs = BlobStore(str(pulled.top / "root/blobs"))
    for digest in blobs.list():
        blobs.remove(digest)
    for form in FORMS:
        pulled.save(tmp_path / form, there.name, form=form)
        (loaded,) = ImageHome(tmp_path / f"away-{form}").load(
            tmp_path / form, **({"name": there.name} if form == DOCKER_DIR else {})
        )
        assert loaded["Id"] == pulled.record(there.name).id


def test_a_layer_without_a_recipe(pulled, there, tmp_path):
    """A layer without a recipe is saved from its blob; a pull restores a missing one."""
    for path in (pulled.top / "root/layers").glob("*/recipe"):
        path.unlink()
    pulled.save(tmp_path / "saved.tar", there.name)
    with pulled.open() as engine:
        wanted = Pull(there.name, "always", access=Access(verify=False))
        assert "for saving" in pull(engine, wanted).actions[0]
        assert not pull(engine, wanted).changed
    assert len([*(pulled.top / "root/layers").glob("*/recipe")]) == 2
