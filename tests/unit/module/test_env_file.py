# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of environment variables are read as podman reads them, and bad ones are refused by name."""

from __future__ import annotations

import os

import pytest
from ansible_collections.slipway.oci.plugins.module_utils._engine.errors import InvalidOption
from ansible_collections.slipway.oci.plugins.module_utils._module.tasks.env_file import LIMIT, read_env_files


@pytest.mark.parametrize(
    ("content", "variables"),
    [
        ("", {}),
        ("A=1\nB=2\n", {"A": "1", "B": "2"}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("# A=1\n  # B=2\n\n   \nC=3", {"C": "3"}),
        ("  A=1\n", {"A": "1"}),
        ("A= 1 # no comment ", {"A": " 1 # no comment "}),
        ("A=\"1\"\nB='2'", {"A": '"1"', "B": "'2'"}),
        ("A=b=c", {"A": "b=c"}),
        ("A=", {"A": ""}),
        ("A=1\nA=2", {"A": "2"}),
        ("\ufeffA=ä", {"A": "ä"}),
    ],
)
def test_a_line_is_a_variable(tmp_path, content, variables):
    """Each line that is neither empty nor a comment sets a variable to all that follows the equals sign."""
    path = tmp_path / "env"
    path.write_text(content, encoding="utf-8", newline="")
    assert read_env_files([str(path)]) == variables


def test_the_later_file_wins(tmp_path):
    """If two files set a variable, the later one wins."""
    for name in ("one", "two"):
        tmp_path.joinpath(name).write_text(f"A={name}\nB_{name}=1\n")
    assert read_env_files([str(tmp_path / "one"), str(tmp_path / "two")]) == {
        "A": "two",
        "B_one": "1",
        "B_two": "1",
    }


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"A=1\nNAME\n", "line 2"),
        (b"=1", "line 1"),
        (b"A B=1", "line 1"),
        (b"A =1", "line 1"),
        (b"A=\xff", "byte 2"),
        (b"A=" + b"x" * LIMIT, "1 MiB"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path, content, why):
    """The error names the file and the line."""
    path = tmp_path / "env"
    path.write_bytes(content)
    with pytest.raises(InvalidOption, match=why) as caught:
        read_env_files([str(path)])
    assert caught.value.fields == {"option": "env_file", "value": str(path)}


def test_a_file_as_large_as_may_be_is_read(tmp_path):
    """The limit itself is allowed."""
    path = tmp_path / "env"
    path.write_bytes(b"A=" + b"x" * (LIMIT - 2))
    assert len(read_env_files([str(path)])["A"]) == LIMIT - 2


def test_what_is_no_file_is_refused_at_once(tmp_path):
    """A missing file, a directory and a FIFO are refused, and a FIFO does not block."""
    os.mkfifo(tmp_path / "fifo")
    for name, why in (("gone", "No such file"), (".", "not a regular file"), ("fifo", "not a regular file")):
        with pytest.raises(InvalidOption, match=why):
            read_env_files([str(tmp_path / name)])
