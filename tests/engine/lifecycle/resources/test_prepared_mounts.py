# SPDX-License-Identifier: GPL-3.0-or-later
"""Mounts that the engine makes: subpaths of volumes, overlays, images, idmapped mounts, changed owners."""

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
    """Return a path in a running container's root that the host can open."""
    return Path(f"/proc/{shape['State']['Pid']}/root{path}")


def names(path: Path) -> list[str]:
    """Return the names in a directory."""
    return sorted(entry.name for entry in path.iterdir())


def owner(path: Path) -> tuple[int, int]:
    """Return a file's owner and group."""
    seen = path.lstat()
    return seen.st_uid, seen.st_gid


def tree(top: Path) -> Path:
    """Create a small directory tree and return it."""
    top.joinpath("sub").mkdir(parents=True)
    top.joinpath("file").write_text("of the host")
    top.joinpath("sub/deep").write_text("deep")
    return top


@pytest.fixture
def data(host) -> Path:
    """Return the directory of a volume with a directory ``app`` and a file ``note``."""
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
    """A container with subpath sees that directory only, and writes to it."""
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
    """Two containers with the same subpath share its files, and one's removal leaves the other its mount."""
    mount = ["type=volume,src=data,dst=/part,subpath=app"]
    one, two = (host.start(*SLEEP, name=name, mount=mount) for name in ("one", "two"))
    inside(one, "/part/from-one").write_text("one")
    host.bring("one", "absent", stop_time=0)
    assert inside(two, "/part/from-one").read_text() == "one"
    assert (data / "app/from-one").exists()


def test_restart_keeps_the_part(host, data):
    """After a restart the subpath is mounted again, with the files written before."""
    shape = host.start(*SLEEP, mount=["type=volume,src=data,dst=/part,subpath=app"])
    inside(shape, "/part/new").write_text("x")
    host.bring("box", "restarted", stop_time=0)
    assert inside(host.inspect(), "/part/new").read_text() == "x"
    host.bring("box", "stopped", stop_time=0)
    assert host.mounts() == []


def test_a_symlink_leads_nowhere_but_inside(host, data):
    """An absolute symlink in a subpath is resolved in the volume, never on the host."""
    data.joinpath("etc").mkdir()
    data.joinpath("etc/mine").write_text("x")
    data.joinpath("link").symlink_to("/etc")
    shape = host.start(*SLEEP, mount=["type=volume,src=data,dst=/part,subpath=link"])
    assert names(inside(shape, "/part")) == ["mine"]


def test_a_symlink_that_is_swapped_later(host, data):
    """The mount is resolved at the start: replacing a parent directory later changes nothing."""
    shape = host.start(*SLEEP, mount=["type=volume,src=data,dst=/part,subpath=app/sub"])
    data.joinpath("app").rename(data / "moved")
    data.joinpath("app").symlink_to("/etc")
    assert names(inside(shape, "/part")) == ["deep"]


# -- overlays --------------------------------------------------------------------------------------


def test_an_overlay_leaves_its_source_alone(host, tmp_path):
    """With O the container can change the directory until its run ends; the host's is unchanged."""
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
    """O works over a volume and its subpath; each container has its own overlay."""
    mount = ["type=volume,src=data,dst=/o,subpath=app,O"]
    one, two = (host.start(*SLEEP, name=name, mount=mount) for name in ("one", "two"))
    inside(one, "/o/from-one").write_text("one")
    assert names(inside(two, "/o")) == names(data / "app") == ["file", "sub"]


def test_an_overlay_with_directories_of_the_users(host, tmp_path):
    """With upperdir and workdir the changes are kept there across restarts and the removal."""
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
    """A container sees the merged files of another image, read-only."""
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
    """With rw the container writes to its own upper layer, which is removed after the run."""
    mount = [f"type=image,src={assets},dst=/a,rw=true"]
    one, two = (host.start(*SLEEP, name=name, mount=mount) for name in ("one", "two"))
    inside(one, "/a/new").write_text("x")
    assert names(inside(two, "/a")) == ["other", "site"]
    host.bring("one", "restarted", stop_time=0)
    assert names(inside(host.inspect("one"), "/a")) == ["other", "site"]


def test_part_of_an_image(host, assets):
    """A subpath of an image can be mounted."""
    shape = host.start(*SLEEP, mount=[f"type=image,src={assets},dst=/a,subpath=/site"])
    assert names(inside(shape, "/a")) == ["page"]


def test_a_mounted_image_is_in_use(host, assets):
    """An image that a container mounts cannot be removed, and the container restarts without its tag."""
    host.start(*SLEEP, mount=[f"type=image,src={assets},dst=/a"])
    with host.open() as engine, pytest.raises(InUse, match="box"):
        remove_image(engine, assets, force=True)
    host.bring("box", "restarted", stop_time=0)
    assert names(inside(host.inspect(), "/a")) == ["other", "site"]


