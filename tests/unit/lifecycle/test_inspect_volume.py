# SPDX-License-Identifier: GPL-3.0-or-later
"""A volume in the shape of ``podman volume inspect``."""

from __future__ import annotations

from _engine.lifecycle.inspect_volume import volume_shape
from _engine.model.volume import Populated, VolumeRecord, VolumeSpec

CREATED = 1_795_472_257_123_456_789


def test_volume(layout):
    """A volume is told by podman's keys, and by whom it is used."""
    record = VolumeRecord(VolumeSpec("data", labels={"tier": "db"}), CREATED)
    assert volume_shape(record, layout, users=["web", "app"]) == {
        "Name": "data",
        "Driver": "local",
        "Mountpoint": "/ROOT/volumes/data/data",
        "CreatedAt": "2026-11-23T22:17:37.123456789Z",
        "Labels": {"tier": "db"},
        "Scope": "local",
        "Options": {},
        "MountCount": 2,
        "NeedsCopyUp": True,
        "Anonymous": False,
        "populated_from": None,
        "used_by": ["app", "web"],
    }


def test_populated(layout):
    """A volume that was filled tells from which image and path, how much, and when."""
    origin = Populated("c4" * 32, "/data", 17, 4096, CREATED)
    record = VolumeRecord(VolumeSpec("f00"), CREATED, anonymous=True, needs_copy_up=False, populated=origin)
    shape = volume_shape(record, layout)
    assert shape["populated_from"] == {
        "image": "c4" * 32,
        "path": "/data",
        "subpath": "",
        "entries": 17,
        "bytes": 4096,
        "at": "2026-11-23T22:17:37.123456789Z",
    }
    assert (shape["Anonymous"], shape["NeedsCopyUp"], shape["MountCount"]) == (True, False, 0)
