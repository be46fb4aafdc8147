# SPDX-License-Identifier: GPL-3.0-or-later
"""Decompression, digests and read-ahead."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import os
import subprocess
import threading

import pytest

from _engine.errors import ArchiveBroken, DigestMismatch
from _engine.images.tar import decompress, streams

DATA = b"some text that compresses" * 5000 + os.urandom(200_000) + bytes(3_000_000)


def digest(data):
    """Return the digest of some bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def pieces(data, size=10_007):
    """Cut bytes into pieces."""
    return iter([data[at : at + size] for at in range(0, len(data), size)])


def zstd(data):
    """Compress with the program zstd."""
    return subprocess.run(["zstd", "-qc"], input=data, capture_output=True, check=True).stdout


COMPRESS = {
    "none": lambda data: data,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstd,
}


@pytest.mark.parametrize("form", COMPRESS)
def test_decoded(form):
    """Each format is recognized by its first bytes and decompressed, in pieces of a bounded size."""
    found = list(decompress.decoded(pieces(COMPRESS[form](DATA))))
    assert b"".join(found) == DATA
    assert max(map(len, found)) <= 1 << 20
    assert all(found)


@pytest.mark.parametrize("form", ["gzip", "bzip2", "xz", "zstd"])
@pytest.mark.parametrize("size", [7919, 1 << 22])
def test_several_streams_are_one(form, size):
    """Concatenated streams, as written by pigz and eStargz, are one."""
    data = COMPRESS[form](b"first") + COMPRESS[form](b"") + COMPRESS[form](DATA)
    assert b"".join(decompress.decoded(pieces(data, size))) == b"first" + DATA


def test_padding():
    """Zeroes after compressed data are padding."""
    assert b"".join(decompress.decoded(pieces(gzip.compress(b"x") + bytes(30_000)))) == b"x"


def test_nothing():
    """An empty stream stays empty."""
    assert list(decompress.decoded(iter([]))) == []


@pytest.mark.parametrize("form", ["gzip", "bzip2", "xz", "zstd"])
@pytest.mark.parametrize("damage", ["cut", "changed", "garbage behind"])
def test_damaged(form, damage):
    """Truncated or altered compressed data raises ArchiveBroken."""
    data = COMPRESS[form](DATA)
    middle = len(data) // 2
    damaged = {
        "cut": data[:middle],
        "changed": data[:middle] + b"\xff\0\xff\0" + data[middle + 4 :],
        "garbage behind": data + b"garbage",
    }[damage]
    with pytest.raises(ArchiveBroken):
        list(decompress.decoded(pieces(damaged)))


@pytest.mark.parametrize("form", COMPRESS)
def test_verified(form):
    """A blob with the right digests passes."""
    blob = COMPRESS[form](DATA)
    found = streams.verified(
        pieces(blob), what="it", digest=digest(blob), size=len(blob), diff_id=digest(DATA)
    )
    assert b"".join(found) == DATA


@pytest.mark.parametrize("wrong", ["digest", "diff_id"])
def test_mismatch(wrong):
    """A mismatch of either digest is an error at the end that names both."""
    blob = gzip.compress(DATA)
    right = {"digest": digest(blob), "diff_id": digest(DATA)}
    other = digest(b"other")
    with pytest.raises(DigestMismatch) as caught:
        list(streams.verified(pieces(blob), what="it", **{**right, wrong: other}))
    assert caught.value.fields == {"expected": other, "actual": right[wrong]}


def test_bytes_behind_compressed_data_count():
    """The blob's digest covers all its bytes, also those after the end of the compressed data."""
    blob = gzip.compress(b"x") + bytes(100)
    assert list(streams.verified(pieces(blob), what="it", digest=digest(blob), diff_id=digest(b"x"))) == [
        b"x"
    ]


def test_damage_is_told_by_the_digest():
    """If compressed data is damaged and its digest wrong, the error is about the digest, which says more."""
    blob = gzip.compress(DATA)
    damaged = blob[:100] + b"\xff\xff\xff\xff" + blob[104:]
    with pytest.raises(DigestMismatch):
        list(streams.verified(pieces(damaged), what="it", digest=digest(blob), diff_id=digest(DATA)))


def test_cut_short_is_told_by_the_size():
    """A blob with fewer bytes than its descriptor says is truncated."""
    blob = gzip.compress(DATA)
    with pytest.raises(ArchiveBroken, match=f"100 of {len(blob)} bytes"):
        list(streams.verified(pieces(blob[:100]), what="it", digest=digest(blob), size=len(blob)))


def test_section(tmp_path):
    """A section is read to its end or the file's."""
    (tmp_path / "file").write_bytes(b"0123456789")
    with open(tmp_path / "file", "rb") as file:
        found = [
            b"".join(streams.section(file.fileno(), *part))
            for part in ((2, 3), (2, None), (8, 9), (20, 1), (0, 0))
        ]
    assert found == [b"234", b"23456789", b"89", b"", b""]


def test_ahead():
    """Chunks that are read ahead keep their order."""
    with streams.ahead(pieces(DATA)) as chunks:
        assert b"".join(chunks) == DATA


def test_ahead_hands_errors_on():
    """An error of the reading thread is raised at its place in the stream."""

    def broken():
        yield b"first"
        raise ArchiveBroken("broken")

    with streams.ahead(broken()) as chunks:
        assert next(chunks) == b"first"
        with pytest.raises(ArchiveBroken, match="broken"):
            next(chunks)


def test_ahead_is_bounded_and_ends():
    """The thread reads only a few chunks ahead, and ends with the block even if more is left."""
    taken = []
    closed = []

    def endless():
        try:
            while True:
                taken.append(1)
                yield b"x"
        finally:
            closed.append(True)

    before = threading.active_count()
    with streams.ahead(endless()) as chunks:
        for _number in range(10):
            next(chunks)
    assert len(taken) < 30
    assert closed == [True]
    assert threading.active_count() == before


def test_zstd_ends_with_its_reader():
    """When a stream through zstd is abandoned, its program and thread end."""
    before = threading.active_count()
    with streams.ahead(decompress.decoded(pieces(zstd(DATA)))) as chunks:
        next(chunks)
    assert threading.active_count() == before
