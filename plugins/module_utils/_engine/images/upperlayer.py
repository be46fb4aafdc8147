# SPDX-License-Identifier: GPL-3.0-or-later
"""An upper layer of overlayfs as a tar stream: its marks for what is deleted become those of an image's layer.

Source: image-spec 1.0.2, layer.md "Whiteouts"; the kernel's overlayfs.rst "whiteouts and opaque directories".
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from . import tarread, tarwrite, treestream
from .lowers import OPAQUE
from .tarread import Entry

_WHITEOUT = b".wh."
_OPAQUE_MARK = b".wh..wh..opq"


def chunks(path: str) -> Iterator[bytes]:
    """Stream the layer below a directory. Raises as ``treestream.chunks``."""
    return treestream.chunks(path, _UpperLayer)


class _UpperLayer(treestream.Tree):
    def _below(self, top: int) -> Iterator[bytes]:
        yield _opaque(top, b"")
        yield from super()._below(top)

    def _enter(self, stack: list[treestream.Level], name: bytes) -> bytes:
        header = super()._enter(stack, name)
        return header + _opaque(stack[-1].fd, stack[-1].prefix)

    def _leaf(self, above: int, name: bytes, path: bytes, found: os.stat_result) -> Iterator[bytes]:
        if stat.S_ISCHR(found.st_mode) and found.st_rdev == 0:
            yield _mark(path[: len(path) - len(name)] + _WHITEOUT + name)
        else:
            yield from super()._leaf(above, name, path, found)


def _opaque(fd: int, path: bytes) -> bytes:
    """Return the mark of a directory that hides all that lower layers have in it, nothing for another."""
    marked = OPAQUE in map(os.fsencode, os.listxattr(fd)) and os.getxattr(fd, OPAQUE) == b"y"
    return _mark(path + _OPAQUE_MARK) if marked else b""


def _mark(path: bytes) -> bytes:
    return tarwrite.header(Entry(path, tarread.FILE, 0, 0, 0, 0, 0, 0, b"", (0, 0), (), None))
