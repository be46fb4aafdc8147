# SPDX-License-Identifier: GPL-3.0-or-later
"""Mounts that the engine makes itself: parts of volumes, overlays, images, idmapped mounts, and trees given away."""

from __future__ import annotations

import errno
import os
import re
import signal
from pathlib import Path

import pytest

from _engine.errors import HostLacks, InUse, InvalidOption, NotFound
from _engine.kernel import libc, mountinfo, mounts
from _engine.kernel.files import held
from _engine.lifecycle.container.start import start
from _engine.lifecycle.core.origin import source_of
from _engine.lifecycle.guard.hold import hold
from _engine.lifecycle.image.remove import remove_image
from _engine.lifecycle.resources.prepared_mount_checks import refuse_dangerous
from _engine.model.mounts.mount import BIND, Mount
from _engine.trees.metadata import write_flags
from dockerarchive import layer
from enginehost import eventually

SLEEP = ("sleep", "1000")
ASSETS = "localhost/assets:1"
#: FS_IMMUTABLE_FL of linux/fs.h.
IMMUTABLE = 0x10
SITE = {"site": None, "site/page": b"of the image", "other": b"other"}


def inside(shape: dict, path: str) -> Path:
    """Return a path of a running container's root as the host can open it."""
    return Path(f"/proc/{shape['State']['Pid']}/root{path}")


def names(path: Path) -> list[str]:
    """Return the names in a directory."""
    return sorted(entry.name for entry in path.iterdir())


def owner(path: Path) -> tuple[int, int]:
    """Return whose a file is."""
    seen = path.lstat()
    return seen.st_uid, seen.st_gid


def tree(top: Path) -> Path:
    """Make a small directory tree."""
    top.joinpath("sub").mkdir(parents=True)
    top.joinpath("file").write_text("of the host")
    top.joinpath("sub/deep").write_text("deep")
    return top


@pytest.fixture
def data(host) -> Path:
    """Return where a volume lies that has a directory ``app`` and a file ``note``."""
    host.volume("data")
    tree(host.data("data") / "app")
    host.data("data").joinpath("note").write_text("note")
    return host.data("data")


@pytest.fixture
def assets(built) -> str:
    """Return an image without any program."""
    return built(ASSETS, layer({"site": None, "site/page": b"old"}), layer(SITE))


# -- subpath ---------------------------------------------------------------------------------------


def test_part_of_a_volume(host, data):
    """A container with subpath has that directory and no more; what it writes lands there."""
    shape = host.start(
        "sh", "-c", "echo x > /part/new; sleep 1000", mount=["type=volume,src=data,dst=/part,subpath=app"]
    )
    eventually((data / "app/new").exists, "a file in the volume")
    assert names(inside(shape, "/part")) == ["file", "new", "sub"]
    assert names(data) == ["app", "note"]


def test_a_single_file_of_a_volume(host, data):
    """A subpath may be a file."""
    shape = host.start(*SLEEP, mount=["type=volume,src=data,dst=/etc/note,subpath=note,ro"])
    assert inside(shape, "/etc/note").read_text() == "note"


def test_two_containers_share_a_part(host, data):
    """Two containers with the same part see each other's files, and one's end leaves the other its mount."""
    mount = ["type=volume,src=data,dst=/part,subpath=app"]
    one, two = (host.start(*SLEEP, name=name, mount=mount) for name in ("one", "two"))
    inside(one, "/part/from-one").write_text("one")
    host.bring("one", "absent", stop_time=0)
    assert inside(two, "/part/from-one").read_text() == "one"
    assert (data / "app/from-one").exists()


def test_restart_keeps_the_part(host, data):
    """After a restart the part is there again, with what was written."""
    shape = host.start(*SLEEP, mount=["type=volume,src=data,dst=/part,subpath=app"])
    inside(shape, "/part/new").write_text("x")
    host.bring("box", "restarted", stop_time=0)
    assert inside(host.inspect(), "/part/new").read_text() == "x"
    host.bring("box", "stopped", stop_time=0)
    assert host.mounts() == []


def test_a_symlink_leads_nowhere_but_inside(host, data):
    """A subpath that is an absolute symlink means a path of the volume; the host's of that name is never shown."""
    data.joinpath("etc").mkdir()
    data.joinpath("etc/mine").write_text("x")
    data.joinpath("link").symlink_to("/etc")
    shape = host.start(*SLEEP, mount=["type=volume,src=data,dst=/part,subpath=link"])
    assert names(inside(shape, "/part")) == ["mine"]


