# SPDX-License-Identifier: GPL-3.0-or-later
"""Compression is reversible and reproducible."""

from __future__ import annotations

import os

import pytest

from _engine.errors import HostLacks
from _engine.images.tar.compress import FORMATS, check, encoded
from _engine.images.tar.decompress import decoded

DATA = [b"some text that compresses" * 5000, os.urandom(200_000), bytes(3_000_000)]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("data", [DATA, []], ids=["much", "nothing"])
def test_encoded(form, data):
    """Decompression returns the input, and compressing it again gives the same bytes."""
    found = b"".join(encoded(iter(data), form))
    assert b"".join(decoded(iter([found] if found else []))) == b"".join(data)
    assert b"".join(encoded(iter(data), form)) == found
    assert form == "none" or len(found) < 400_000


def test_an_error_of_the_source_comes_through():
    """An error of the source is raised unchanged, also through a program."""

    def broken():
        yield b"x" * 100_000
        raise ValueError("broken")

    for form in FORMATS:
        with pytest.raises(ValueError, match="broken"):
            list(encoded(broken(), form))


def test_what_the_host_lacks(monkeypatch, tmp_path):
    """Only zstd needs a program."""
    monkeypatch.setattr("_engine.kernel.command.SEARCH_PATH", str(tmp_path))
    for form in FORMATS:
        if form != "zstd":
            check(form)
    with pytest.raises(HostLacks, match="zstd"):
        check("zstd")
