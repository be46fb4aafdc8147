# SPDX-License-Identifier: GPL-3.0-or-later
"""The content of archives: images, their names, ids and layers, whichever tool wrote them."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile

import pytest

from _engine.errors import ArchiveBroken, DigestMismatch
from _engine.images.archive import platform
from _engine.images.archive.image import chain_ids
from _engine.images.archive.open import open_archive

INDEX = "application/vnd.oci.image.index.v1+json"
REF_NAME = "org.opencontainers.image.ref.name"


@pytest.fixture
def images(tmp_path):
    """Return a function that returns the images in an archive."""

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
        """Add a blob; return its descriptor."""
        data = data if isinstance(data, bytes) else json.dumps(data).encode()
        digest = self.archives.digest(data)
        (self.path / "blobs" / digest.replace(":", "/")).write_bytes(data)
        return {"digest": digest, "size": len(data)}

    def image(self, content, **more):
        """Add an image of one layer with one file; return its manifest's descriptor."""
        layer = self.archives.layer((content, {}))
        manifest = {"config": self.blob(self.archives.config([layer])), "layers": [self.blob(layer)]}
        return {**self.blob(manifest), **more}

    def index(self, *descriptors):
        """Write index.json."""
        (self.path / "index.json").write_text(json.dumps({"manifests": descriptors}))
        return self.path


def kind(text):
    """Return the platform of OS/ARCHITECTURE."""
    os_name, architecture = text.split("/")
    return {"platform": {"os": os_name, "architecture": architecture}}


def named(name, key=REF_NAME):
    """Return the annotation of a name."""
    return {"annotations": {key: name}}


def test_chain_ids():
    """A chain id is computed from the one below and the layer's diff id, according to the image-spec."""
    first, second, third = (f"sha256:{letter * 64}" for letter in "abc")
    two = hashlib.sha256(f"{first} {second}".encode()).hexdigest()
    three = hashlib.sha256(f"sha256:{two} {third}".encode()).hexdigest()
    assert chain_ids([first, second, third]) == ("a" * 64, two, three)
    assert chain_ids([]) == ()


def test_docker_archive(archives, images, tmp_path):
    """A docker archive has id, names and layers."""
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
    """An OCI layout also has the digests of manifest and blobs."""
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
    """A name comes from containerd's annotation or the reference; a mere tag is appended to the directory's name."""
    (image,) = images(layout.index(layout.image("a", annotations=annotations)))
    assert image.names == names


def test_several_images(layout, images):
    """Each name in an index is an image of its own."""
    found = images(layout.index(layout.image("a", **named("one:1")), layout.image("b", **named("two:1"))))
    assert [image.names for image in found] == [("localhost/one:1",), ("localhost/two:1",)]
    assert len({image.id for image in found}) == 2


@pytest.mark.parametrize("nested", [False, True])
def test_platforms(nested, layout, images):
    """The host's platform is selected, at the top and in a nested index; attestations are not images."""
    host = str(platform.Platform(os="linux", architecture=platform.of_host().architecture))
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
    assert image.passed_over == (() if nested else ("linux/mips64le",))


def test_the_only_platform(layout, images):
    """An image for a single platform is accepted, even if it is foreign: there may be an emulator for it."""
    several = [
        layout.image("other", **kind("linux/mips64le")),
        layout.image("attest", **kind("unknown/unknown")),
    ]
    (image,) = images(layout.index({**layout.blob({"manifests": several}), "mediaType": INDEX}))
    assert image.manifest_digest == several[0]["digest"]


def test_no_platform_fits(layout, images):
    """If none of several platforms fits, the error lists them."""
    several = [layout.image("a", **kind("linux/mips64le")), layout.image("b", **kind("windows/amd64"))]
    with pytest.raises(ArchiveBroken, match="only for linux/mips64le, windows/amd64"):
        images(layout.index(*several))


def test_images_without_names(layout, images):
    """Descriptors without names, as of ``docker save ID ID``, are separate images; duplicates are one."""
    one, two = (layout.image(content, **kind("linux/amd64")) for content in ("one", "two"))
    found = images(layout.index(one, two, one))
    assert [image.manifest_digest for image in found] == [one["digest"], two["digest"]]
    assert [image.names for image in found] == [(), ()]


def test_several_names_of_one_image(layout, images):
    """An image that an index lists twice is one image with both names."""
    image = layout.image("a")
    (found,) = images(layout.index({**image, **named("app:1")}, {**image, **named("app:2")}))
    assert found.names == ("localhost/app:1", "localhost/app:2")


