# SPDX-License-Identifier: GPL-3.0-or-later
"""A committed image has the container's tree, with every storage driver, and nothing else."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import time

import pytest
from commits import FILES, WHEN, Commits, alter, empty, settle
from fulltree import CAPABILITY

from _engine.errors import HostLacks, InvalidOption, NotFound, WrongState
from _engine.lifecycle.build.commit import CommitRequest, commit
from _engine.lifecycle.info import info
from _engine.rootfs import overlay
from dockerarchive import layer
from enginehost import eventually

DRIVERS = ["overlay", "fuse-overlayfs", "vfs"]
FOREVER = ("sleep", "1000")


#: A file capability as set by a user namespace's root, 100000 on the host (version 3).
CAPABILITY_OF_THE_ROOT = struct.pack("<6I", 0x03000001, 1 << 10, 0, 0, 0, 100000)


@pytest.fixture(params=DRIVERS)
def driver_name(request, need) -> str:
    """Return the name of each storage driver."""
    need(request.param != "fuse-overlayfs" or shutil.which("fuse-overlayfs"), "fuse-overlayfs")
    return request.param


@pytest.fixture
def driver(driver_name, commits) -> str:
    """Return containers with each storage driver."""
    commits.host.storage_driver = driver_name
    return driver_name


#: The mount points that the engine and the runtime create, and a directory that they change by that only.
PLACES = {b"etc/hosts", b"etc/hostname", b"etc/resolv.conf", b"run/.containerenv", b"data", b"data/deep"}
ABOVE = {b"run"}


def assert_kept(found, seen) -> None:
    """Fail unless an image has exactly the container's tree, except for mount points."""
    assert {path: found[path] for path in found.keys() & PLACES} == {}
    for tree in (found, seen):
        for path in ABOVE & tree.keys():
            tree[path] = {**tree[path], "mtime": None}
    wanted = {path: entry for path, entry in seen.items() if path not in PLACES}
    assert found.keys() ^ wanted.keys() == set()
    assert [(path, entry, wanted[path]) for path, entry in found.items() if entry != wanted[path]] == []


def test_the_image_is_what_the_container_saw(host, commits, image, driver):
    """Owners, modes, times, links, devices, attributes, holes and removals are the same in the image."""
    host.start(*FOREVER, image=image, volume=["data:/data/deep"], stop_timeout=0)
    alter(commits.root())
    settle(commits.root())
    done = commits.commit()
    assert done.actions == ("committed image localhost/out:1",)
    assert host.inspect()["State"]["Status"] == "running"
    assert_kept(commits.tree(), commits.seen())
    assert os.listdir(host.layout.staging) == []


def test_squashed(host, commits, image, driver):
    """A squashed image, with one layer, has the same tree."""
    host.start(*FOREVER, image=image, volume=["data:/data/deep"], stop_timeout=0)
    alter(commits.root())
    settle(commits.root())
    shape = commits.commit(squash=True).result["image"]
    assert (len(shape["RootFS"]["Layers"]), len(shape["History"])) == (1, 1)
    assert_kept(commits.tree(), commits.seen())


def test_in_a_user_namespace(passable_host, busybox, need, driver_name):
    """The image has the owners that the container sees, also in ACLs and capabilities."""
    commits = Commits(passable_host)
    passable_host.storage_driver = driver_name
    image = passable_host.build("localhost/files:1", busybox, layer(FILES))
    try:
        passable_host.start(*FOREVER, image=image, uidmap=["0:100000:65536"], stop_timeout=0)
        root = commits.root()
        (root / "new").write_text("x")
        os.chown(root / "new", 101000, 100005)
        os.chown(root / "etc/app/kept", 100007, 100008)
        (root / "etc/app/old").unlink()
        (root / "capable").write_text("x")
        os.chown(root / "capable", 100000, 100000)
        os.setxattr(root / "capable", "security.capability", CAPABILITY_OF_THE_ROOT)
        commits.commit()
        commits.commit("localhost/out:squashed", squash=True)
        for name in ("localhost/out:1", "localhost/out:squashed"):
            tree = commits.tree(name)
            owners = {path: tree[path]["owner"] for path in (b"new", b"etc/app/kept", b"etc/app/moved", b"")}
            assert owners == {
                b"new": (1000, 5),
                b"etc/app/kept": (7, 8),
                b"etc/app/moved": (0, 0),
                b"": (0, 0),
            }
            assert tree[b"capable"]["xattrs"] == {"security.capability": CAPABILITY}
            assert b"etc/app/old" not in tree
        top, *_below = commits.layers("localhost/out:1")
        assert not (top / "bin").exists()
    finally:
        empty(passable_host)


