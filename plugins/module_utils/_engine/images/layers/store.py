# SPDX-License-Identifier: GPL-3.0-or-later
"""The layers on disk, by chain id; each is whole or absent.

A layer is unpacked into a directory of its own under the staging directory, made durable, and renamed to
``LAYERS/CHAINID``; its tree is ``LAYERS/CHAINID/diff``, with its recipe beside it. A process that works in a staging
directory holds a lock on it, so a free lock means that its owner is dead.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Iterator, Sequence

from ...errors import NotFound, StoreFull
from ...kernel import files, libc
from ...kernel.removal import remove_tree
from ...kernel.staging import staging
from .assemble import assemble, can_assemble, has_recipe
from .recipe import NAME, REPLACED, Recorder
from .unpack import LayerContent, unpack

_CHAIN_ID = re.compile(r"[0-9a-f]{64}")


class LayerStore:
    """A store of unpacked layers. Both directories (created if missing) must be on one file system."""

    def __init__(self, layers_dir: str, staging_dir: str) -> None:
        self._layers = layers_dir
        self._staging = staging_dir

    def has(self, chain_id: str) -> bool:
        """Return whether the layer exists."""
        return os.path.isdir(os.path.join(self._path(chain_id), "diff"))

    def diff_path(self, chain_id: str) -> str:
        """Return the directory of a layer's tree; raises NotFound if the store lacks it."""
        if not self.has(chain_id):
            raise NotFound("layer", chain_id)
        return os.path.join(self._path(chain_id), "diff")

    def list(self) -> tuple[str, ...]:
        """Return the chain ids of all layers."""
        try:
            names = os.listdir(self._layers)
        except FileNotFoundError:
            return ()
        return tuple(sorted(name for name in names if _CHAIN_ID.fullmatch(name)))

    def add(self, chain_id: str, stream: Iterator[bytes], *, lowers: Sequence[str]) -> LayerContent | None:
        """Unpack a plain tar stream as a layer; return None if the layer existed already.

        ``lowers`` are the diff directories below, topmost first. Nothing is left after an error. Raises the errors
        of :func:`unpack`, and StoreFull.
        """
        if self.has(chain_id):
            return None
        try:
            files.make_private(self._layers)
            with staging(self._staging) as (path, fd):
                content = self._fill(stream, fd=fd, lowers=lowers)
                self._publish(os.path.join(path, "layer"), chain_id)
                return content
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StoreFull(
                    f"no space is left in {self._layers}", remedy="Free some space there"
                ) from error
            raise

    def has_recipe(self, chain_id: str) -> bool:
        """Return whether the layer has a recipe, or a note that it can have none; older engines wrote neither."""
        return has_recipe(self._path(chain_id))

    def can_assemble(self, chain_id: str) -> bool:
        """Return whether the layer's tar can be reassembled."""
        return can_assemble(self._path(chain_id))

    def assemble(self, chain_id: str, *, diff_id: str) -> Iterator[bytes]:
        """Stream the tar from which the layer was unpacked; raises the errors of :func:`assemble`."""
        return assemble(self._path(chain_id), diff_id=diff_id)

    def add_recipe(self, chain_id: str, stream: Iterator[bytes], *, lowers: Sequence[str]) -> None:
        """Record an existing layer's recipe by unpacking its tar once more; raises the errors of ``add``."""
        with staging(self._staging) as (path, fd):
            self._fill(stream, fd=fd, lowers=lowers)
            # The recipe is moved last, because its existence marks the others as complete.
            for name in filter(lambda name: os.path.lexists(f"{path}/layer/{name}"), (REPLACED, NAME)):
                if name == REPLACED:
                    remove_tree(f"{self._path(chain_id)}/{name}")  # left by a killed run
                os.rename(f"{path}/layer/{name}", f"{self._path(chain_id)}/{name}")
            files.fsync_directory(self._path(chain_id))

    def remove(self, chain_id: str) -> None:
        """Remove a layer; do nothing if it does not exist."""
        if not os.path.lexists(self._path(chain_id)):
            return
        # Renamed away first: a half-removed layer must not be taken for a whole one.
        with staging(self._staging) as (path, _fd), contextlib.suppress(FileNotFoundError):
            os.rename(self._path(chain_id), os.path.join(path, "removed"))
            files.fsync_directory(self._layers)

    @staticmethod
    def _fill(stream: Iterator[bytes], *, fd: int, lowers: Sequence[str]) -> LayerContent:
        """Unpack a layer and its recipe into ``layer`` of a staging directory."""
        os.mkdir("layer", 0o700, dir_fd=fd)
        os.mkdir("layer/diff", 0o755, dir_fd=fd)
        with contextlib.ExitStack() as stack:
            layer = stack.enter_context(files.directory("layer", dir_fd=fd))
            diff = stack.enter_context(files.directory("diff", dir_fd=layer))
            recorder = stack.enter_context(contextlib.closing(Recorder(layer)))
            return unpack(stream, into=diff, lowers=lowers, recorder=recorder)

    def _publish(self, path: str, chain_id: str) -> None:
        try:
            libc.renameat2(libc.AT_FDCWD, path, libc.AT_FDCWD, self._path(chain_id), libc.RENAME_NOREPLACE)
        except FileExistsError:
            return  # another task has stored the same layer meanwhile; this one goes with the staging directory
        files.fsync_directory(self._layers)

    def _path(self, chain_id: str) -> str:
        if not _CHAIN_ID.fullmatch(chain_id):
            raise NotFound("layer", chain_id, remedy="Write a chain id of 64 hex digits")
        return os.path.join(self._layers, chain_id)