NOT_SAVED = {"digest": f"sha256:{'b' * 64}", "size": 500}
BESIDE = {
    "attestation that was not saved": {**NOT_SAVED, **kind("unknown/unknown")},
    "cosign's signatures, not saved": {
        **NOT_SAVED,
        "annotations": {"kind": "dev.cosignproject.cosign/sigs"},
    },
    "tag of a signature": {**NOT_SAVED, **named(f"quay.io/app:sha256-{'a' * 64}.sig")},
    "referrers of a registry": {**NOT_SAVED, **named(f"sha256-{'a' * 64}")},
    "artifact": {**NOT_SAVED, "artifactType": "application/vnd.in-toto+json"},
    "attestation": {**NOT_SAVED, "annotations": {"vnd.docker.reference.type": "attestation-manifest"}},
}
BESIDE_BY_MANIFEST = {
    "signature": (
        "application/vnd.oci.image.config.v1+json",
        "application/vnd.dev.cosign.simplesigning.v1+json",
    ),
    "SBOM": ("application/vnd.oci.image.config.v1+json", "text/spdx+json"),
    "in-toto statement": ("application/vnd.oci.empty.v1+json", "application/vnd.in-toto+json"),
    "chart": (
        "application/vnd.cncf.helm.config.v1+json",
        "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
    ),
}


def artifact(layout, config_type, layer_type):
    """Add an artifact of the form that cosign, oras and helm write; return its descriptor."""
    blob = layout.blob(b"{}")
    manifest = {"config": {**blob, "mediaType": config_type}, "layers": [{**blob, "mediaType": layer_type}]}
    return layout.blob(manifest)


@pytest.mark.parametrize("case", [*BESIDE, *BESIDE_BY_MANIFEST])
def test_what_is_no_image(case, layout, images):
    """Signatures, attestations and other artifacts are skipped; the error says so if nothing else is there."""
    beside = BESIDE.get(case) or artifact(layout, *BESIDE_BY_MANIFEST[case])
    (image,) = images(layout.index(layout.image("a", **named("app:1")), beside))
    assert image.names == ("localhost/app:1",)
    nested = {**layout.blob({"manifests": [beside]}), "mediaType": INDEX}
    for index in ([beside], [nested]):
        with pytest.raises(
            ArchiveBroken, match=f"{layout.path}: the archive contains no image, only artifacts"
        ):
            images(layout.index(*index))


