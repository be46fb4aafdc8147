# SPDX-License-Identifier: GPL-3.0-or-later
"""A volume in the shape of ``podman volume inspect``."""

from __future__ import annotations

from _engine.lifecycle.inspect.volume import volume_shape
from _engine.model.volume.spec import Populated, VolumeFacts, VolumeRecord, VolumeSpec

CREATED = 1_795_472_257_123_456_789


def test_volume(layout):
    """A volume has podman's keys, and the names of its users."""
    record = VolumeRecord(VolumeSpec("data", labels={"tier": "db"}), CREATED)
    assert volume_shape(record, layout, VolumeFacts(("web", "app"), ("web",))) == {
        "Name": "data",
        "Driver": "local",
        "Mountpoint": "/ROOT/volumes/data/data",
        "CreatedAt": "2026-11-23T22:17:37.123456789Z",
        "Labels": {"tier": "db"},
        "Scope": "local",
        "Options": {},
        "UID": 0,
        "GID": 0,
        "MountCount": 1,
        "NeedsCopyUp": True,
        "Anonymous": False,
        "populated_from": None,
        "used_by": ["app", "web"],
        "mounted": None,
        "stays_mounted": False,
    }


def test_populated(layout):
    """A filled volume has its source image and path, its size, and the time."""
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


def test_options(layout):
    """Owner and quota appear twice, as in podman; mounted by request counts as a use."""
    options = {"type": "tmpfs", "device": "tmpfs", "o": "nodev", "uid": "1000", "gid": "1001", "mode": "0700"}
    record = VolumeRecord(VolumeSpec("own", options=options), CREATED, mounted=True)
    shape = volume_shape(record, layout, VolumeFacts(("app",), ("app",), mounted=True))
    assert shape["Options"] == {
        "GID": "1001",
        "UID": "1000",
        "device": "tmpfs",
        "o": "nodev,uid=1000,gid=1001,mode=0700",
        "type": "tmpfs",
    }
    assert (shape["UID"], shape["GID"], shape["MountCount"], shape["mounted"]) == (1000, 1001, 2, True)
    limited = VolumeRecord(VolumeSpec("v", options={"size": "1024", "copy": "false"}), CREATED)
    assert volume_shape(limited, layout)["Options"] == {"o": "size=1024", "SIZE": "1024", "nocopy": ""}
