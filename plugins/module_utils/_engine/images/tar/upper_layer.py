# SPDX-License-Identifier: GPL-3.0-or-later
"""An upper layer of overlayfs as a tar stream: its whiteouts become those of an image's layer.

Source: image-spec 1.0.2, layer.md "Whiteouts"; the kernel's overlayfs.rst "whiteouts and opaque directories".
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from ...trees import whiteouts
from . import read, tree, write
from .read import Entry


def chunks(path: str, *, files: bool = False) -> Iterator[bytes]:
    """Stream the layer below a directory. Raises the errors of ``tree.chunks``.

    ``files``: fuse-overlayfs may have stored whiteouts as files, so a user's file cannot have such a name.
    """
    return tree.chunks(path, MarkedLayer if files else UpperLayer)


class UpperLayer(tree.Tree):
    """A walk over a layer with overlayfs' own whiteouts."""

    def _below(self, top: int) -> Iterator[bytes]:
        yield _opaque(top, b"")
        yield from super()._below(top)

    def _enter(self, stack: list[tree.Level], name: bytes) -> bytes:
        header = super()._enter(stack, name)
        return header + _opaque(stack[-1].open, stack[-1].prefix)

    def _leaf(self, above: int, name: bytes, path: bytes, found: os.stat_result) -> Iterator[bytes]:
        if whiteouts.is_whiteout(found):
            yield mark(path[: len(path) - len(name)] + whiteouts.PREFIX + name)
        else:
            yield from super()._leaf(above, name, path, found)


class MarkedLayer(UpperLayer):
    """A walk over a layer whose whiteouts may also be files."""

    def check(self, path: bytes) -> None:
        """Accept any name: a user cannot have created a file with the name of a whiteout."""

    def _leaf(self, above: int, name: bytes, path: bytes, found: os.stat_result) -> Iterator[bytes]:
        hidden = whiteouts.hidden_name(name)
        if hidden is None:
            yield from super()._leaf(above, name, path, found)
        elif hidden:  # opaque directories were marked with the directory itself
            yield mark(path)


def _opaque(fd: int, path: bytes) -> bytes:
    """Return the marker of an opaque directory, or nothing if it is not opaque."""
    return mark(path + whiteouts.OPAQUE_FILE) if whiteouts.is_opaque(fd) else b""


def mark(path: bytes) -> bytes:
    """Return the entry of a whiteout or opaque marker."""
    return write.header(Entry(path, read.FILE, 0, 0, 0, 0, 0, 0, b"", (0, 0), (), None))