def test_a_symlink_that_is_swapped_later(host, data):
    """What the mount shows was settled at the start: exchanging a name on the way changes nothing."""
    shape = host.start(*SLEEP, mount=["type=volume,src=data,dst=/part,subpath=app/sub"])
    data.joinpath("app").rename(data / "moved")
    data.joinpath("app").symlink_to("/etc")
    assert names(inside(shape, "/part")) == ["deep"]


# -- overlays --------------------------------------------------------------------------------------


def test_an_overlay_leaves_its_source_alone(host, tmp_path):
    """With O the container reads and alters the directory, the host's stays as it was, and all is forgotten at the end."""
    source = tree(tmp_path / "source")
    source.chmod(0o750)
    shape = host.start(*SLEEP, volume=[f"{source}:/o:O"])
    assert inside(shape, "/o").stat().st_mode & 0o777 == 0o750
    assert inside(shape, "/o/file").read_text() == "of the host"
    inside(shape, "/o/file").write_text("altered")
    inside(shape, "/o/new").write_text("new")
    assert names(source) == ["file", "sub"]
    assert (source / "file").read_text() == "of the host"
    host.bring("box", "restarted", stop_time=0)
    assert names(inside(host.inspect(), "/o")) == ["file", "sub"]
    host.bring("box", "stopped", stop_time=0)
    assert host.mounts() == []
    assert not Path(host.layout.container(shape["Id"]).overlays).exists()


def test_an_overlay_over_a_part_of_a_volume(host, data):
    """O works over a volume, and over a part of one; each container has its own."""
    mount = ["type=volume,src=data,dst=/o,subpath=app,O"]
    one, two = (host.start(*SLEEP, name=name, mount=mount) for name in ("one", "two"))
    inside(one, "/o/from-one").write_text("one")
    assert names(inside(two, "/o")) == names(data / "app") == ["file", "sub"]


def test_an_overlay_with_directories_of_the_users(host, tmp_path):
    """With upperdir and workdir what was written stays where the user wants it, over restarts and the removal."""
    source = tree(tmp_path / "source")
    upper, work = tmp_path / "upper", tmp_path / "work"
    for path in (upper, work):
        path.mkdir()
    options = {"volume": [f"{source}:/o:O,upperdir={upper},workdir={work}"]}
    shape = host.start(*SLEEP, **options)
    inside(shape, "/o/new").write_text("new")
    host.bring("box", "restarted", stop_time=0)
    assert names(inside(host.inspect(), "/o")) == ["file", "new", "sub"]
    with pytest.raises(InUse, match="box at /o"):
        host.want("started", *SLEEP, name="other", **options)
    host.bring("box", "absent", stop_time=0)
    assert names(upper) == ["new"]
    assert names(source) == ["file", "sub"]


# -- images ----------------------------------------------------------------------------------------


def test_an_image_is_mounted(host, assets):
    """A container sees the files of another image, its layers merged, and can't alter them."""
    shape = host.start(
        "sh", "-c", "echo x > /a/new || echo refused; sleep 1000", mount=[f"type=image,src={assets},dst=/a"]
    )
    host.said("refused")
    assert names(inside(shape, "/a")) == ["other", "site"]
    assert [mount for mount in host.mounts() if "/overlays/" in mount] == []
    assert inside(shape, "/a/site/page").read_bytes() == b"of the image"
    with pytest.raises(OSError, match="Read-only"):
        inside(shape, "/a/new").write_text("x")


def test_an_image_that_can_be_written_to(host, assets):
    """With rw the container writes to a layer of its own, which goes with its run."""
    mount = [f"type=image,src={assets},dst=/a,rw=true"]
    one, two = (host.start(*SLEEP, name=name, mount=mount) for name in ("one", "two"))
    inside(one, "/a/new").write_text("x")
    assert names(inside(two, "/a")) == ["other", "site"]
    host.bring("one", "restarted", stop_time=0)
    assert names(inside(host.inspect("one"), "/a")) == ["other", "site"]


def test_part_of_an_image(host, assets):
    """Of an image, too, a part may be mounted."""
    shape = host.start(*SLEEP, mount=[f"type=image,src={assets},dst=/a,subpath=/site"])
    assert names(inside(shape, "/a")) == ["page"]