def test_links_to_what_the_image_has(host, commits, image, driver):
    """An image's file with a second link in the container has both links in the new image."""
    host.start(*FOREVER, image=image, stop_timeout=0)
    root = commits.root()
    os.link(root / "etc/app/kept", root / "srv/linked")
    commits.commit()
    tree = commits.tree()
    assert tree[b"srv/linked"]["linked with"] == tree[b"etc/app/kept"]["linked with"] == b"etc/app/kept"


def test_a_socket_in_the_place_of_a_file(host, commits, image, driver):
    """A socket is left out, and the file that it has replaced does not reappear."""
    host.start(*FOREVER, image=image, stop_timeout=0)
    root = commits.root()
    for name in ("etc/app/kept", "srv/new"):
        (root / name).unlink(missing_ok=True)
        os.mknod(root / name, 0o140600)
    commits.commit()
    assert commits.tree().keys() & {b"etc/app/kept", b"srv/new"} == set()
    top, *_below = commits.layers("localhost/out:1")
    assert (top / "etc/app/kept").exists()
    assert not (top / "srv/new").exists()


def test_attributes_alone(host, commits, image, driver):
    """A change of only a file's capability, or of a directory's attributes, is in the layer."""
    host.start(*FOREVER, image=image, stop_timeout=0)
    root = commits.root()
    os.setxattr(root / "etc/app/kept", "security.capability", CAPABILITY)
    os.setxattr(root / "srv/deep", "trusted.note", b"1")
    commits.commit()
    tree = commits.tree()
    assert tree[b"etc/app/kept"]["xattrs"] == {"security.capability": CAPABILITY}
    assert tree[b"srv/deep"]["xattrs"] == {"trusted.note": b"1"}


def test_nothing_new(host, commits, image, driver):
    """A container without changes, started or not, adds a step to the history and no layer."""
    host.want("created", *FOREVER, image=image, volume=["data:/data/deep"], stop_timeout=0)
    before = commits.commit("localhost/out:before").result["image"]
    host.bring("box", "started")
    shape = commits.commit().result["image"]
    assert shape["Id"] == before["Id"]
    assert len(shape["RootFS"]["Layers"]) == 2
    assert [step.get("empty_layer") for step in shape["History"]] == [True]


def test_the_same_again(host, commits, image):
    """The same container and options are unchanged; another name or option is a change."""
    host.start(*FOREVER, image=image, stop_timeout=0)
    (commits.root() / "new").touch()
    first = commits.commit(author="me").result["image"]
    time.sleep(1.1)  # a timestamp would make another image
    assert commits.commit(author="me").actions == ()
    assert commits.commit(author="me", check=True).actions == ()
    named = commits.commit("localhost/out:2", author="me")
    assert named.actions == (f"named image {first['Id'][:12]} as localhost/out:2",)
    assert commits.commit("", author="me").actions == ()
    assert commits.commit(author="you").changed
    assert commits.commit("localhost/out:2", author="me").actions == ()
    (commits.root() / "new").write_text("x")
    assert commits.commit("localhost/out:2", author="me").changed
    assert "commit" in host.events()


def test_check_mode(host, commits, image):
    """Check mode predicts the commit, changes nothing, and freezes no container."""
    host.start(*FOREVER, image=image, stop_timeout=0)
    (commits.root() / "new").touch()
    before = host.picture()
    told = commits.commit(check=True)
    assert told.actions == ("committed image localhost/out:1",)
    assert host.picture() == before
    assert commits.commit().actions == told.actions


def test_timestamp(host, commits, image):
    """With a timestamp, two containers with the same changes result in one image."""
    ids = set()
    for _time in range(2):
        host.start(*FOREVER, image=image, stop_timeout=0)
        (commits.root() / "new").write_text("x")
        ids.add(commits.commit(timestamp=1_700_000_000).result["image"]["Id"])
        host.bring("box", "absent", stop_time=0)
        time.sleep(1.1)
    assert len(ids) == 1
    tree = commits.tree()
    assert tree[b"new"]["mtime"] == WHEN
    with host.open(read_only=True) as engine:
        (shape,) = info.images(engine, ["localhost/out:1"]).result["images"]
    assert shape["Created"] == "2023-11-14T22:13:20Z"


