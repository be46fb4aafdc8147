# SPDX-License-Identifier: GPL-3.0-or-later
"""Wrap mutated bytes in an archive with right checksums and digests, so that the mutation reaches what lies behind these."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping

BLOCK = 512
_CHECKSUM = slice(148, 156)
_SIZE = slice(124, 136)


def repaired(data: bytes) -> bytes:
    """Return a tar with the checksum of each header made right; what is no tar comes back as it is."""
    fixed, at = bytearray(data), 0
    while at + BLOCK <= len(fixed):
        header = fixed[at : at + BLOCK]
        if any(header):
            header[_CHECKSUM] = b" " * 8
            fixed[at + 148 : at + 156] = b"%06o\0 " % sum(header)
        at += BLOCK + _content(bytes(header[_SIZE]))
    return bytes(fixed)


def _content(field: bytes) -> int:
    """Return how many bytes of content follow a header, in whole blocks; 0 for a size that is none."""
    digits = field.strip(b"\0 ")
    size = int(digits, 8) if digits and not digits.strip(b"01234567") else 0
    return -(-size // BLOCK) * BLOCK


def tar(files: Mapping[str, bytes]) -> bytes:
    """Return a tar of plain files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def sha256(data: bytes) -> str:
    """Return the digest as OCI writes it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def descriptor(kind: str, data: bytes) -> dict[str, object]:
    """Return an OCI descriptor of some content."""
    return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": sha256(data), "size": len(data)}


def config(layer: bytes) -> dict[str, object]:
    """Return the configuration of an image of one layer, with every field that the engine reads."""
    return {
        "architecture": "amd64",
        "os": "linux",
        "created": "2026-01-02T03:04:05.678901234Z",
        "author": "nobody",
        "config": {
            "Env": ["PATH=/bin", "A=1"],
            "User": "1000:app",
            "WorkingDir": "/data",
            "Entrypoint": ["/bin/sh"],
            "Cmd": ["-c", "id"],
            "Volumes": {"/data/": {}},
            "ExposedPorts": {"80/tcp": {}},
            "Labels": {"a": "b"},
            "StopSignal": "SIGQUIT",
            "Shell": ["/bin/sh"],
            "Healthcheck": {"Test": ["CMD", "true"], "Interval": 1000000000, "Retries": 3},
        },
        "rootfs": {"type": "layers", "diff_ids": [sha256(layer)]},
        "history": [{"created": "2026-01-02T03:04:05Z", "created_by": "sh", "empty_layer": False}],
    }


def docker(layer: bytes, *, manifest: bytes | None = None, configuration: bytes | None = None) -> bytes:
    """Return what `docker save` writes for an image of one layer."""
    configuration = json.dumps(config(layer)).encode() if configuration is None else configuration
    entry = {"Config": "config.json", "RepoTags": ["localhost/fuzz:1"], "Layers": ["layer.tar"]}
    manifest = json.dumps([entry]).encode() if manifest is None else manifest
    return tar({"manifest.json": manifest, "config.json": configuration, "layer.tar": layer})


def oci(
    layer: bytes,
    *,
    index: bytes | None = None,
    manifest: bytes | None = None,
    configuration: bytes | None = None,
) -> bytes:
    """Return an OCI image layout of one image; the digests of what is not given are right."""
    configuration = json.dumps(config(layer)).encode() if configuration is None else configuration
    if manifest is None:
        parts = {
            "config": descriptor("config.v1+json", configuration),
            "layers": [descriptor("layer.v1.tar", layer)],
        }
        manifest = json.dumps({"schemaVersion": 2, **parts}).encode()
    if index is None:
        named = {"annotations": {"org.opencontainers.image.ref.name": "localhost/fuzz:1"}}
        index = json.dumps(
            {"schemaVersion": 2, "manifests": [{**descriptor("manifest.v1+json", manifest), **named}]}
        ).encode()
    blobs = {f"blobs/sha256/{sha256(blob)[7:]}": blob for blob in (layer, configuration, manifest)}
    return tar({"oci-layout": b'{"imageLayoutVersion": "1.0.0"}', "index.json": index, **blobs})