@pytest.mark.parametrize(
    ("name", "content"), [("manifest.json", b"[]"), ("index.json", b'{"schemaVersion": 2, "manifests": []}')]
)
def test_an_archive_of_nothing(name, content, images, tmp_path):
    """An archive without images is an error, not a success that loads nothing."""
    path = tmp_path / "none.tar"
    with tarfile.open(path, "w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    with pytest.raises(ArchiveBroken, match="contains no image"):
        images(path)


def test_signature_in_a_docker_archive(archives, images, tmp_path):
    """Signatures in a docker archive of all tags of a repository are not images."""
    layer = archives.layer(("a", {}))
    (config, signed) = (archives.config([content]) for content in (layer, b"{}"))
    items = [("c", "app:1", "layer"), ("s", f"app:sha256-{'a' * 64}.sig", "signature")]
    manifest = [{"Config": name, "RepoTags": [tag], "Layers": [blob]} for name, tag, blob in items]
    files = {"c": config, "s": signed, "layer": layer, "signature": b"{}"}
    files["manifest.json"] = json.dumps(manifest).encode()
    (image,) = images(archives.tar(tmp_path / "image.tar", files.items()))
    assert image.names == ("localhost/app:1",)


def test_platforms_that_were_not_saved(layout, images):
    """Of an index with platforms that were not saved, a saved one is taken if it fits; else it is an error."""
    host = f"linux/{platform.of_host().architecture}"
    gone = [{**NOT_SAVED, **kind("linux/s390x")}]
    ours = layout.image("ours", **kind(host))
    (image,) = images(layout.index({**layout.blob({"manifests": [*gone, ours]}), "mediaType": INDEX}))
    assert image.manifest_digest == ours["digest"]
    gone = [{**NOT_SAVED, **kind(host)}]
    several = [
        *gone,
        layout.image("other", **kind("linux/mips64le")),
        {**NOT_SAVED, **kind("unknown/unknown")},
    ]
    with pytest.raises(ArchiveBroken, match=rf"platform {host}.*, only for linux/mips64le") as caught:
        images(layout.index({**layout.blob({"manifests": several}), "mediaType": INDEX}))
    assert caught.value.fields["platforms"] == ["linux/mips64le"]
    with pytest.raises(ArchiveBroken, match=r"lacks the blob sha256:bbb.* that it lists"):
        images(layout.index({**layout.blob({"manifests": [*gone, *gone]}), "mediaType": INDEX}))


@pytest.mark.parametrize("algorithm", ["sha384", "sha512"])
def test_other_digests(algorithm, archives, images, tmp_path):
    """sha512 digests are checked like those of sha256; ids and chain ids have 64 digits all the same."""
    layers = [archives.layer((name, {})) for name in "ab"]

    def digest(data):
        return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"

    config = {"rootfs": {"type": "layers", "diff_ids": [digest(layer) for layer in layers]}}
    config = json.dumps(config).encode()
    manifest = {
        "config": {"digest": digest(config), "size": len(config)},
        "layers": [{"digest": digest(layer), "size": len(layer)} for layer in layers],
    }
    manifest = json.dumps(manifest).encode()
    files = {f"blobs/{digest(data).replace(':', '/')}": data for data in (config, manifest, *layers)}
    oci = {**files, "index.json": json.dumps({"manifests": [{"digest": digest(manifest)}]}).encode()}
    config_name, _manifest, *layer_names = files
    docker = [{"Config": config_name, "Layers": layer_names}]
    docker = {**files, "manifest.json": json.dumps(docker).encode()}
    for form in (oci, docker):
        path = archives.tar(tmp_path / "image.tar", form.items())
        with open_archive(str(path), staging=str(tmp_path)) as archive:
            (image,) = archive.images
            for layer, plain in zip(image.layers, layers):
                with archive.layer(layer) as chunks:
                    assert b"".join(chunks) == plain
        assert image.id == hashlib.sha256(config).hexdigest()
        assert [len(layer.chain_id) for layer in image.layers] == [64, 64]
        path = archives.tar(tmp_path / "altered.tar", {**form, layer_names[0]: layers[1]}.items())
        with (
            open_archive(str(path), staging=str(tmp_path)) as archive,
            pytest.raises(DigestMismatch, match=algorithm),
        ):
            archive.check(archive.images[0].layers[0])
    path = archives.tar(tmp_path / "altered.tar", {**docker, config_name: config + b" "}.items())
    with pytest.raises(DigestMismatch):
        images(path)


@pytest.mark.parametrize("form", ["oci-dir", "docker-dir"])
def test_directories_of_podman(form, archives, load, listing, need, tmp_path):
    """A directory written by ``podman save`` is loaded as the archive that it came from."""
    need(shutil.which("podman"), "podman, to make the directory")
    archive = archives.docker(tmp_path / "image.tar", [archives.layer(("./", {}), ("a", {"data": b"1"}))])
    run_root = tempfile.mkdtemp(prefix="podman-run-")  # podman requires a shorter path than tmp_path
    command = ["podman", "--root", tmp_path / "podman", "--runroot", run_root, "--storage-driver", "vfs"]
    try:
        subprocess.run([*command, "load", "--quiet", "--input", archive], check=True, capture_output=True)
        save = ["save", "--quiet", "--format", form, "--output", tmp_path / form, "localhost/test:1"]
        subprocess.run([*command, *save], check=True, capture_output=True)
    finally:
        shutil.rmtree(run_root)
    (made,) = load(tmp_path / form)
    (expected,) = load(archive)
    assert listing(made) == listing(expected)


def test_directory_with_other_names(layout, images, tmp_path):
    """A directory in containers/image's format may have a list of platforms, and other digest algorithms."""
    host = f"linux/{platform.of_host().architecture}"
    ours = layout.image("ours", **kind(host))
    top = {"manifests": [layout.image("other", **kind("linux/mips64le")), ours]}
    target = tmp_path / "dir"
    target.mkdir()
    (target / "manifest.json").write_text(json.dumps(top))
    for number, blob in enumerate(sorted((layout.path / "blobs/sha256").iterdir())):
        suffix = ".manifest.json" if blob.read_bytes().startswith(b'{"config"') else ""
        prefix = "sha256-" if number % 2 else ""
        (target / f"{prefix}{blob.name}{suffix}").write_bytes(blob.read_bytes())
    (image,) = images(target)
    assert (image.manifest_digest, image.names) == (ours["digest"], ())
    (target / "manifest.json").write_text(json.dumps({"schemaVersion": 1, "fsLayers": []}))
    with pytest.raises(ArchiveBroken, match="schema 1"):
        images(target)


def test_unpacked_docker_archive(archives, images, tmp_path):
    """An unpacked docker archive is read in place, and never left through its links or names."""
    archive = archives.docker(tmp_path / "image.tar", [archives.layer(("a", {}))])
    top = tmp_path / "top"
    top.mkdir()
    subprocess.run(["tar", "-C", top, "-xf", archive], check=True)
    (image,) = images(top)
    assert image.names == ("localhost/test:1",)
    (tmp_path / "outside").write_bytes((top / "0/layer.tar").read_bytes())
    os.remove(top / "0/layer.tar")
    os.symlink("../../outside", top / "0/layer.tar")
    with pytest.raises(ArchiveBroken, match="lacks the"):
        images(top)


def test_before_docker_1_10(archives, images, tmp_path):
    """An archive from before Docker 1.10 has an error of its own, without a hint at image_import."""
    files = [("aa/json", b"{}"), ("aa/layer.tar", archives.layer()), ("repositories", b'{"old":{"1":"aa"}}')]
    with pytest.raises(ArchiveBroken, match=r"older than 1\.10.*Load it into a newer") as caught:
        images(archives.tar(tmp_path / "image.tar", files))
    assert "image_import" not in str(caught.value)


def test_both_forms_in_one(layout, archives, images, tmp_path):
    """Of an archive that is both OCI and docker, as docker save writes it, the OCI part counts."""
    layout.index(layout.image("a", **named("oci:1")))
    (layout.path / "manifest.json").write_text(
        json.dumps([{"Config": "x", "RepoTags": ["docker:1"], "Layers": []}])
    )
    subprocess.run(["tar", "-C", layout.path, "-cf", tmp_path / "image.tar", "."], check=True)
    (image,) = images(tmp_path / "image.tar")
    assert image.names == ("localhost/oci:1",)


def test_layers_in_one_form_alone(layout, archives, images, tmp_path):
    """If the OCI part lists no layers (Docker 25's release candidates), the docker part counts."""
    layer = archives.layer(("a", {}))
    config = layout.blob(archives.config([layer]))
    layout.index(layout.blob({"config": config, "layers": None}))
    names = ["blobs/" + blob["digest"].replace(":", "/") for blob in (config, layout.blob(layer))]
    manifest = [{"Config": names[0], "RepoTags": ["rc:1"], "Layers": names[1:]}]
    with pytest.raises(ArchiveBroken, match="lists 0 layers"):
        images(layout.path)
    (layout.path / "manifest.json").write_text(json.dumps(manifest))
    (image,) = images(layout.path)
    assert (image.names, len(image.layers)) == (("localhost/rc:1",), 1)


@pytest.mark.parametrize("link", ["symlink", "hard link", "symlink from the top", "absolute symlink"])
def test_layers_that_are_links(link, archives, images, tmp_path):
    """A docker archive may have a layer once and links to it, as older versions wrote it."""
    layer = archives.layer(("a", {}))
    config = archives.config([layer, layer])
    top = tmp_path / "top"
    for name in ("one", "two"):
        (top / name).mkdir(parents=True)
    (top / "one/layer.tar").write_bytes(layer)
    targets = {"symlink": "../", "symlink from the top": "", "absolute symlink": "/"}
    if link in targets:
        os.symlink(f"{targets[link]}one/layer.tar", top / "two/layer.tar")
    else:
        os.link(top / "one/layer.tar", top / "two/layer.tar")
    (top / "c.json").write_bytes(config)
    manifest = [{"Config": "c.json", "RepoTags": None, "Layers": ["one/layer.tar", "two/layer.tar"]}]
    (top / "manifest.json").write_text(json.dumps(manifest))
    subprocess.run(["tar", "-C", top, "-cf", tmp_path / "image.tar", "."], check=True)
    (image,) = images(tmp_path / "image.tar")
    assert [layer.size for layer in image.layers] == [len(layer)] * 2


def test_read_in_place(archives, images, tmp_path, monkeypatch):
    """An archive that is not compressed is read in place: nothing is written."""
    archive = archives.docker(tmp_path / "image.tar", [archives.layer(("a", {}))])
    with (
        open_archive(str(archive), staging="/nonexistent") as opened,
        opened.layer(opened.images[0].layers[0]) as chunks,
    ):
        assert b"".join(chunks) == archives.layer(("a", {}))


def test_umoci(images, need, tmp_path):
    """An image created and changed by umoci is read, layers included."""
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
    """An image built by buildah is unpacked."""
    need(shutil.which("buildah"), "buildah")
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
