# SPDX-License-Identifier: GPL-3.0-or-later
"""The layers on disk, by chain id; one is there wholly or not at all.

A layer is unpacked into a directory of its own under the staging directory, made durable, and renamed to
``LAYERS/CHAINID``; its tree is ``LAYERS/CHAINID/diff``. Whoever works in a staging directory holds a lock on
it, so the lock's being free tells that its owner is dead.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Iterator, Sequence

from ...errors import NotFound, StoreFull
from ...kernel import files, libc
from ...kernel.staging import staging
from .unpack import LayerContent, unpack

_CHAIN_ID = re.compile(r"[0-9a-f]{64}")
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class LayerStore:
    """Keeps unpacked layers. Both directories must be on one file system; they are made when missing."""

    def __init__(self, layers_dir: str, staging_dir: str) -> None:
        self._layers = layers_dir
        self._staging = staging_dir

    def has(self, chain_id: str) -> bool:
        """Tell whether the layer is there."""
        return os.path.isdir(os.path.join(self._path(chain_id), "diff"))

    def diff_path(self, chain_id: str) -> str:
        """Give the directory that holds a layer's tree; NotFound when the store lacks it."""
        if not self.has(chain_id):
            raise NotFound("layer", chain_id)
        return os.path.join(self._path(chain_id), "diff")

    def list(self) -> tuple[str, ...]:
        """List the chain ids of all layers."""
        try:
            names = os.listdir(self._layers)
        except FileNotFoundError:
            return ()
        return tuple(sorted(name for name in names if _CHAIN_ID.fullmatch(name)))

    def add(self, chain_id: str, stream: Iterator[bytes], *, lowers: Sequence[str]) -> LayerContent | None:
        """Unpack a plain tar stream as a layer; None when it was there already.

        ``lowers`` are the diff directories below, topmost first. On any error nothing is left. Raises what
        :func:`unpack` raises, and StoreFull.
        """
        if self.has(chain_id):
            return None
        try:
            files.make_private(self._layers)
            with staging(self._staging) as (path, fd):
                return self._fill(chain_id, stream, path=path, fd=fd, lowers=lowers)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StoreFull(f"no space is left in {self._layers}", remedy="Make room there") from error
            raise

    def remove(self, chain_id: str) -> None:
        """Remove a layer; one that is not there is fine."""
        if not os.path.lexists(self._path(chain_id)):
            return
        # Out of sight first: a half-removed layer must not be taken for a whole one.
        with staging(self._staging) as (path, _fd), contextlib.suppress(FileNotFoundError):
            os.rename(self._path(chain_id), os.path.join(path, "removed"))
            files.fsync_directory(self._layers)

    def _fill(
        self, chain_id: str, stream: Iterator[bytes], *, path: str, fd: int, lowers: Sequence[str]
    ) -> LayerContent:
        os.mkdir("layer", 0o700, dir_fd=fd)
        os.mkdir("layer/diff", 0o755, dir_fd=fd)
        diff = os.open("layer/diff", _DIRECTORY, dir_fd=fd)
        try:
            content = unpack(stream, into=diff, lowers=lowers)
        finally:
            os.close(diff)
        self._publish(os.path.join(path, "layer"), chain_id)
        return content

    def _publish(self, path: str, chain_id: str) -> None:
        try:
            libc.renameat2(libc.AT_FDCWD, path, libc.AT_FDCWD, self._path(chain_id), libc.RENAME_NOREPLACE)
        except FileExistsError:
            return  # somebody else has made the same layer meanwhile; ours goes with the staging directory
        files.fsync_directory(self._layers)

    def _path(self, chain_id: str) -> str:
        if not _CHAIN_ID.fullmatch(chain_id):
            raise NotFound("layer", chain_id, remedy="A chain id has 64 hex digits")
        return os.path.join(self._layers, chain_id)
