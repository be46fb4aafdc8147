# SPDX-License-Identifier: GPL-3.0-or-later
"""What is found in archives: images, their names, ids and layers, whatever tool wrote them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess

import pytest

from _engine.errors import ArchiveBroken
from _engine.images import hostplatform
from _engine.images.archive import open_archive
from _engine.images.image import chain_ids

INDEX = "application/vnd.oci.image.index.v1+json"
REF_NAME = "org.opencontainers.image.ref.name"


@pytest.fixture
def images(tmp_path):
    """Return a function that gives the images in an archive."""

    def images(path):
        with open_archive(str(path), staging=str(tmp_path)) as archive:
            return archive.images

    return images


@pytest.fixture
def layout(archives, tmp_path):
    """Return an empty OCI layout to add to."""
    return Layout(archives, tmp_path / "layout")


class Layout:
    """An OCI image layout on disk."""

    def __init__(self, archives, path):
        self.archives = archives
        self.path = path
        (path / "blobs/sha256").mkdir(parents=True)
        (path / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')

    def blob(self, data):
        """Add a blob and give its descriptor."""
        data = data if isinstance(data, bytes) else json.dumps(data).encode()
        digest = self.archives.digest(data)
        (self.path / "blobs" / digest.replace(":", "/")).write_bytes(data)
        return {"digest": digest, "size": len(data)}

    def image(self, content, **more):
        """Add an image of one layer with one file, and give its manifest's descriptor."""
        layer = self.archives.layer((content, {}))
        manifest = {"config": self.blob(self.archives.config([layer])), "layers": [self.blob(layer)]}
        return {**self.blob(manifest), **more}

    def index(self, *descriptors):
        """Write index.json."""
        (self.path / "index.json").write_text(json.dumps({"manifests": descriptors}))
        return self.path


def kind(text):
    """Make a platform out of OS/ARCHITECTURE."""
    os_name, architecture = text.split("/")
    return {"platform": {"os": os_name, "architecture": architecture}}


def named(name, key=REF_NAME):
    """Make the annotation of a name."""
    return {"annotations": {key: name}}


def test_chain_ids():
    """A chain id is computed from the one below and the layer's diff id, as the image-spec says."""
    first, second, third = (f"sha256:{letter * 64}" for letter in "abc")
    two = hashlib.sha256(f"{first} {second}".encode()).hexdigest()
    three = hashlib.sha256(f"sha256:{two} {third}".encode()).hexdigest()
    assert chain_ids([first, second, third]) == ("a" * 64, two, three)
    assert chain_ids([]) == ()


def test_docker_archive(archives, images, tmp_path):
    """A docker archive tells id, names and layers."""
    layers = [archives.layer(("a", {})), archives.layer(("b", {}))]
    (image,) = images(archives.docker(tmp_path / "image.tar", layers, tag="app:1"))
    assert image.names == ("localhost/app:1",)
    assert image.id == hashlib.sha256(image.config).hexdigest()
    assert image.manifest_digest is None
    assert [layer.diff_id for layer in image.layers] == [archives.digest(layer) for layer in layers]
    assert tuple(layer.chain_id for layer in image.layers) == chain_ids(
        [layer.diff_id for layer in image.layers]
    )
    assert [layer.size for layer in image.layers] == [len(layer) for layer in layers]


def test_oci_layout(layout, images):
    """An OCI layout tells the manifest's digest and those of the blobs as well."""
    descriptor = layout.image("a", **named("quay.io/app:1"))
    (image,) = images(layout.index(descriptor))
    assert image.names == ("quay.io/app:1",)
    assert image.manifest_digest == descriptor["digest"]
    (layer,) = image.layers
    assert layer.digest == layer.diff_id == f"sha256:{layer.chain_id}"


@pytest.mark.parametrize(
    ("annotations", "names"),
    [
        ({REF_NAME: "localhost/app:1"}, ("localhost/app:1",)),
        ({REF_NAME: "app:1"}, ("localhost/app:1",)),
        ({REF_NAME: "1.0"}, ("localhost/layout:1.0",)),
        (
            {REF_NAME: "latest", "io.containerd.image.name": "docker.io/library/app:latest"},
            ("docker.io/library/app:latest",),
        ),
        ({REF_NAME: "No Name"}, ()),
        ({}, ()),
    ],
)
def test_names(annotations, names, layout, images):
    """A name comes from containerd's annotation or the reference; a mere tag goes with the directory's name."""
    (image,) = images(layout.index(layout.image("a", annotations=annotations)))
    assert image.names == names


def test_several_images(layout, images):
    """Each name in an index is an image of its own."""
    found = images(layout.index(layout.image("a", **named("one:1")), layout.image("b", **named("two:1"))))
    assert [image.names for image in found] == [("localhost/one:1",), ("localhost/two:1",)]
    assert len({image.id for image in found}) == 2


