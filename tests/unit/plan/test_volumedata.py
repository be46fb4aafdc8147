# SPDX-License-Identifier: GPL-3.0-or-later
"""Warnings about a volume's data when its options change."""

from __future__ import annotations

import pytest

from _engine.model.volume.grammar import parse
from _engine.plan.volumedata import fate

OWN = "/r/volumes/v/data"
PLAIN: list[str] = []
TMPFS = ["type=tmpfs"]
DISK = ["type=ext4", "device=/dev/sdb"]
SRV = ["type=bind", "device=/srv"]
NFS = ["type=nfs", "device=nas:/media"]
OVERLAY = ["type=overlay", "o=lowerdir=/low,upperdir=/up,workdir=/work"]
BELOW = f"it stays in {OWN}, hidden by the file system that is mounted there"


def told(before: list[str], after: list[str], holding: str) -> str:
    """Return the warning about a change."""
    return fate("v", parse(before), parse(after), holding)


@pytest.mark.parametrize(
    ("before", "after", "holding", "where"),
    [
        *((PLAIN, after, OWN, BELOW) for after in (TMPFS, DISK, SRV, NFS, OVERLAY, ["type=ramfs"])),
        *((DISK, after, "", "it stays in /dev/sdb. To") for after in (PLAIN, TMPFS, SRV, NFS, OVERLAY)),
        (SRV, PLAIN, "", "it stays in /srv. To"),
        (SRV, PLAIN, OWN, f"it stays in /srv; the volume shows the content of {OWN}. To"),
        (SRV, DISK, OWN, "it stays in /srv. To"),
        (SRV, ["type=bind", "device=/opt"], "", "it stays in /srv. To"),
        (NFS, ["type=nfs", "device=nas:/other"], "", "it stays in nas:/media. To"),
        (OVERLAY, PLAIN, "", "it stays in overlay (lowerdir=/low,upperdir=/up). To"),
        (OVERLAY, [OVERLAY[0], OVERLAY[1].replace("/up", "/new")], "", "upperdir=/up). To"),
        (["type=btrfs", "device=/d", "o=subvol=a"], ["type=btrfs", "device=/d"], "", "/d (subvol=a). To"),
    ],
)
def test_other_data(before, after, holding, where):
    """If the volume shows other data after the change, the warning has the location of the old data, and how to move it."""
    sentence = told(before, after, holding)
    assert where in sentence
    assert sentence.startswith("the data of volume v is not copied")
    assert ("volume_import" in sentence) == (after == PLAIN)
    assert ("unpack the archive in mount_point" in sentence) == (after != PLAIN)
    assert ("force: true" in sentence) == (after == PLAIN and holding != "")
    assert ("It is removed only with the volume" in sentence) == (before == PLAIN)


@pytest.mark.parametrize(
    ("before", "after", "holding"),
    [
        (PLAIN, DISK, ""),
        (TMPFS, PLAIN, OWN),
        (TMPFS, SRV, OWN),
        (TMPFS, ["type=tmpfs", "o=size=1m"], OWN),
        (PLAIN, ["o=size=1m,inodes=5"], OWN),
        (PLAIN, ["o=uid=5,gid=6,mode=0700"], OWN),
        (PLAIN, ["nocopy"], OWN),
        (SRV, [*SRV, "o=ro"], OWN),
        (DISK, [*DISK, "o=noatime,timeout=5,uid=7"], OWN),
        (["type=ext3", "device=/dev/sdb"], DISK, ""),
        (NFS, ["type=nfs4", "device=nas:/media", "o=soft"], ""),
        (OVERLAY, [OVERLAY[0], f"{OVERLAY[1]},metacopy=on"], ""),
    ],
)
def test_the_same_data_or_none(before, after, holding):
    """There is no warning if the volume was empty, or shows the same data as before."""
    assert told(before, after, holding) == ""
