# SPDX-License-Identifier: GPL-3.0-or-later
"""Mounts of containers on the real kernel: targets, visibility, and the clean-up after a failure."""

from __future__ import annotations

import contextlib
import os
import stat
import subprocess
from pathlib import Path

import pytest

from _engine.errors import EngineError, InvalidOption, NotFound, RuntimeFailed
from _engine.kernel import mountinfo, mounts
from dockerarchive import Link, layer
from enginehost import failing_hook

SLEEP = ("sleep", "1000")
#: For a container that is recreated while it runs.
QUICK = {"stop_timeout": 0}


def inside(shape: dict, path: str) -> Path:
    """Return a path in a running container's root that the host can open."""
    return Path(f"/proc/{shape['State']['Pid']}/root{path}")


def seen(shape: dict, path: str) -> mountinfo.Mount | None:
    """Return the topmost mount at a path in the container, or None."""
    entries = Path(f"/proc/{shape['State']['Pid']}/mountinfo").read_text().splitlines()
    found = [line.split(" ") for line in entries if line.split(" ")[4] == path]
    if not found:
        return None
    fields = found[-1]
    end = fields.index("-")
    return {
        "flags": fields[5].split(","),
        "tags": fields[6:end],
        "type": fields[end + 1],
        "options": fields[end + 3],
    }


@pytest.fixture
def linked(built, busybox) -> str:
    """Return an image with symlinks that, resolved by a process on the host, lead out of it."""
    content = layer(
        {
            "real": None,
            "real/below": None,
            "link": Link("../../../../real"),
            "absolute": Link("/real/below"),
            "chain": Link("link/below"),
            "out": Link("../../../../../../../../tmp/slipway-out"),
            "dangling": Link("/../tmp/slipway-nowhere"),
            "tmp": None,
            "tmp/slipway-out": None,
        }
    )
    return built("localhost/linked:1", busybox, content)


def marked(path: Path, name: str) -> str:
    """Create a directory with a file of this name and a directory ``below``, and return its path."""
    (path / "below").mkdir(parents=True)
    (path / name).touch()
    return str(path)


#: The path in the container where a mount on a symlink must appear.
LANDS = {
    "/link": "/real",
    "/link/new": "/real/new",
    "/absolute": "/real/below",
    "/chain/deeper": "/real/below/deeper",
    "/out": "/tmp/slipway-out",
    "/out/deep/er": "/tmp/slipway-out/deep/er",
}


def test_a_destination_that_is_a_symlink(host, linked, tmp_path):
    """A symlink in the image is followed inside the root and never out of it."""
    sources = {
        path: marked(tmp_path / str(number), path[1:].replace("/", "-")) for number, path in enumerate(LANDS)
    }
    shape = host.start(*SLEEP, image=linked, volume=[f"{source}:{path}" for path, source in sources.items()])
    for path, lands in LANDS.items():
        assert seen(shape, lands), path
        assert inside(shape, lands).joinpath(path[1:].replace("/", "-")).exists(), path
    assert not os.path.lexists("/tmp/slipway-out")
    assert not os.path.lexists("/real")


def test_a_destination_that_leads_nowhere(host, linked, tmp_path):
    """A dangling symlink's target is created inside the root (runc), or the mount is refused (crun)."""
    source = marked(tmp_path / "source", "mark")
    with contextlib.suppress(RuntimeFailed):
        shape = host.start(*SLEEP, image=linked, volume=[f"{source}:/dangling"])
        assert inside(shape, "/tmp/slipway-nowhere/mark").exists()
    assert not os.path.lexists("/tmp/slipway-nowhere")


