# SPDX-License-Identifier: GPL-3.0-or-later
"""Decompression of streams; the first bytes determine the format: gzip, bzip2, xz, zstd or none."""

from __future__ import annotations

import bz2
import contextlib
import itertools
import lzma
import subprocess
import threading
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Protocol

from ...errors import ArchiveBroken, HostLacks
from ...kernel import command

#: The most output of one step, so that a few bytes cannot expand to fill the memory.
_STEP = 1 << 20


class _Decoder(Protocol):
    """The common interface of bz2 and lzma decompressors."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Gzip:
    """zlib's decompressor with the interface of those of bz2 and lzma."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(zlib.MAX_WBITS | 16)  # 16: with a gzip header

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return not self._zlib.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)


_DECODERS: tuple[tuple[bytes, str, Callable[[], _Decoder]], ...] = (
    (b"\x1f\x8b", "gzip", _Gzip),
    (b"BZh", "bzip2", bz2.BZ2Decompressor),
    (b"\xfd7zXZ\x00", "xz", lzma.LZMADecompressor),
)
_ZSTD = b"\x28\xb5\x2f\xfd"


def is_compressed(head: bytes) -> bool:
    """Return whether a file that starts with these bytes has a compression that :func:`decoded` supports."""
    return head.startswith((_ZSTD, *(magic for magic, _name, _make in _DECODERS)))


def decoded(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Decompress a stream; one without a known magic number is passed through.

    Raises ArchiveBroken (damaged or truncated) and HostLacks (no zstd program).
    """
    head = next(chunks, b"")
    whole = itertools.chain((head,) if head else (), chunks)
    if head.startswith(_ZSTD):
        return through_zstd(whole, "-dcq", failed="the zstd data is damaged or truncated")
    for magic, name, make in _DECODERS:
        if head.startswith(magic):
            return _inflated(whole, make, name=name)
    return whole


def _inflated(chunks: Iterator[bytes], make: Callable[[], _Decoder], *, name: str) -> Iterator[bytes]:
    decoder: _Decoder | None = None
    try:
        for chunk in chunks:
            # Several concatenated streams are one (pigz, eStargz); zeroes between them are padding.
            rest = chunk if decoder else chunk.lstrip(b"\0")
            while rest:
                decoder = decoder or make()
                yield from _steps(decoder, rest)
                if not decoder.eof:
                    break
                rest, decoder = decoder.unused_data.lstrip(b"\0"), None
    except (zlib.error, OSError, lzma.LZMAError, EOFError) as error:
        raise ArchiveBroken(f"the {name} data is damaged: {error}") from error
    if decoder is not None:
        raise ArchiveBroken(f"the {name} data is truncated")


def _steps(decoder: _Decoder, chunk: bytes) -> Iterator[bytes]:
    piece = decoder.decompress(chunk, _STEP)
    while True:
        if piece:
            yield piece
        if decoder.eof or decoder.needs_input:
            return
        piece = decoder.decompress(b"", _STEP)


def through_zstd(chunks: Iterator[bytes], flags: str, *, failed: str) -> Iterator[bytes]:
    """Pipe a stream through zstd; ``failed`` is the message for a failure of the program."""
    with subprocess.Popen(
        [find_zstd(), flags],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"LC_ALL": "C"},
    ) as process:
        yield from _converse(process, chunks, failed)


def find_zstd() -> str:
    """Return the program's path; raises HostLacks."""
    program = command.find_program("zstd")
    if program is None:
        raise HostLacks(
            "the archive is compressed with zstd, but this host has no program zstd",
            remedy="Install zstd (the role slipway.oci.host does), or compress with gzip",
            needs="zstd",
        )
    return program


def _converse(process: subprocess.Popen[bytes], chunks: Iterator[bytes], failed: str) -> Iterator[bytes]:
    # Popen sets all three because of PIPE, but the type checker does not know.
    stdin, stdout, stderr = process.stdin, process.stdout, process.stderr
    if stdin is None or stdout is None or stderr is None:
        raise OSError("zstd was started without its pipes")
    feeder = _Feeder(stdin, chunks)
    feeder.start()
    try:
        while piece := stdout.read(_STEP):
            yield piece
        complaint = stderr.read().decode(errors="replace").strip()
        status = process.wait()
    finally:
        process.kill()  # does nothing to a program that has exited
        feeder.join()
    if feeder.error is not None:
        raise feeder.error
    if status != 0:
        raise ArchiveBroken(f"{failed}: {complaint}")


class _Feeder(threading.Thread):
    """Writes a stream to a program's standard input while its output is read."""

    def __init__(self, pipe: IO[bytes], chunks: Iterator[bytes]) -> None:
        super().__init__(name="slipway-zstd-input", daemon=True)
        self._pipe = pipe
        self._chunks = chunks
        self.error: BaseException | None = None

    def run(self) -> None:
        # A broken pipe means that the program has stopped; its exit status says why.
        with contextlib.suppress(BrokenPipeError), self._pipe:
            try:
                for chunk in self._chunks:
                    self._pipe.write(chunk)
            except BrokenPipeError:
                return
            except BaseException as error:  # noqa: BLE001  (raised in the thread that reads)
                self.error = error
