# SPDX-License-Identifier: GPL-3.0-or-later
"""An image in the shape of ``podman image inspect``; pure. docs/results.md documents it."""

from __future__ import annotations

from typing import Any

from ...model.engine.record import ImageRecord
from ...model.image import config as imageconfig
from ...model.image.config import ImageConfig


def image_shape(record: ImageRecord) -> dict[str, Any]:
    """Return the image; a value that its archive lacks is None. Raises ArchiveBroken (invalid config)."""
    config = imageconfig.parse(record.config)
    size = sum(layer.size for layer in record.layers)
    return {
        "Id": record.id,
        "Digest": record.manifest_digest,
        "RepoTags": [name for name in record.names if "@" not in name],
        "RepoDigests": _repository_digests(record),
        "Parent": "",
        "Comment": str(config.history[0].get("comment") or "") if config.history else "",
        "Created": config.created,
        "Config": _config(config),
        "Version": "",
        "Author": config.author,
        "Architecture": config.architecture,
        "Os": config.os,
        "Size": size,
        "VirtualSize": size,
        "RootFS": {"Type": "layers", "Layers": list(config.diff_ids)},
        "Labels": dict(config.labels),
        # These are in the manifest, of which only the digest is stored.
        "Annotations": None,
        "ManifestType": None,
        "User": config.user,
        "History": [dict(entry) for entry in config.history],
        # Former names are not stored.
        "NamesHistory": None,
        **({"Healthcheck": dict(config.healthcheck)} if config.healthcheck else {}),
    }


def _repository_digests(record: ImageRecord) -> list[str]:
    """Return ``REPOSITORY@DIGEST`` for each repository that the image has a name or digest in."""
    digest = record.manifest_digest
    named = {f"{_repository(name)}@{digest}" for name in record.names if digest is not None}
    return sorted({*named, *record.digests, *(name for name in record.names if "@" in name)})


def _repository(name: str) -> str:
    head, _at, _digest = name.partition("@")
    start, colon, tag = head.rpartition(":")
    # A colon before the last slash precedes the registry's port.
    return start if colon and "/" not in tag else head


def _config(config: ImageConfig) -> dict[str, Any]:
    return {
        "User": config.user,
        "ExposedPorts": {port: {} for port in config.exposed_ports},
        "Env": list(config.env),
        "Entrypoint": list(config.entrypoint),
        "Cmd": list(config.cmd),
        "Volumes": {path: {} for path in config.volumes},
        "WorkingDir": config.working_dir,
        "Labels": dict(config.labels),
        "StopSignal": config.stop_signal,
    }
