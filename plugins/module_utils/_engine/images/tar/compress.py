# SPDX-License-Identifier: GPL-3.0-or-later
"""Compression of streams: the same input always gives the same output, without times or names."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

from .decompress import find_zstd, through_zstd

NONE, ZSTD = "none", "zstd"


class _Encoder(Protocol):
    """The common interface of the compressors of zlib, bz2 and lzma."""

    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


_ENCODERS: dict[str, Callable[[], _Encoder]] = {
    "gzip": lambda: zlib.compressobj(wbits=zlib.MAX_WBITS | 16),  # 16: with a gzip header
    "bzip2": bz2.BZ2Compressor,
    "xz": lzma.LZMACompressor,
}
FORMATS = (NONE, *_ENCODERS, ZSTD)
#: The format by the end of a file's name, as in GNU tar (--auto-compress).
_ENDS = {
    "gzip": (".gz", ".tgz", ".taz"),
    "bzip2": (".bz2", ".tbz", ".tbz2", ".tz2"),
    "xz": (".xz", ".txz"),
    ZSTD: (".zst", ".tzst"),
}


def check(form: str) -> None:
    """Check that this host can write this format. Raises HostLacks."""
    if form == ZSTD:
        find_zstd()


def by_name(path: str) -> str:
    """Return the format that the end of a file's name implies."""
    return next((form for form, ends in _ENDS.items() if path.endswith(ends)), NONE)


def encoded(chunks: Iterator[bytes], form: str) -> Iterator[bytes]:
    """Compress a stream in one of FORMATS; raises the errors of ``check`` at the first chunk."""
    if form == NONE:
        return chunks
    if form == ZSTD:
        return through_zstd(chunks, "-cq", failed="zstd could not compress the archive")
    return _deflated(chunks, _ENCODERS[form]())


def _deflated(chunks: Iterator[bytes], encoder: _Encoder) -> Iterator[bytes]:
    for chunk in chunks:
        piece = encoder.compress(chunk)
        if piece:
            yield piece
    yield encoder.flush()
