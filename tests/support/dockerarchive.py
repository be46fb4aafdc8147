# SPDX-License-Identifier: GPL-3.0-or-later
"""Make images as `docker save` does, out of a few words: layers are mappings of path to content."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

#: One day in 2001, so that the same layers are the same bytes.
_WHEN = 1_000_000_000
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}

APPLETS = (
    "sh cat echo sleep ls id env mount true false kill tail tty grep head hostname mkdir touch chown ping"
).split()


class Link(str):
    """The target of a symlink."""

    __slots__ = ()


class Program(bytes):
    """The content of a file that can be run."""

    __slots__ = ()


def layer(entries: Mapping[str, bytes | Link | None]) -> bytes:
    """Return a layer's tar: content by path, None for a directory (0755), Link for a symlink, Program for 0755."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, content in entries.items():
            entry = tarfile.TarInfo(path)
            entry.mode, entry.mtime = (
                0o755 if content is None or isinstance(content, Program) else 0o644,
                _WHEN,
            )
            if isinstance(content, Link):
                entry.type, entry.linkname = tarfile.SYMTYPE, str(content)
            data = content if isinstance(content, bytes) else b""
            entry.type = tarfile.DIRTYPE if content is None else entry.type
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def busybox_layer(busybox: str) -> bytes:
    """Return a layer that runs: a static busybox, a user ``app`` (1000), a group ``extra`` (2000)."""
    directories = "bin etc proc sys dev tmp run var home home/app".split()
    return layer(
        {
            **dict.fromkeys(directories),
            "bin/busybox": Program(Path(busybox).read_bytes()),
            **{f"bin/{name}": Link("busybox") for name in APPLETS},
            "etc/passwd": b"root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n",
            "etc/group": b"root:x:0:\napp:x:1000:\nextra:x:2000:app\n",
        }
    )


def write_archive(path: Path, name: str, layers: Sequence[bytes], **config: object) -> Path:
    """Write an archive of one image; ``config`` in Docker's words (StopSignal, Volumes, User, ...)."""
    machine = os.uname().machine
    document = {
        "architecture": _ARCHITECTURES.get(machine, machine),
        "os": "linux",
        "config": {"Env": ["PATH=/bin"], **config},
        "rootfs": {
            "type": "layers",
            "diff_ids": [f"sha256:{hashlib.sha256(each).hexdigest()}" for each in layers],
        },
    }
    files = {f"{number}.tar": content for number, content in enumerate(layers)}
    entry = {"Config": "config.json", "RepoTags": [name], "Layers": list(files)}
    manifest = json.dumps([entry]).encode()
    path.write_bytes(
        layer({"manifest.json": manifest, "config.json": json.dumps(document).encode(), **files})
    )
    return path