def test_nested_and_overlapping(host, tmp_path):
    """Nested mounts are all visible, in whatever order they are written, and do not hide their neighbours."""
    wanted = ["/a/b/c", "/a", "/ab", "/a/b", "/ab/c", "/a-b", "/a/b/c/d/e", "/d/e"]
    volume = [
        f"{marked(tmp_path / str(number), path.replace('/', '_'))}:{path}"
        for number, path in enumerate(wanted)
    ]
    shape = host.start(
        *SLEEP,
        volume=[*volume, "named:/a/v"],
        tmpfs={"/d": "size=1m", "/a/t": "size=1m"},
        mount=["type=volume,src=other,dst=/a/t/v"],
    )
    for path in wanted:
        assert inside(shape, path).joinpath(path.replace("/", "_")).exists(), path
    assert [seen(shape, path)["type"] for path in ("/d", "/a/t")] == ["tmpfs", "tmpfs"]
    assert seen(shape, "/a/v")
    assert seen(shape, "/a/t/v")


def test_a_mount_that_the_runtime_refuses(host, tmp_path):
    """An impossible mount is refused beforehand; if the runtime fails later, nothing stays mounted."""
    source = marked(tmp_path / "source", "mark")
    # A directory cannot be mounted on a file of the mount before it.
    with pytest.raises(EngineError, match="mark"):
        host.want("started", *SLEEP, volume=[f"{source}:/a", f"{source}:/a/mark/below", "named:/v"])
    assert (host.inspect("box"), host.volumes()) == ({}, [])
    volume = [f"{source}:/a", f"{source}:/a/below", "named:/v"]
    with pytest.raises(EngineError, match="hook"):
        host.want("started", *SLEEP, volume=volume, tmpfs={"/t": ""}, hooks_dir=failing_hook(tmp_path))
    shape = host.inspect("box")
    assert shape["State"]["Status"] == "created"
    assert [entry.target for entry in mountinfo.below(host.layout.root)] == []
    assert [entry.target for entry in mountinfo.below(host.layout.run_root)] == []
    assert sorted(path.name for path in (tmp_path / "source").iterdir()) == ["below", "mark"]
    assert host.start(*SLEEP, volume=[f"{source}:/a"])["State"]["Running"]


@contextlib.contextmanager
def mounted_below(path: Path):
    """Mount a file system below a directory of the host."""
    below = path / "below"
    below.mkdir(parents=True)
    mounts.tmpfs(str(below), size=65536, mode=0o755)
    try:
        (below / "file").touch()
        yield below
    finally:
        mounts.unmount(str(below))


BELOW = {
    "": (True, True),
    "ro": (True, True),
    "rro": (True, False),
    "bind": (False, True),
    "bind,ro": (False, False),
}


def test_what_is_mounted_below_a_source(host, tmp_path):
    """Mounts below a source are visible if the bind is recursive, and writable unless it is rro."""
    with mounted_below(tmp_path / "source"):
        shape = host.start(
            *SLEEP, volume=[f"{tmp_path}/source:/{number}:{words}" for number, words in enumerate(BELOW)]
        )
        for number, words in enumerate(BELOW):
            is_seen, is_writable = BELOW[words]
            top, below = f"/{number}", f"/{number}/below"
            assert (inside(shape, f"{below}/file").exists(), bool(seen(shape, below))) == (
                is_seen,
                is_seen,
            ), words
            assert seen(shape, below if is_seen else top)["flags"][0] == ("rw" if is_writable else "ro"), (
                words
            )
            assert seen(shape, top)["flags"][0] == ("ro" if "ro" in words else "rw"), words
        host.bring("box", "absent", stop_time=0)


TAGS = {
    "private": set(),
    "rprivate": set(),
    "slave": {"master"},
    "rslave": {"master"},
    "shared": {"shared"},
    "rshared": {"shared"},
    "unbindable": {"unbindable"},
    "runbindable": {"unbindable"},
}


def test_propagation(host, tmp_path):
    """Each mount has the requested propagation."""
    top = tmp_path / "shared"
    top.mkdir()
    mounts.tmpfs(str(top), size=65536, mode=0o755)
    try:
        subprocess.run(["mount", "--make-rshared", top], check=True)
        shape = host.start(*SLEEP, volume=[f"{top}:/{word}:{word}" for word in TAGS])
        found = {word: {tag.partition(":")[0] for tag in seen(shape, f"/{word}")["tags"]} for word in TAGS}
        host.bring("box", "absent", stop_time=0)
        assert found == TAGS
    finally:
        mounts.unmount(str(top))