@pytest.mark.parametrize("nested", [False, True])
def test_platforms(nested, layout, images):
    """Of several platforms the host's is chosen, at the top as in an index of its own; attestations are no images."""
    host = str(hostplatform.Platform(os="linux", architecture=hostplatform.of_host().architecture))
    ours = layout.image("ours", **kind(host))
    several = [
        layout.image("other", **kind("linux/mips64le")),
        ours,
        layout.image("attest", **kind("unknown/unknown")),
    ]
    if nested:
        several = [{**layout.blob({"manifests": several}), "mediaType": INDEX, **named("app:1")}]
    (image,) = images(layout.index(*several))
    assert image.manifest_digest == ours["digest"]
    assert image.names == (("localhost/app:1",) if nested else ())


def test_the_only_platform(layout, images):
    """An image for one platform alone is taken, even if it is another: there may be an emulator for it."""
    several = [
        layout.image("other", **kind("linux/mips64le")),
        layout.image("attest", **kind("unknown/unknown")),
    ]
    (image,) = images(layout.index({**layout.blob({"manifests": several}), "mediaType": INDEX}))
    assert image.manifest_digest == several[0]["digest"]


def test_no_platform_fits(layout, images):
    """When none of several platforms fits, the error lists what is there."""
    several = [layout.image("a", **kind("linux/mips64le")), layout.image("b", **kind("windows/amd64"))]
    with pytest.raises(ArchiveBroken, match="it has linux/mips64le, windows/amd64"):
        images(layout.index(*several))


def test_both_forms_in_one(layout, archives, images, tmp_path):
    """Of an archive that is OCI and docker at once, as docker save writes it, the OCI part counts."""
    layout.index(layout.image("a", **named("oci:1")))
    (layout.path / "manifest.json").write_text(
        json.dumps([{"Config": "x", "RepoTags": ["docker:1"], "Layers": []}])
    )
    subprocess.run(["tar", "-C", layout.path, "-cf", tmp_path / "image.tar", "."], check=True)
    (image,) = images(tmp_path / "image.tar")
    assert image.names == ("localhost/oci:1",)


@pytest.mark.parametrize("link", ["symlink", "hard link"])
def test_layers_that_are_links(link, archives, images, tmp_path):
    """A docker archive may hold a layer once and links to it, as older versions wrote it."""
    layer = archives.layer(("a", {}))
    config = archives.config([layer, layer])
    top = tmp_path / "top"
    for name in ("one", "two"):
        (top / name).mkdir(parents=True)
    (top / "one/layer.tar").write_bytes(layer)
    if link == "symlink":
        os.symlink("../one/layer.tar", top / "two/layer.tar")
    else:
        os.link(top / "one/layer.tar", top / "two/layer.tar")
    (top / "c.json").write_bytes(config)
    manifest = [{"Config": "c.json", "RepoTags": None, "Layers": ["one/layer.tar", "two/layer.tar"]}]
    (top / "manifest.json").write_text(json.dumps(manifest))
    subprocess.run(["tar", "-C", top, "-cf", tmp_path / "image.tar", "."], check=True)
    (image,) = images(tmp_path / "image.tar")
    assert [layer.size for layer in image.layers] == [len(layer)] * 2


def test_read_in_place(archives, images, tmp_path, monkeypatch):
    """An archive that is not compressed is read where it is: nothing is written."""
    archive = archives.docker(tmp_path / "image.tar", [archives.layer(("a", {}))])
    with (
        open_archive(str(archive), staging="/nonexistent") as opened,
        opened.layer(opened.images[0].layers[0]) as chunks,
    ):
        assert b"".join(chunks) == archives.layer(("a", {}))


def test_umoci(images, need, tmp_path):
    """An image that umoci has made and changed is read, and its layers too."""
    need(shutil.which("umoci"), "umoci")

    def umoci(*words):
        subprocess.run(["umoci", *words], check=True, capture_output=True)

    layout = tmp_path / "base"
    umoci("init", "--layout", str(layout))
    umoci("new", "--image", f"{layout}:1")
    umoci("unpack", "--image", f"{layout}:1", str(tmp_path / "bundle"))
    (tmp_path / "bundle/rootfs/file").write_text("content")
    umoci("repack", "--image", f"{layout}:1", str(tmp_path / "bundle"))
    (image,) = images(layout)
    assert image.names == ("localhost/base:1",)
    assert len(image.layers) == 1


def test_buildah(ours, listing, need, tmp_path):
    """An image that buildah has built is unpacked."""
    need(shutil.which("buildah"), "buildah")
    import tempfile

    from _engine.kernel import mounts

    run_root = tempfile.mkdtemp(prefix="buildah-run-")
    root = tmp_path / "buildah"
    command = ["buildah", "--root", root, "--runroot", run_root, "--storage-driver", "vfs"]

    def buildah(*words):
        return subprocess.run([*command, *words], check=True, capture_output=True, text=True).stdout.strip()

    try:
        (tmp_path / "file").write_text("content")
        container = buildah("from", "scratch")
        buildah("copy", "--chown", "5:6", container, str(tmp_path / "file"), "/dir/file")
        buildah("commit", container, f"oci-archive:{tmp_path}/image.tar:built:1")
        buildah("rm", container)
    finally:
        mounts.unmount_below(str(root))
        shutil.rmtree(run_root)
    with ours(tmp_path / "image.tar") as top:
        found = listing(top)
    assert found[b"dir/file"]["owner"] == (5, 6)
