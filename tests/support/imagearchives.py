# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers and archives made by hand, entry by entry."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile

WHEN = 1_000_000_000


class Archives:
    """Makers of layers and archives, with tarfile and JSON alone."""

    @staticmethod
    def layer(*entries):
        """Make a layer tar of (name, attributes); a name that ends in / is a directory, ``data`` is content."""
        buffer = io.BytesIO()
        with tarfile.open(
            fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT, errors="surrogateescape"
        ) as tar:
            for name, given in entries:
                wanted = dict(given)
                data = wanted.pop("data", b"")
                info = tarfile.TarInfo(name.rstrip("/") if name != "./" else "./")
                info.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
                info.mode = 0o755 if name.endswith("/") else 0o644
                info.mtime = WHEN
                info.size = len(data)
                for key, value in wanted.items():
                    setattr(info, key, value)
                tar.addfile(info, io.BytesIO(data))
        return buffer.getvalue()

    @staticmethod
    def config(layers, **config):
        """Make an image configuration."""
        return json.dumps(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": config,
                "rootfs": {"type": "layers", "diff_ids": [Archives.digest(layer) for layer in layers]},
            }
        ).encode()

    @staticmethod
    def digest(data):
        """Give the digest of some bytes."""
        return f"sha256:{hashlib.sha256(data).hexdigest()}"

    @staticmethod
    def tar(path, members):
        """Write a tar of (name, bytes)."""
        with tarfile.open(path, "w") as tar:
            for name, data in members:
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        return path

    @staticmethod
    def docker(path, layers, *, tag="localhost/test:1"):
        """Write a docker archive."""
        config = Archives.config(layers)
        name = f"{hashlib.sha256(config).hexdigest()}.json"
        files = [(f"{number}/layer.tar", layer) for number, layer in enumerate(layers)]
        manifest = [{"Config": name, "RepoTags": [tag], "Layers": [name for name, _layer in files]}]
        return Archives.tar(path, [*files, (name, config), ("manifest.json", json.dumps(manifest).encode())])