def test_a_mounted_image_that_changes(host, assets, built):
    """If the tag of a mounted image moves to another image, the container is recreated."""
    options = {"mount": [f"type=image,src={assets},dst=/a"]}
    host.start(*SLEEP, **options)
    assert host.want("started", *SLEEP, **options).actions == ()
    built(ASSETS, layer({"newer": b""}))
    predicted = host.want("started", *SLEEP, **options, settings={"read_only": True})
    assert predicted.cost == "recreate"
    before = host.record().images["/a"]
    outcome = host.want("started", *SLEEP, **options, stop_time=0)
    with host.open() as engine:  # it is untagged and unused now
        remove_image(engine, before)
    assert [item.option for item in outcome.differences] == ["mounts./a"]
    assert names(inside(outcome.result["container"], "/a")) == ["newer"]


# -- owners ----------------------------------------------------------------------------------------


def test_a_tree_is_given_to_the_containers_user(host, tmp_path):
    """With U the whole directory belongs to the container's user; symlinks are changed, not their targets."""
    source, outside = tree(tmp_path / "source"), tmp_path / "outside"
    outside.write_text("x")
    source.joinpath("link").symlink_to(outside)
    host.start("sh", "-c", "echo x > /u/sub/new; sleep 1000", user="7:8", volume=[f"{source}:/u:U"])
    eventually((source / "sub/new").exists, "a file in the directory")
    assert {owner(path) for path in (source, *source.rglob("*"))} == {(7, 8)}
    assert owner(outside) == (0, 0)


def test_a_tree_is_given_once(host, tmp_path):
    """A second start checks the top only; a change of its owner, or another user, repeats the walk."""
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
    """Set a file's owner and group to the same id."""
    os.chown(path, number, number)


def test_a_volume_is_given_after_its_copy_up(host, built, busybox):
    """U on a new volume applies after its copy-up."""
    image = built("localhost/data:1", busybox, layer({"data": None, "data/first": b""}))
    host.start(*SLEEP, image=image, user="7:8", volume=["data:/data:U"])
    assert {owner(path) for path in (host.data("data"), *host.data("data").rglob("*"))} == {(7, 8)}
    assert names(host.data("data")) == ["first"]


def test_a_tree_that_can_not_be_given_wholly(host, tmp_path):
    """The top of a tree is changed last: so after a failed walk the next start repeats it."""
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


#: Passed to the check only: a test that mounted them would damage the host if the check were broken.
DANGEROUS = ["/", "/etc", "/usr", "/var", "/var/lib"]


@pytest.mark.parametrize("path", DANGEROUS)
def test_what_is_never_given_away(host, path):
    """System directories of the host are refused; directories below them are not."""
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
    """The path is checked again after opening: a symlink may have been replaced since the first check."""
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


# -- idmapped mounts -------------------------------------------------------------------------------


def test_an_idmapped_directory(host, tmp_path):
    """With idmap= the container sees mapped owners, and new files get the owners on disk."""
    source = tree(tmp_path / "source")
    for path in (source, source / "file"):
        chown(path, 5)
    mount = [f"type=bind,src={source},dst=/i,idmap=uids=0-1000-10;gids=0-2000-10"]
    shape = host.start("sh", "-c", "echo x > /i/new; sleep 1000", user="1005:2005", mount=mount)
    assert owner(inside(shape, "/i/file")) == (1005, 2005)
    eventually((source / "new").exists, "a file in the directory")
    assert owner(source / "new") == (5, 5)


def test_an_idmapped_volume_that_is_given(host):
    """With U and idmap the files get the id on disk that the mount maps to the user."""
    mount = ["type=volume,src=data,dst=/i,U,idmap=uids=0-1000-10;gids=0-1000-10"]
    shape = host.start("sh", "-c", "echo x > /i/new; sleep 1000", user="1003:1004", mount=mount)
    eventually((host.data("data") / "new").exists, "a file in the volume")
    assert {owner(host.data("data")), owner(host.data("data") / "new")} == {(3, 4)}
    assert owner(inside(shape, "/i")) == (1003, 1004)


def test_no_idmapped_mounts(host, tmp_path, monkeypatch):
    """Without idmapped mounts in the kernel the task is refused beforehand, and nothing is changed."""

    def refuse(*_arguments):
        raise OSError(errno.ENOSYS, "none (mount_setattr)")

    monkeypatch.setattr(libc, "mount_setattr", refuse)
    picture = host.picture()
    with pytest.raises(HostLacks, match="idmapped"):
        host.want("started", *SLEEP, mount=[f"type=bind,src={tmp_path},dst=/i,idmap=uids=0-1-1;gids=0-1-1"])
    assert host.picture() == picture


# -- user namespaces -------------------------------------------------------------------------------


def test_in_a_user_namespace(passable_host, busybox, tmp_path):
    """The container's root owns the files of an image and of an idmapped directory; U sets the host's ids."""
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


# -- bad input -------------------------------------------------------------------------------------

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
    """An impossible mount is refused before anything is changed, also in check mode."""
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
    """The next task repairs a start that was killed during its mounts, and nothing of that is left."""
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
    """Unmounting a bind of a shared directory of the host does not unmount the host's mounts below it."""
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