def test_a_mounted_image_is_in_use(host, assets):
    """An image that a container mounts can't be removed, and the container can be started again without its name."""
    host.start(*SLEEP, mount=[f"type=image,src={assets},dst=/a"])
    with host.open() as engine, pytest.raises(InUse, match="box"):
        remove_image(engine, assets, force=True)
    host.bring("box", "restarted", stop_time=0)
    assert names(inside(host.inspect(), "/a")) == ["other", "site"]


def test_a_mounted_image_that_changes(host, assets, built):
    """When the name of a mounted image means another one, the container is made anew, and told why."""
    options = {"mount": [f"type=image,src={assets},dst=/a"]}
    host.start(*SLEEP, **options)
    assert host.want("started", *SLEEP, **options).actions == ()
    built(ASSETS, layer({"newer": b""}))
    predicted = host.want("started", *SLEEP, **options, settings={"read_only": True})
    assert predicted.cost == "recreate"
    before = host.record().images["/a"]
    outcome = host.want("started", *SLEEP, **options, stop_time=0)
    with host.open() as engine:  # it has no name any more, and nobody uses it
        remove_image(engine, before)
    assert [item.option for item in outcome.differences] == ["mounts./a"]
    assert names(inside(outcome.result["container"], "/a")) == ["newer"]


# -- to whom it belongs ----------------------------------------------------------------------------


def test_a_tree_is_given_to_the_containers_user(host, tmp_path):
    """With U all of the directory is the container's user's, a symlink itself and not what it leads to."""
    source, outside = tree(tmp_path / "source"), tmp_path / "outside"
    outside.write_text("x")
    source.joinpath("link").symlink_to(outside)
    host.start("sh", "-c", "echo x > /u/sub/new; sleep 1000", user="7:8", volume=[f"{source}:/u:U"])
    eventually((source / "sub/new").exists, "a file in the directory")
    assert {owner(path) for path in (source, *source.rglob("*"))} == {(7, 8)}
    assert owner(outside) == (0, 0)


def test_a_tree_is_given_once(host, tmp_path):
    """A second start looks at the root alone; an owner that was changed meanwhile, or another user, means another walk."""
    source = tree(tmp_path / "source")
    options = {"volume": [f"{source}:/u:U"], "stop_time": 0}
    host.want("started", *SLEEP, user="7:8", **options)
    chown(source / "file", 9)
    host.bring("box", "restarted", stop_time=0)
    assert owner(source / "file") == (9, 9)
    chown(source, 9)
    host.bring("box", "restarted", stop_time=0)
    assert owner(source / "file") == owner(source) == (7, 8)
    host.want("started", *SLEEP, user="10:11", **options)
    assert owner(source / "file") == (10, 11)


def chown(path: Path, number: int) -> None:
    """Give one file to somebody."""
    os.chown(path, number, number)


def test_a_volume_is_given_after_its_copy_up(host, built, busybox):
    """U on a fresh volume gives what was copied up into it."""
    image = built("localhost/data:1", busybox, layer({"data": None, "data/first": b""}))
    host.start(*SLEEP, image=image, user="7:8", volume=["data:/data:U"])
    assert {owner(path) for path in (host.data("data"), *host.data("data").rglob("*"))} == {(7, 8)}
    assert names(host.data("data")) == ["first"]


def test_a_tree_that_can_not_be_given_wholly(host, tmp_path):
    """The root of a tree is given last: after a walk that came to no end, the next start walks again."""
    source = tree(tmp_path / "source")
    options = {"user": "7:8", "volume": [f"{source}:/u:U"]}
    with held(os.open(source / "sub/deep", os.O_RDONLY)) as fd:
        write_flags(fd, IMMUTABLE)
        try:
            with pytest.raises(InvalidOption, match=r"deep"):
                host.want("started", *SLEEP, **options)
        finally:
            write_flags(fd, 0)
    assert owner(source) == (0, 0)
    host.want("started", *SLEEP, **options)
    assert {owner(path) for path in (source, *source.rglob("*"))} == {(7, 8)}


#: Asked of the check alone: a test that mounted them would ruin the host when the check is broken.
DANGEROUS = ["/", "/etc", "/usr", "/var", "/var/lib"]


@pytest.mark.parametrize("path", DANGEROUS)
def test_what_is_never_given_away(host, path):
    """A directory of the host itself is refused; one below it may be the container's."""
    with host.open(read_only=True) as engine:
        with pytest.raises(InvalidOption, match=f"would change the owner of {path} "):
            refuse_dangerous(engine, Mount(BIND, path, "/u", ("U",)), path)
        refuse_dangerous(engine, Mount(BIND, f"{path}/data", "/u", ("U",)), f"{path}/data")