def test_it_stands_still(host, commits, image):
    """A running container is frozen while it is read, and thawed after; without pause it runs on."""
    count = "while :; do i=$((i + 1)); echo $i >/srv/a; echo $i >/srv/b; done"
    host.start("sh", "-c", count, image=image, stop_timeout=0)
    eventually((commits.root() / "srv/b").exists, "it counts")
    commits.commit()
    with commits.mounted("localhost/out:1") as top:
        first, second = ((top / "srv" / name).read_text() for name in "ab")
    # A file is briefly empty before it is written.
    assert "" in (first, second) or int(first) - int(second) in (0, 1)
    assert host.events()[-3:] == ["pause", "unpause", "commit"]
    before = (commits.root() / "srv/b").read_text()
    eventually(lambda: (commits.root() / "srv/b").read_text() not in ("", before), "it counts on")
    commits.commit("localhost/out:2", pause=False)
    assert host.events()[-2:] == ["commit", "commit"]


@pytest.mark.parametrize("runtime", ["crun"], indirect=True)  # runc always creates a cgroup
def test_what_can_not_stand_still(host, commits, image):
    """Without a freezable cgroup the error names the option, with which the container is read running."""
    host.start(*FOREVER, image=image, cgroups="disabled", stop_timeout=0)
    with pytest.raises(HostLacks, match="Write pause: false"):
        commits.commit()
    assert commits.commit(pause=False).changed


def test_a_paused_one_stays_paused(host, commits, image):
    """A paused container stays paused."""
    host.start(*FOREVER, image=image, stop_timeout=0)
    host.bring("box", "paused")
    commits.commit()
    assert host.inspect()["State"]["Status"] == "paused"


def test_refused(host, commits, image, tmp_path, busybox):
    """What can't be committed is refused with the container's name, and leaves nothing."""
    with pytest.raises(NotFound, match="no container named 'box'"):
        commits.commit()
    host.start(*FOREVER, image=image, stop_timeout=0)
    with pytest.raises(InvalidOption, match="image: 'Out' has capital letters"):
        commits.commit("Out")
    with pytest.raises(InvalidOption, match="changes: 'RUN x' starts with an unknown instruction"):
        commits.commit(changes=("RUN x",))
    (commits.root() / "srv/.wh.kept").touch()
    with pytest.raises(WrongState, match=r"container box contains 'srv/.wh.kept': such a name hides"):
        commits.commit()
    assert host.inspect()["State"]["Status"] == "running"
    assert os.listdir(host.layout.staging) == []
    host.bring("box", "absent", stop_time=0)
    root = tmp_path / "rootfs"
    root.mkdir()
    subprocess.run(["tar", "-xC", str(root)], input=busybox, check=True)
    host.want("created", "sleep", image=str(root), rootfs=True)
    with pytest.raises(WrongState, match=r"plain directory.*image_import"):
        commits.commit()


def test_where_the_kernel_may_move_content(host, commits, image, monkeypatch):
    """If the upper layer is incomplete, the whole tree is compared, with the same result."""
    host.start(*FOREVER, image=image, stop_timeout=0)
    alter(commits.root())
    settle(commits.root())
    commits.commit()
    by_upper = commits.tree()
    monkeypatch.setattr(overlay, "moves_content", lambda: True)
    commits.commit("localhost/out:2")
    assert commits.tree("localhost/out:2") == by_upper


def test_what_it_runs_from_it(host, commits, image):
    """A container of the image has its files, and by default runs what the first one ran."""
    host.start("sh", "-c", "cat /etc/app/note || echo x >/etc/app/note", image=image, env={"A": "1"})
    host.ended()
    shape = commits.commit(cache_key="k").result["image"]
    assert shape["Config"]["Cmd"][0] == "sh"
    assert shape["Config"]["Labels"].keys() == {"of", "slipway.oci.stage"}
    host.start(name="two", image="localhost/out:1")
    host.ended("two")
    assert host.log("two")[0] == "x\n"
    with host.open() as engine:
        again = commit(engine, CommitRequest("two", "localhost/out:2", config="image")).result["image"]
    assert again["Config"]["Labels"] == {"of": "image"}
