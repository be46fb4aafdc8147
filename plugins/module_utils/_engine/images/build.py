# SPDX-License-Identifier: GPL-3.0-or-later
"""Create an image of one layer from a tree of files: a directory or a tar archive.

The same tree and the same changes give the same image id on every host: the layer is a canonical tar, and
the image's time is that of its newest entry unless the caller sets one.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any

from ..errors import ArchiveBroken, NotFound
from . import changes as dockerfile
from .archive import platform
from .archive.image import ArchivedImage, ArchivedLayer, chain_ids
from .archive.members import opened_file
from .tar import read, streams, tree
from .tar.decompress import decoded

#: The end of the year 9999, the last that RFC 3339 can express.
_LATEST = 253402300799
_LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"


class ImportedTree:
    """An image created from a tree, with the interface of an Archive."""

    def __init__(self, source: str, image: ArchivedImage) -> None:
        self._source = source
        self.images = (image,)

    @property
    def image(self) -> ArchivedImage:
        """The image."""
        return self.images[0]

    def layer(self, layer: ArchivedLayer) -> AbstractContextManager[Iterator[bytes]]:
        """Stream the layer's plain tar; raises DigestMismatch at its end if the tree has changed."""
        what = f"the tree {self._source}"
        tar = _chunks(self._source)
        return streams.ahead(streams.verified(tar, what=what, digest=layer.diff_id, diff_id=layer.diff_id))

    def check(self, layer: ArchivedLayer) -> None:
        """Do nothing: the digest was computed from the tree a moment ago."""

    def wait(self, layer: ArchivedLayer) -> None:
        """Do nothing: the tree is local."""


def import_tree(
    source: str,
    *,
    changes: Sequence[str] = (),
    message: str = "",
    architecture: str = "",
    created: int | None = None,
) -> ImportedTree:
    """Create an image from a directory or a tar (plain or compressed), reading it once and writing nothing.

    ``changes`` are Dockerfile instructions, ``message`` goes into the history, ``architecture`` is Go's name of
    one ("" for the host's), ``created`` is in seconds since the epoch. To store the layer, pass
    ``tree.layer(tree.image.layers[0])`` to the layer store. Raises InvalidOption, NotFound, ArchiveBroken,
    HostLacks.
    """
    run = dockerfile.parse(changes)
    digest = streams.Digest()
    newest = max(_times(digest.through(_chunks(source))), default=0) // 10**9
    when = min(max(newest, 0), _LATEST) if created is None else created
    config = _config(run, digest.text, created=when, message=message)
    config.update(_platform(architecture))
    raw = json.dumps(config, sort_keys=True, separators=(",", ":")).encode()
    (chain_id,) = chain_ids((digest.text,))
    layer = ArchivedLayer(digest.text, chain_id, digest.text, _LAYER_TYPE, digest.size, source)
    return ImportedTree(source, ArchivedImage(hashlib.sha256(raw).hexdigest(), (), raw, None, (layer,)))


def _chunks(source: str) -> Iterator[bytes]:
    try:
        mode = os.stat(source).st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFound("file or directory", source) from error
    if stat.S_ISDIR(mode):
        return tree.chunks(source)
    if not stat.S_ISREG(mode):
        raise ArchiveBroken(f"{source} is neither a file nor a directory", path=source)
    return decoded(_file_chunks(source))


def _file_chunks(source: str) -> Iterator[bytes]:
    with ExitStack() as stack:
        looked_at = os.open(source, os.O_PATH | os.O_CLOEXEC)
        stack.callback(os.close, looked_at)
        yield from streams.section(opened_file("the archive", looked_at, stack), 0)


def _times(chunks: Iterator[bytes]) -> Iterator[int]:
    """Yield the times of a tar's entries, then read the tar to its very end."""
    source = read.Chunks(chunks)
    for entry in read.entries(source):
        source.skip(entry.stored)
        yield entry.mtime
    source.drain()


def _config(run: dockerfile.RunConfig, diff_id: str, *, created: int, message: str) -> dict[str, Any]:
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(created))
    step = {"created": when, "created_by": "slipway import", **({"comment": message} if message else {})}
    return {
        "created": when,
        "config": run,
        "rootfs": {"type": "layers", "diff_ids": [diff_id]},
        "history": [step],
    }


def _platform(architecture: str) -> dict[str, str]:
    host = platform.of_host()
    found = {"os": host.os, "architecture": architecture or host.architecture}
    return {**found, "variant": host.variant} if host.variant and not architecture else found
