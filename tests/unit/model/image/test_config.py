# SPDX-License-Identifier: GPL-3.0-or-later
"""The image configuration as data."""

from __future__ import annotations

import json

import pytest

from _engine.errors import ArchiveBroken
from _engine.model.image import config as imageconfig
from _engine.model.image.config import ImageConfig

DIFF_ID = "sha256:" + "a" * 64


def test_all_fields():
    """Every field of a configuration is parsed."""
    config = {
        "Entrypoint": ["/init"],
        "Cmd": ["--flag"],
        "Env": ["A=1"],
        "User": "app:staff",
        "WorkingDir": "/srv",
        "Volumes": {"/data": {}, "/cache": {}},
        "ExposedPorts": {"80/tcp": {}},
        "Labels": {"tier": "db"},
        "StopSignal": "SIGINT",
        "Healthcheck": {"Test": ["CMD", "true"], "Interval": 30_000_000_000},
    }
    top = {
        "architecture": "arm64",
        "variant": "v8",
        "os": "linux",
        "created": "2024-01-02T03:04:05Z",
        "author": "me",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [DIFF_ID]},
        "history": [{"created_by": "step"}],
        "something.else": 1,
    }
    assert imageconfig.parse(json.dumps(top).encode()) == ImageConfig(
        architecture="arm64",
        os="linux",
        variant="v8",
        created="2024-01-02T03:04:05Z",
        author="me",
        entrypoint=("/init",),
        cmd=("--flag",),
        env=("A=1",),
        user="app:staff",
        working_dir="/srv",
        volumes=("/cache", "/data"),
        exposed_ports=("80/tcp",),
        labels={"tier": "db"},
        stop_signal="SIGINT",
        healthcheck={"Test": ["CMD", "true"], "Interval": 30_000_000_000},
        history=({"created_by": "step"},),
        diff_ids=(DIFF_ID,),
    )


@pytest.mark.parametrize(
    "top", [{}, {"config": None, "rootfs": None, "history": None}, {"config": {"Cmd": None}}]
)
def test_absent_and_null(top):
    """Absent values and null, which Go writes for an empty list, are empty."""
    assert imageconfig.parse(json.dumps(top).encode()) == ImageConfig()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff",
        b"[]",
        b"[" * 100_000,
        b'{"config": []}',
        b'{"os": 1}',
        b'{"os": "\\ud800"}',
        b'{"config": {"Cmd": [1]}}',
        b'{"config": {"Cmd": "/bin/true"}}',
        b'{"config": {"Entrypoint": "/bin/sh -c"}}',
        b'{"config": {"Env": ["A=\\u0000"]}}',
        b'{"config": {"Labels": {"a": 1}}}',
        b'{"config": {"Volumes": ["/data"]}}',
        b'{"rootfs": {"diff_ids": ["sha512:abc"]}}',
        b'{"rootfs": {"diff_ids": ["../x"]}}',
        json.dumps({"rootfs": {"diff_ids": [DIFF_ID] * 501}}).encode(),
    ],
)
def test_broken(raw):
    """Invalid JSON and wrong types are ArchiveBroken."""
    with pytest.raises(ArchiveBroken):
        imageconfig.parse(raw)


