# SPDX-License-Identifier: GPL-3.0-or-later
"""Compression of a stream on its way into a file: gzip, zstd or none."""

from __future__ import annotations

import subprocess
import zlib
from collections.abc import Iterable, Iterator

from ..errors import EngineError, HostLacks
from ..kernel import command
from .streams import write_all

#: zlib's number for a gzip header around the largest window.
_GZIP = zlib.MAX_WBITS | 16


def check(how: str) -> None:
    """Raise HostLacks where there is no program for it."""
    if how == "zstd":
        _zstd()


def write(fd: int, chunks: Iterable[bytes], how: str) -> None:
    """Write the stream to the file, compressed. Raises HostLacks, OSError (ENOSPC, ...)."""
    if how == "zstd":
        _through_zstd(fd, chunks)
        return
    for chunk in _gzipped(chunks) if how == "gzip" else chunks:
        write_all(fd, memoryview(chunk))


def _gzipped(chunks: Iterable[bytes]) -> Iterator[bytes]:
    # As fast as the disk matters more than small: images of memory are large.
    encoder = zlib.compressobj(level=1, wbits=_GZIP)
    for chunk in chunks:
        yield encoder.compress(chunk)
    yield encoder.flush()


def _zstd() -> str:
    program = command.find_program("zstd")
    if program is None:
        raise HostLacks(
            "there is no program zstd on this host",
            remedy="Install zstd (the role slipway.oci.host does), or write compress: gzip",
            needs="zstd",
        )
    return program


def _through_zstd(fd: int, chunks: Iterable[bytes]) -> None:
    with subprocess.Popen(
        [_zstd(), "-cq"], stdin=subprocess.PIPE, stdout=fd, stderr=subprocess.PIPE, env={"LC_ALL": "C"}
    ) as process:
        try:
            complaint = _feed(process, chunks)
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        raise EngineError(f"zstd could not compress the archive: {complaint}", program="zstd")


def _feed(process: subprocess.Popen[bytes], chunks: Iterable[bytes]) -> str:
    """Hand the stream over and return what the program says; one that has ended takes no more, and says why."""
    if process.stdin is None or process.stderr is None:
        raise OSError("zstd was started without its pipes")
    try:
        with process.stdin as pipe:
            for chunk in chunks:
                pipe.write(chunk)
    except BrokenPipeError:
        pass
    return process.stderr.read().decode(errors="replace").strip()