def test_the_engines_own_is_never_given_away(host, tmp_path):
    """U on the engine's directories is refused, also behind a symlink, and nothing is changed."""
    tmp_path.joinpath("link").symlink_to(host.layout.containers)
    picture = host.picture()
    for path in (host.layout.root, host.top, f"{tmp_path}/link"):
        with pytest.raises(InvalidOption, match="would change the owner"):
            host.want("started", *SLEEP, user="7:8", volume=[f"{path}:/u:U"])
    assert host.picture() == picture


def test_a_symlink_that_leads_elsewhere_at_the_start(host, tmp_path, agent):
    """What is given away is looked at once more when it is open: a symlink may have been exchanged after the check."""
    source = tree(tmp_path / "source")
    tmp_path.joinpath("link").symlink_to(source)
    host.want("created", *SLEEP, user="7:8", volume=[f"{tmp_path}/link:/u:U"])
    tmp_path.joinpath("link").unlink()
    tmp_path.joinpath("link").symlink_to(host.layout.volumes)
    with (
        host.open() as engine,
        hold(engine, host.record().id, "start") as record,
        pytest.raises(InvalidOption, match="would change the owner"),
    ):
        start(engine, record, source_of(engine, record), agent)
    assert owner(Path(host.layout.volumes)) == (0, 0)


# -- owners that are shown otherwise ---------------------------------------------------------------


def test_an_idmapped_directory(host, tmp_path):
    """With idmap= files have other owners inside, and what is written gets those of the disk."""
    source = tree(tmp_path / "source")
    for path in (source, source / "file"):
        chown(path, 5)
    mount = [f"type=bind,src={source},dst=/i,idmap=uids=0-1000-10;gids=0-2000-10"]
    shape = host.start("sh", "-c", "echo x > /i/new; sleep 1000", user="1005:2005", mount=mount)
    assert owner(inside(shape, "/i/file")) == (1005, 2005)
    eventually((source / "new").exists, "a file in the directory")
    assert owner(source / "new") == (5, 5)


def test_an_idmapped_volume_that_is_given(host):
    """U and idmap together: on disk the files get the id that the mount shows as the user's."""
    mount = ["type=volume,src=data,dst=/i,U,idmap=uids=0-1000-10;gids=0-1000-10"]
    shape = host.start("sh", "-c", "echo x > /i/new; sleep 1000", user="1003:1004", mount=mount)
    eventually((host.data("data") / "new").exists, "a file in the volume")
    assert {owner(host.data("data")), owner(host.data("data") / "new")} == {(3, 4)}
    assert owner(inside(shape, "/i")) == (1003, 1004)


def test_no_idmapped_mounts(host, tmp_path, monkeypatch):
    """Where the kernel has none the task is refused beforehand, and nothing is changed."""

    def refuse(*_arguments):
        raise OSError(errno.ENOSYS, "none (mount_setattr)")

    monkeypatch.setattr(libc, "mount_setattr", refuse)
    picture = host.picture()
    with pytest.raises(HostLacks, match="idmapped"):
        host.want("started", *SLEEP, mount=[f"type=bind,src={tmp_path},dst=/i,idmap=uids=0-1-1;gids=0-1-1"])
    assert host.picture() == picture


# -- user namespaces -------------------------------------------------------------------------------


def test_in_a_user_namespace(passable_host, busybox, tmp_path):
    """The container's root owns the files of an image and of an idmapped directory; U gives by the host's ids."""
    host = passable_host
    host.build(ASSETS, layer(SITE))
    for name in ("idmapped", "overlay", "given"):
        tree(tmp_path / name)
    chown(tmp_path / "overlay", 100000)
    script = "stat -c %u:%g /image/other /idmapped/file /given/file; echo x > /overlay/new && echo x > /idmapped/new; sleep 1000"
    try:
        shape = host.start(
            "sh", "-c", script, uidmap=["0:100000:65536"], stop_timeout=0,
            mount=[
                f"type=image,src={ASSETS},dst=/image",
                f"type=bind,src={tmp_path}/idmapped,dst=/idmapped,idmap",
                f"type=bind,src={tmp_path}/overlay,dst=/overlay,O",
                f"type=bind,src={tmp_path}/given,dst=/given,U",
            ],
        )  # fmt: skip
        eventually((tmp_path / "idmapped/new").exists, "a file in the idmapped directory")
        assert host.log()[0].split() == ["0:0"] * 3
        assert owner(tmp_path / "idmapped/new") == (0, 0)
        assert owner(tmp_path / "given/file") == (100000, 100000)
        assert names(inside(shape, "/overlay")) == ["file", "new", "sub"]
        assert names(tmp_path / "overlay") == ["file", "sub"]
    finally:
        host.clear()
        with host.open() as engine:
            remove_image(engine, ASSETS)