def test_file_systems_of_its_own(host):
    """A tmpfs, a ramfs and a devpts have the requested size, mode, owner and flags."""
    shape = host.start(
        *SLEEP,
        user="1000:2000",
        mount=[
            "type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=0750,U=true,noexec,noatime",
            "type=ramfs,dst=/r,tmpfs-mode=0700",
            "type=devpts,dst=/p,uid=5,gid=6,mode=0640,max=7,ptmxmode=0666",
        ],
    )
    tmpfs, ramfs, devpts = (seen(shape, path) for path in ("/t", "/r", "/p"))
    assert [found["type"] for found in (tmpfs, ramfs, devpts)] == ["tmpfs", "ramfs", "devpts"]
    assert {"rw", "nosuid", "nodev", "noexec", "noatime"} <= {*tmpfs["flags"]}
    assert "size=1024k" in tmpfs["options"].split(",")
    owner = inside(shape, "/t").stat()
    assert (owner.st_uid, owner.st_gid, stat.S_IMODE(owner.st_mode)) == (1000, 2000, 0o750)
    assert stat.S_IMODE(inside(shape, "/r").stat().st_mode) == 0o700
    assert {"nosuid", "nodev"} <= {*ramfs["flags"]}
    assert {"gid=6", "mode=640", "ptmxmode=666", "max=7"} <= {*devpts["options"].split(",")}


def test_nothing_is_writable(host):
    """A read-only container has no writable path with read_only_tmpfs off, and some with it on."""
    places = ("/tmp", "/run", "/var/tmp", "/dev", "/dev/shm")
    shape = host.start(*SLEEP, read_only=True, read_only_tmpfs=False, **QUICK)
    found = {path: seen(shape, path) for path in places}
    assert [found[path] for path in places[:3]] == [None] * 3
    assert [found[path]["flags"][0] for path in places[3:]] == ["ro", "ro"]
    assert inside(shape, "/dev/null").is_char_device()
    shape = host.start(*SLEEP, read_only=True)
    assert [seen(shape, path)["flags"][0] for path in places] == ["rw"] * 5


def test_a_source_that_is_made(host, tmp_path):
    """With create a missing source directory is created before each start, as check mode foresees."""
    tmp_path.chmod(0o755)
    source = tmp_path / "one/two"
    options = {"volume": [f"{source}:/data:create"]}
    with pytest.raises(InvalidOption, match="does not exist") as caught:
        host.want("started", *SLEEP, volume=[f"{source}:/data"])
    assert "create" in caught.value.remedy

    told = host.want("started", *SLEEP, **options, settings={"predicting": True})
    assert told.actions == ("created box", f"created directory {source}", "started box")
    assert not source.parent.exists()
    umask = os.umask(0o077)
    try:
        done = host.want("started", *SLEEP, **options)
    finally:
        os.umask(umask)
    assert done.actions == told.actions
    assert [stat.S_IMODE(path.stat().st_mode) for path in (source, source.parent)] == [0o755] * 2
    assert host.want("started", *SLEEP, **options).actions == ()

    host.bring("box", "stopped", stop_time=0)
    source.rmdir()
    assert host.bring("box", "started").actions == (f"created directory {source}", "started box")
    assert source.is_dir()


def test_a_volume_that_has_to_be_there(host):
    """With nocreate a missing volume is refused with similar names, and an existing one is mounted."""
    host.want("created", *SLEEP, name="first", volume=["data:/data"])
    with pytest.raises(NotFound) as caught:
        host.want("started", *SLEEP, volume=["dat:/data:nocreate"])
    assert caught.value.fields["near"] == ["data"]
    assert host.volumes() == ["data"]
    assert seen(host.start(*SLEEP, volume=["data:/data:nocreate"]), "/data")


