# SPDX-License-Identifier: GPL-3.0-or-later
"""The image configuration as data."""

from __future__ import annotations

import json

import pytest

from _engine.errors import ArchiveBroken
from _engine.model import imageconfig
from _engine.model.imageconfig import ImageConfig

DIFF_ID = "sha256:" + "a" * 64


def test_all_fields():
    """Every field of a configuration is read."""
    config = {
        "Entrypoint": ["/init"],
        "Cmd": ["--flag"],
        "Env": ["A=1", "B"],
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
        env=("A=1", "B"),
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
    """What is absent or null, as Go writes an empty list, is empty."""
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
        b'{"config": {"Cmd": "text"}}',
        b'{"config": {"Cmd": [1]}}',
        b'{"config": {"Env": ["A=\\u0000"]}}',
        b'{"config": {"Labels": {"a": 1}}}',
        b'{"config": {"Volumes": ["/data"]}}',
        b'{"history": ["step"]}',
        b'{"rootfs": {"diff_ids": ["sha512:abc"]}}',
        b'{"rootfs": {"diff_ids": ["../x"]}}',
        json.dumps({"rootfs": {"diff_ids": [DIFF_ID] * 501}}).encode(),
    ],
)
def test_broken(raw):
    """What is no JSON of the right types is ArchiveBroken."""
    with pytest.raises(ArchiveBroken):
        imageconfig.parse(raw)
