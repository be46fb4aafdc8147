# SPDX-License-Identifier: GPL-3.0-or-later
"""The requirements of logs in the journal, and the parsing of its entries."""

from __future__ import annotations

import json
import socket

import pytest

from _engine.errors import HostLacks
from _engine.kernel import command
from _engine.runtime import journal
from _engine.runtime.logs import LogLine

ENTRY = {"__CURSOR": "c", "__REALTIME_TIMESTAMP": "1700000000000001", "PRIORITY": "6", "MESSAGE": "text\n"}
AT = 1700000000000001000


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({}, LogLine(AT, "stdout", "text", False)),
        ({"PRIORITY": "3"}, LogLine(AT, "stderr", "text", False)),
        ({"CONTAINER_PARTIAL_MESSAGE": "true"}, LogLine(AT, "stdout", "text\n", True)),
        ({"MESSAGE": "\n"}, LogLine(AT, "stdout", "", False)),
        ({"MESSAGE": "a\r\n\n"}, LogLine(AT, "stdout", "a\r\n", False)),
        ({"MESSAGE": [255, 97, 10]}, LogLine(AT, "stdout", "\ufffda", False)),
        ({"MESSAGE": None}, LogLine(AT, "stdout", "", False)),
    ],
)
def test_an_entry(fields, line):
    """An entry becomes a record: stream by priority, without line end unless it is a part."""
    found = journal._parse(json.dumps({**ENTRY, **fields}).encode())
    assert found == (line, "c")


@pytest.mark.parametrize("raw", [b"", b"{", b"{}", b"[]", b'"x"'])
def test_what_is_no_entry(raw):
    """Anything else is skipped."""
    assert journal._parse(raw) is None


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Return a directory that simulates a host with socket, journalctl and conmon."""
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
    (tmp_path / "journalctl").touch(mode=0o755)
    (tmp_path / "conmon").write_bytes(b"ELF and so on")
    monkeypatch.setattr(journal, "SOCKET", str(tmp_path / "socket"))
    monkeypatch.setattr(command, "SEARCH_PATH", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("missing", "match"),
    [("socket", "is not running on this host"), ("journalctl", "journalctl, which is not")],
)
def test_something_is_missing(place, missing, match):
    """With all requirements the driver works; the error names a missing one and the remedy."""
    journal.check(str(place / "conmon"))
    (place / missing).unlink()
    with pytest.raises(HostLacks, match=match) as caught:
        journal.check(str(place / "conmon"))
    assert "k8s-file" in str(caught.value)
    assert caught.value.fields["option"] == "log_driver"


def test_a_conmon_without_the_journal(place):
    """A conmon built without the journal is recognised by its error message."""
    (place / "conmon").write_bytes(b"ELF\0Include journald in compilation path to log to systemd journal\0")
    with pytest.raises(HostLacks, match="was built without journal support"):
        journal.check(str(place / "conmon"))
