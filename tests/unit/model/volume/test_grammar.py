# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of a volume's driver."""

from __future__ import annotations

import pytest

from _engine.errors import InvalidOption
from _engine.model.volume.grammar import parse, parse_mode, with_owner
from _engine.model.volume.options import DriverOptions

READ = [
    ([], DriverOptions()),
    (
        ["type=tmpfs", "device=tmpfs", "o=nodev,size=1k"],
        DriverOptions("tmpfs", "tmpfs", ("nodev", "size=1024")),
    ),
    (["type=tmpfs", "o=size=50%"], DriverOptions("tmpfs", "tmpfs", ("size=50%",))),
    (["o=noexec", "type=tmpfs", "o=nodev,noexec"], DriverOptions("tmpfs", "tmpfs", ("nodev", "noexec"))),
    (["type=ext4", "device=/dev/sdb1", "o=uid=5,gid=6"], DriverOptions("ext4", "/dev/sdb1", uid=5, gid=6)),
    (["type=xfs", "device=LABEL=data"], DriverOptions("xfs", "LABEL=data")),
    (["type=none", "device=/srv", "o=bind,ro"], DriverOptions("bind", "/srv", ("ro",))),
    (["device=/srv", "o=rbind"], DriverOptions("bind", "/srv", ("rbind",))),
    (["type=bind", "device=/srv"], DriverOptions("bind", "/srv")),
    (
        ["type=nfs", "device=nas:/a", "o=vers=4.2,soft,timeout=5"],
        DriverOptions("nfs", "nas:/a", ("soft", "vers=4.2"), timeout=5),
    ),
    (["type=nfs", "device=:/a", "o=addr=10.0.0.1"], DriverOptions("nfs", ":/a", ("addr=10.0.0.1",))),
    (["type=overlay", "o=lowerdir=/a:/b"], DriverOptions("overlay", "overlay", ("lowerdir=/a:/b",))),
    (["o=uid=0,mode=1777"], DriverOptions(uid=0, mode=0o1777)),
    (["o=size=1g,inodes=100"], DriverOptions(size=1 << 30, inodes=100)),
    (["o=noquota"], DriverOptions()),
    (["nocopy"], DriverOptions(copy=False)),
    (["copy"], DriverOptions()),
]


@pytest.mark.parametrize(("items", "options"), READ, ids=lambda value: str(value)[:40])
def test_read(items, options):
    """Options have a canonical form, which survives storing."""
    assert parse(items) == options
    assert DriverOptions.decode(parse(items).encode()) == options


@pytest.mark.parametrize(
    ("items", "told"),
    [
        (["tpye=tmpfs"], "'tpye=tmpfs' is not known; near: type"),
        (["type=tmpfs", "o=nosiud"], "'nosiud' is not known; near: nosuid"),
        (["type=tmpfs", "o=inodes=5,nr_inode=5"], "is not known; near: nr_inodes"),
        (["type=nfs", "device=n:/a", "o=timo=5"], "'timo=5' is not known; near: timeo"),
        (["o=sise=1g"], "requires type and device; near: size"),
        (["o=nodev"], "requires type and device"),
        (["device=/dev/sdb"], "cannot be mounted without type"),
        (["type=ext4"], "requires device"),
        (["type=ext4", "device=sdb"], "is not a device"),
        (["type=ext4", "device=-o"], "is not a device"),
        (["type=nfs", "device=/a"], "names no server"),
        (["type=bind", "device=srv"], "is not an absolute path"),
        (["type=-t"], "is not a file system type"),
        (["type=tmpfs", "type=ext4"], "sets type twice"),
        (["type=tmpfs", "o=ro,rw"], "contradicts"),
        (["type=tmpfs", "o=nodev,dev"], "contradicts dev"),
        (["type=tmpfs", "o=size=1m,size=2m"], "repeats size="),
        (["type=ext4", "device=/dev/sdb", "o=size=1g"], "cannot have a quota"),
        (["o=size=0"], "is less than 1"),
        (["o=size=big"], "is not a size"),
        (["o=size=1g,noquota"], "contradicts size and inodes"),
        (["o=uid=root"], "is not an integer"),
        (["o=uid=-1"], "is not a numeric ID"),
        (["o=uid=1,uid=2"], "must set one value for uid"),
        (["o=uid"], "is not an integer"),
        (["o=mode=rwx"], "is not a mode"),
        (["o=timeout=0"], "is less than 1"),
        (["type=overlay", "o=upperdir=/a"], "is not a valid overlay"),
        (["type=overlay", "o=lowerdir=/a,upperdir=/b"], "is not a valid overlay"),
        (["type=overlay", "o=lowerdir=a"], "is not an absolute path"),
        (["copy", "nocopy"], "contradicts nocopy"),
        ([None], "is not a string"),
    ],
)
def test_refused(items, told):
    """Invalid options are refused, with the word and the nearest valid one."""
    with pytest.raises(InvalidOption) as caught:
        parse(items)
    assert told in caught.value.message


def test_owner():
    """The task's own options equal the words of o; contradictions are refused."""
    assert with_owner(parse(["o=uid=5"]), uid=5, gid=6, mode="0750") == DriverOptions(
        uid=5, gid=6, mode=0o750
    )
    with pytest.raises(InvalidOption, match="uid: 6 contradicts uid= in o"):
        with_owner(parse(["o=uid=5"]), uid=6)


@pytest.mark.parametrize("value", [488, "8", "rwx", "", None, "12345"])
def test_a_mode_is_octal_text(value):
    """A number is refused, because YAML has already converted it."""
    with pytest.raises(InvalidOption, match="is not a mode"):
        parse_mode("mode", value)


@pytest.mark.parametrize(
    ("items", "words"),
    [
        (["type=tmpfs", "o=uid=5,mode=700,nodev"], ("nodev", "uid=5", "mode=700")),
        (["type=ext4", "device=/d", "o=uid=5,mode=700,nodev"], ("nodev",)),
        (["type=bind", "device=/d", "o=ro"], ("bind", "ro")),
        (["o=rbind", "device=/d"], ("rbind",)),
    ],
)
def test_words_for_the_mount(items, words):
    """mount(8) gets only words that it knows: an owner only if the file system has such an option."""
    assert parse(items).mount_words == words
