# SPDX-License-Identifier: GPL-3.0-or-later
"""The in-memory registry stores images and lists their referrers, checked with skopeo and curl."""

from __future__ import annotations

import json

from referrers import registry_in_memory
from registries import push, run

TYPE = "application/vnd.oci.image.manifest.v1+json"


def test_image(image, tmp_path):
    """An image comes back unchanged."""
    with registry_in_memory() as memory:
        source = f"{memory.address}/team/app:1"
        digest = push(image, source, "--dest-tls-verify=false", note=tmp_path / "note")
        assert (
            json.loads(run(["skopeo", "inspect", "--tls-verify=false", f"docker://{source}"]))["Digest"]
            == digest
        )
        run(
            [
                "skopeo",
                "copy",
                "-q",
                "--src-tls-verify=false",
                f"docker://{source}",
                f"dir:{tmp_path / 'copy'}",
            ]
        )
        assert ("GET", "/v2/team/app/manifests/1") in memory.asked


def test_referrers(image, tmp_path):
    """The manifests whose subject is an image are listed, of one type or of all."""
    with registry_in_memory() as memory:
        subject = push(image, f"{memory.address}/app:1", "--dest-tls-verify=false", note=tmp_path / "note")
        base = f"http://{memory.address}/v2/app"
        for kind in ("text/sbom", "text/signature"):
            manifest = {
                "schemaVersion": 2,
                "artifactType": kind,
                "layers": [],
                "subject": {"digest": subject},
            }
            argv = ["curl", "-si", "-X", "PUT", "-H", f"Content-Type: {TYPE}", "-d", json.dumps(manifest)]
            assert f"OCI-Subject: {subject}" in run([*argv, f"{base}/manifests/{kind[5:]}"])

        def told(query=""):
            index = json.loads(run(["curl", "-s", f"{base}/referrers/{subject}{query}"]))
            return sorted(one["artifactType"] for one in index["manifests"])

        assert told() == ["text/sbom", "text/signature"]
        assert told("?artifactType=text/sbom") == ["text/sbom"]
        memory.filters = False
        assert told("?artifactType=text/sbom") == ["text/sbom", "text/signature"]
        assert json.loads(run(["curl", "-s", f"{base}/referrers/sha256:{'0' * 64}"]))["manifests"] == []