#: What an image says, what is made of it, and a word of the warning ("" for none).
CANONICAL = {
    "Volumes": [
        ({"/data/": {}, "/data": {}, "//data": {}, "/data/.": {}, "/x/../data": {}}, ("/data",), ""),
        ({"rel": {}, "./a/b/": {}}, ("/a/b", "/rel"), ""),
        ({"": {}, "/": {}, ".": {}, "/..": {}, "//": {}, "/data": None}, ("/data",), "cover the root"),
        ({"/d ata": {}, "/däta": {}}, ("/d ata", "/däta"), ""),
        ({f"/{'x' * 256}": {}, "/x" * 2048: {}, "/a": {}}, ("/a",), "too long for Linux"),
    ],
    "WorkingDir": [
        ("", "", ""),
        ("/", "/", ""),
        ("rel", "/rel", ""),
        ("//a//b/./c/", "/a/b/c", ""),
        ("/a/../b", "/b", ""),
        ("../../b", "/b", ""),
    ],
    "User": [
        ("1000:55", "1000:55", ""),
        ("app", "app", ""),
        ("4294967295", "4294967295", "too large"),
        ("app:" + "9" * 5000, "app:" + "9" * 5000, "too large"),
    ],
    "Entrypoint": [
        ([""], (), ""),
        (["", "a"], ("", "a"), ""),
    ],
    "Cmd": [(["a b"], ("a b",), ""), ([""], ("",), "")],
    "StopSignal": [
        ("SIGINT", "SIGINT", ""),
        ("rtmin+3", "rtmin+3", ""),
        ("15", "15", ""),
        ("SIGFOO", "", "not a signal"),
        ("0", "", "not a signal"),
        ("65", "", "not a signal"),
        ("SIGTERM SIGKILL", "", "not a signal"),
        (" ", "", "not a signal"),
    ],
    "Env": [
        (["A=1", "B=", "A=2=3"], ("A=2=3", "B="), ""),
        (["A", "=x", "=", "", "B=1"], ("B=1",), "NAME=VALUE"),
    ],
    "ExposedPorts": [
        ({"80": {}, "80/tcp": {}, "53/UDP": {}, "90-92/sctp": {}}, ("53/udp", "80/tcp", "90-92/sctp"), ""),
        (
            {"http/tcp": {}, "80/": {}, "0": {}, "70000": {}, "9-8": {}, "80/icmp": {}, "": {}, "٣": {}},
            (),
            "not a port",
        ),
    ],
    "Labels": [({"a": None, "b": ""}, {"a": "", "b": ""}, "")],
    "Healthcheck": [
        (None, None, ""),
        ({}, None, ""),
        ({"Test": ["NONE"]}, {"Test": ["NONE"]}, ""),
        ({"Test": ["CMD-SHELL", "a", "b"]}, {"Test": ["CMD-SHELL", "a b"]}, ""),
        ({"Test": [], "Retries": 2, "Interval": 0}, {"Retries": 2}, ""),
        ({"Test": ["CMD", "a"], "Other": 1}, {"Test": ["CMD", "a"]}, ""),
        ("curl", None, "no test"),
        ([], None, "no test"),
        ({"Test": "curl"}, None, "no test"),
        ({"Test": ["curl"]}, None, "no test"),
        ({"Test": ["CMD"]}, None, "no test"),
        ({"Test": ["CMD-SHELL", ""]}, None, "no test"),
        ({"Test": ["CMD", 1]}, None, "no test"),
        ({"Test": ["CMD", "\ud800"]}, None, "no test"),
        (
            {"Test": ["CMD", "a"], "Interval": -1, "Timeout": "3s", "Retries": True},
            {"Test": ["CMD", "a"]},
            "Interval",
        ),
        (
            {"Test": ["CMD", "a"], "Interval": 1, "StartPeriod": 2**63, "Retries": 1.5},
            {"Test": ["CMD", "a"]},
            "Interval",
        ),
    ],
}
OF_TOP = {
    "created": [
        ("2024-01-02T03:04:05.123456789+02:00", "2024-01-02T03:04:05.123456789+02:00", ""),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z", ""),
        ("", None, ""),
        ("yesterday", None, "not a time"),
        ("2024-13-02T03:04:05Z", None, "not a time"),
        ("2024-01-02", None, "not a time"),
        (1700000000, None, "not a time"),
        ("\ud800", None, "not a time"),
    ],
    "author": [("\ud800me", "\ufffdme", ""), (5, "", "")],
    "history": [
        (
            [{"created_by": "a\udcff", "empty_layer": True}],
            ({"created_by": "a\ufffd", "empty_layer": True},),
            "history",
        ),
        ([None, "step", {"comment": 5, "created": 7}, {"author": None}], ({}, {}), "history"),
        ({}, ({},), ""),
        ("text", (), "history"),
        (
            [{"created": "2024-01-02T03:04:05Z", "more": [[["\ud800"]]]}],
            ({"created": "2024-01-02T03:04:05Z"},),
            "",
        ),
    ],
}
FIELDS = {
    "Volumes": "volumes",
    "WorkingDir": "working_dir",
    "StopSignal": "stop_signal",
    "ExposedPorts": "exposed_ports",
}
CASES = [
    (key, *case, inside)
    for table, inside in ((CANONICAL, True), (OF_TOP, False))
    for key in table
    for case in table[key]
]


@pytest.mark.parametrize(("key", "said", "meant", "warning", "inside"), CASES)
def test_canonical(key, said, meant, warning, inside):
    """Values are normalized to the form of options; invalid ones are dropped with a single warning."""
    raw = json.dumps({"config": {key: said}} if inside else {key: said}).encode()
    config, told = imageconfig.read(raw)
    assert getattr(config, FIELDS.get(key, key.lower())) == meant
    assert bool(told) == bool(warning)
    assert all(warning in text or "HEALTHCHECK" in text for text in told)
    "".join(told).encode()
    json.dumps(config.history).encode("ascii")
    assert imageconfig.parse(raw) == config
