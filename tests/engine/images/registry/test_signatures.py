# SPDX-License-Identifier: GPL-3.0-or-later
"""Artifacts beside an image in a registry are never taken for images: signatures, SBOMs, attestations."""

from __future__ import annotations

import json
import urllib.request

import pytest

from _engine.errors import ArchiveBroken
from pulling import Puller
from referrers import registry_in_memory
from registries import digest_of, push

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
EMPTY = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest_of(b"{}"), "size": 2}
SIGNATURE = "application/vnd.dev.cosign.simplesigning.v1+json"


class Shelf:
    """A registry that has team/app:1, and artifacts that a test adds."""

    def __init__(self, memory, digest):
        self.memory, self.digest = memory, digest
        self.name = f"{memory.address}/team/app"

    def blob(self, data, kind):
        """Store a blob in the registry; return its descriptor."""
        self.memory.blobs[digest_of(data)] = data
        return {"mediaType": kind, "digest": digest_of(data), "size": len(data)}

    def put(self, tag, manifest, kind=MANIFEST):
        """Push a manifest; return its descriptor."""
        data = json.dumps({"schemaVersion": 2, "mediaType": kind, **manifest}).encode()
        url = f"http://{self.memory.address}/v2/team/app/manifests/{tag or digest_of(data)}"
        request = urllib.request.Request(url, data, {"Content-Type": kind}, method="PUT")
        urllib.request.urlopen(request).close()
        return {"mediaType": kind, "digest": digest_of(data), "size": len(data)}

    @property
    def subject(self):
        """Return the descriptor of the image."""
        kind, data = self.memory.manifests["team/app", "1"]
        return {"mediaType": kind, "digest": self.digest, "size": len(data)}

    def of_cosign(self):
        """Return a signature as cosign pushes it: an image manifest with an empty configuration."""
        config = self.blob(b'{"architecture":"","os":"","config":{},"rootfs":{"type":"layers"}}', CONFIG)
        layer = self.blob(b'{"critical":{"identity":{}}}', SIGNATURE)
        return {
            "config": config,
            "layers": [{**layer, "annotations": {"dev.cosignproject.cosign/signature": "x"}}],
        }

    def of_oci(self):
        """Return a signature in the form of OCI 1.1: an artifact whose subject is the image."""
        layer = self.blob(b"{}", SIGNATURE)
        return {"artifactType": SIGNATURE, "config": EMPTY, "layers": [layer], "subject": self.subject}


@pytest.fixture
def shelf(image, tmp_path):
    """Return a registry that has an image."""
    with registry_in_memory() as memory:
        digest = push(
            image, f"{memory.address}/team/app:1", "--dest-tls-verify=false", note=tmp_path / "note"
        )
        yield Shelf(memory, digest)


@pytest.fixture
def puller(tmp_path):
    """Return an engine for one test."""
    return Puller(tmp_path)


@pytest.mark.parametrize("kind", ["of_cosign", "of_oci"])
def test_a_signature_is_no_image(shelf, puller, kind):
    """A signature is refused by its tag and by its digest; a pull of the image fetches nothing of the signature."""
    tag = f"{shelf.digest.replace(':', '-')}.sig"
    digest = shelf.put(tag, getattr(shelf, kind)())["digest"]
    for name in (f"{shelf.name}:{tag}", f"{shelf.name}@{digest}"):
        with pytest.raises(ArchiveBroken, match="is not an image"):
            puller.pull(name)
    assert puller.blobs() == set()
    done = puller.pull(f"{shelf.name}:1")
    assert done.result["image"]["RepoDigests"] == [f"{shelf.name}@{shelf.digest}"]
    assert digest not in puller.blobs()
    assert puller.pull(f"{shelf.name}:1", "newer").actions == ()


def test_an_index_with_what_describes_its_images(shelf, puller):
    """From an index with attestations and signatures before and after the image, the image is selected."""
    attestation = shelf.put(None, shelf.of_cosign())
    unknown = {"platform": {"architecture": "unknown", "os": "unknown"}}
    note = {"annotations": {"vnd.docker.reference.type": "attestation-manifest"}}
    signature = {**shelf.put(None, shelf.of_oci()), "artifactType": SIGNATURE}
    members = [
        {**attestation, **unknown, **note},
        signature,
        shelf.subject,
        {**attestation, **unknown, **note},
    ]
    index = shelf.put("all", {"manifests": members}, INDEX)
    done = puller.pull(f"{shelf.name}:all")
    assert set(done.result["image"]["RepoDigests"]) == {
        f"{shelf.name}@{digest}" for digest in (index["digest"], shelf.digest)
    }


def test_an_index_of_signatures_alone(shelf, puller):
    """The fallback tag of referrers, an index of the image's artifacts, is not an image."""
    tag = shelf.digest.replace(":", "-")
    signature = {**shelf.put(None, shelf.of_oci()), "artifactType": SIGNATURE}
    shelf.put(tag, {"manifests": [signature]}, INDEX)
    with pytest.raises(ArchiveBroken, match="is not an image"):
        puller.pull(f"{shelf.name}:{tag}")