# -- what bad input gets ---------------------------------------------------------------------------

REFUSED = {
    "image": ("type=image,src=localhost/nosuch:1,dst=/m", NotFound, "nosuch"),
    "part of an image": (f"type=image,src={ASSETS},dst=/m,subpath=site/nosuch", InvalidOption, "site/nosuch"),
    "part of a volume": ("type=volume,src=data,dst=/m,subpath=nosuch", InvalidOption, "nosuch"),
    "symlink out of the volume": (
        "type=volume,src=data,dst=/m,subpath=out/passwd",
        InvalidOption,
        "out/passwd",
    ),
    "file": ("type=bind,src=/etc/passwd,dst=/m,O", InvalidOption, "not a directory"),
    "no upperdir": (
        "type=bind,src=/etc,dst=/m,O,upperdir=/nosuch/a,workdir=/nosuch/b",
        InvalidOption,
        "upperdir=/nosuch/a",
    ),
    "workdir elsewhere": (
        "type=bind,src=/etc,dst=/m,O,upperdir=/proc,workdir=/dev/shm",
        InvalidOption,
        "file system",
    ),
    "no user namespace": ("type=bind,src=/etc,dst=/m,idmap", InvalidOption, "userns"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(host, data, assets, case):
    """What can't be mounted is refused before anything is changed, in check mode too."""
    data.joinpath("out").symlink_to("/etc")
    text, error, words = REFUSED[case]
    picture = host.picture()
    assert re.search(words, host.foreseen("started", *SLEEP, mount=[text]))
    assert host.picture() == picture
    with pytest.raises(error, match=words):
        host.want("started", *SLEEP, mount=[text])
    assert host.picture() == picture


# -- what a kill leaves ----------------------------------------------------------------------------

#: Starts a container with mounts of every kind, and kills itself when it calls the function.
KILLED = """
import os, signal, sys
from pathlib import Path
from enginehost import Host
top, runtime, image, fatal, *mounts = sys.argv[1:]

def watch(frame, event, _argument):
    code = frame.f_code
    if event == "call" and code.co_name == fatal and "/rootfs/" in code.co_filename:
        os.kill(os.getpid(), signal.SIGKILL)

sys.setprofile(watch)
Host(Path(top), runtime, image).want("started", "sleep", "1000", mount=mounts, user="7:8")
"""


@pytest.mark.parametrize(
    ("fatal", "then"), [("place", "started"), ("bind", "absent"), ("overlay_on", "started")]
)
def test_killed_between_two_mounts(host, data, assets, tmp_path, python_child, fatal, then):
    """A start that is killed while it mounts is mended by the next task, and nothing of it is left."""
    source = tree(tmp_path / "source")
    mounts = [
        f"type=image,src={assets},dst=/1",
        "type=volume,src=data,dst=/2,subpath=app,U",
        f"type=bind,src={source},dst=/3,O",
    ]
    child = python_child(KILLED, host.top, host.runtime, host.image, fatal, *mounts)
    assert child.wait(timeout=60) == -signal.SIGKILL
    assert host.mounts() != []
    if then == "absent":
        host.bring("box", "absent", stop_time=0)
        assert host.mounts() == []
        return
    shape = host.start(*SLEEP, mount=mounts, user="7:8")
    assert [names(inside(shape, path)) for path in ("/1", "/2", "/3")] == [
        ["other", "site"], ["file", "sub"], ["file", "sub"],
    ]  # fmt: skip


def test_mounts_of_the_host_survive(host, tmp_path):
    """Unmounting what was bound from a shared directory of the host does not unmount what is mounted there."""
    source = tree(tmp_path / "source")
    source.joinpath("below").mkdir()
    mounts.bind(str(source), str(source))
    try:
        libc.mount(None, str(source), "", libc.MS_SHARED)
        mounts.tmpfs(str(source / "below"), size=4096, mode=0o755)
        shape = host.start(*SLEEP, volume=[f"{source}:/u:U,rshared"])
        inside(shape, "/u/below/x").touch()
        host.bring("box", "absent", stop_time=0)
        assert mountinfo.at(str(source / "below")) is not None
        assert (source / "below/x").exists()
    finally:
        mounts.unmount_below(str(source))