@pytest.fixture
def declaring(built, busybox) -> str:
    """Return an image that declares a volume with a file in it."""
    return built(
        "localhost/declaring:1", busybox, layer({"data": None, "data/first": b"x"}), Volumes={"/data": {}}
    )


def test_volumes_of_the_image(host, declaring):
    """The image's volumes become anonymous volumes, or tmpfs with the image's content, or are ignored."""
    shape = host.start(*SLEEP, image=declaring, image_volume="tmpfs", **QUICK)
    assert (seen(shape, "/data")["type"], host.volumes()) == ("tmpfs", [])
    assert inside(shape, "/data/first").exists()
    shape = host.start(*SLEEP, image=declaring, image_volume="ignore", **QUICK)
    assert (seen(shape, "/data"), shape["Mounts"], host.volumes()) == (None, [], [])
    assert inside(shape, "/data/first").exists()
    shape = host.start(*SLEEP, image=declaring)
    assert [mount["Name"] for mount in shape["Mounts"]] == host.volumes()


def test_volumes_from(host, declaring, tmp_path):
    """Another container's binds and volumes are mounted at the same paths, unless the spec overrides them."""
    source = marked(tmp_path / "source", "mark")
    host.want(
        "created",
        *SLEEP,
        name="one",
        image=declaring,
        volume=[f"{source}:/s:noexec", "named:/n"],
        tmpfs={"/t": ""},
    )
    shape = host.start(*SLEEP, volumes_from=["one:ro"], volume=["own:/n"])
    names = {mount["Destination"]: mount.get("Name") for mount in shape["Mounts"]}
    assert {*names} == {"/data", "/s", "/n"}
    assert names["/n"] == "own"
    assert {*host.record().implied} == {"/data", "/s"}
    assert {"ro", "noexec"} <= {*seen(shape, "/s")["flags"]}
    assert [seen(shape, path)["flags"][0] for path in ("/data", "/n")] == ["ro", "rw"]
    # The volume was new: this container's image has nothing at that path, and copy-up happens once.
    assert sorted(host.volumes()) == sorted(["named", "own", names["/data"]])
    assert seen(shape, "/t") is None
    with pytest.raises(EngineError, match="box"):
        host.bring("one", "absent")
    with pytest.raises(EngineError, match="is used by box, one"):
        host.volume(names["/data"], "absent")
    host.bring("box", "absent", stop_time=0, delete_volumes=True)
    assert names["/data"] in host.volumes()
    host.bring("one", "absent", delete_volumes=True)
    assert sorted(host.volumes()) == ["named", "own"]


def test_volumes_from_need_not_run(host):
    """The container of volumes_from need not run, is not started, and may be recreated meanwhile."""
    host.want("created", *SLEEP, name="one", volume=["/anonymous", "data:/data"])
    done = host.want("started", *SLEEP, volumes_from=["one"], **QUICK)
    assert done.actions == ("created box", "started box")
    before = {mount["Destination"]: mount["Name"] for mount in done.result["container"]["Mounts"]}
    host.want("created", *SLEEP, name="one", volume=["/anonymous", "data:/data"], env={"A": "1"})
    assert host.want("started", *SLEEP, volumes_from=["one"], **QUICK).actions == ()
    host.want("created", *SLEEP, name="one", volume=["/anonymous", "more:/data"])
    done = host.want("started", *SLEEP, volumes_from=["one"], **QUICK)
    assert {item.option for item in done.differences} >= {"volumes_from./data"}
    after = {mount["Destination"]: mount["Name"] for mount in done.result["container"]["Mounts"]}
    assert after == {**before, "/data": "more"}


def test_volumes_from_that_can_not_be(host):
    """An unknown container, and the container itself, are refused before anything is changed."""
    with pytest.raises(NotFound, match="volumes_from"):
        host.want("started", *SLEEP, volumes_from=["nobody"])
    with pytest.raises(InvalidOption, match="itself"):
        host.want("started", *SLEEP, volumes_from=["box"])
    assert host.inspect("box") == {}
