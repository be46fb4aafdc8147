# SPDX-License-Identifier: GPL-3.0-or-later
"""Files copied into and out of containers: running or not, with volumes, never outside the root."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path

import pytest

from _engine.errors import InvalidOption, NotFound, PathTooLong, WrongState
from _engine.lifecycle.container import pause
from _engine.lifecycle.files.container_files import NotThere, ReadOnly
from _engine.lifecycle.files.copy import CopyRequest, copy
from _engine.trees.sync import KindDiffers
from _engine.trees.sync_source import CannotCopy
from dockerarchive import Link, Program, layer, write_archive
from enginehost import Host, eventually

FOREVER = ("sleep", "1000")


@pytest.fixture
def source(tmp_path):
    """Return a tree on the host."""
    top = tmp_path / "conf"
    (top / "sub").mkdir(parents=True)
    (top / "app.conf").write_text("a = 1\n")
    (top / "sub/run.sh").write_text("#!/bin/sh\n")
    (top / "sub/run.sh").chmod(0o750)
    os.symlink("app.conf", top / "link")
    return top


@pytest.fixture
def send(host):
    """Return a function that copies into a container."""

    def send(src, dest: str, *, check: bool = False, name: str = "box", **options):
        with host.open(read_only=check) as engine:
            return copy(engine, CopyRequest(name, str(src), dest, **options))

    return send


@pytest.fixture
def fetch(host):
    """Return a function that copies out of a container."""

    def fetch(src: str, dest, *, check: bool = False, name: str = "box", **options):
        with host.open(read_only=check) as engine:
            return copy(engine, CopyRequest(name, src, str(dest), from_container=True, **options))

    return fetch


@pytest.fixture
def ran(host):
    """Return a function that runs a command in the container and returns its output."""
    from _engine.lifecycle.exec.exec import execute
    from _engine.model.container.execution import ExecSpec

    def ran(*argv: str) -> str:
        with host.open() as engine:
            _id, done = execute(engine, "box", ExecSpec(argv))
        assert done.code == 0, done.stderr
        return done.stdout.decode()

    return ran


STATES = ("running", "created", "exited", "paused")


@pytest.fixture(params=STATES)
def state(request, host):
    """Create a container with a volume in each state; return the state."""
    options = {"volume": ["data:/data"], "stop_timeout": 0}
    if request.param == "created":
        host.want("created", *FOREVER, **options)
    else:
        host.start(*FOREVER, **options)
    if request.param == "exited":
        host.bring("box", "stopped")
        eventually(lambda: not host.processes(), "conmon gone")
    if request.param == "paused":
        host.bring("box", "paused")
    yield request.param
    if host.inspect()["State"]["Paused"]:
        unpause(host)


def unpause(host):
    """Unpause the container."""
    with host.open() as engine:
        pause.unpause(engine, host.record().id)


def test_in_and_out_in_every_state(state, host, source, send, fetch, tmp_path):
    """A tree is copied in and out, as check mode foresees and idempotently; volumes are included."""
    before = host.picture()
    foreseen = send(source, "/data", check=True)
    assert host.picture() == before
    done = send(source, "/data")
    assert (done.actions, done.result) == (foreseen.actions, foreseen.result)
    assert done.actions == (f"copied {source} to box:/data",)
    assert [item["path"] for item in done.result["changes"]] == [
        "conf",
        "conf/app.conf",
        "conf/link",
        "conf/sub",
        "conf/sub/run.sh",
    ]
    assert (host.data("data") / "conf/app.conf").read_text() == "a = 1\n"
    assert send(f"{source}/", "/etc/new/deep").changed
    for check in (True, False):
        assert not send(source, "/data", check=check).changed
        assert not send(f"{source}/.", "/etc/new/deep", check=check).changed
    for path in ("/data/conf/", "/etc/new/deep/."):
        out = tmp_path / "out"
        assert fetch(path, out, check=True).changed
        assert not out.exists()
        assert fetch(path, out).changed
        assert not fetch(path, out).changed
        assert (out / "app.conf").read_text() == "a = 1\n"
        assert stat.S_IMODE((out / "sub/run.sh").stat().st_mode) == 0o750
        assert os.readlink(out / "link") == "app.conf"
        shutil.rmtree(out)


def test_what_came_in_is_there_when_it_runs(state, host, source, send, ran):
    """A running container sees what was copied in any state."""
    send(source / "app.conf", "/etc/")
    send(source / "app.conf", "/data/renamed")
    if state == "paused":
        unpause(host)
    elif state != "running":
        host.bring("box", "started")
    assert ran("cat", "/etc/app.conf", "/data/renamed") == "a = 1\n" * 2


def test_the_rule_of_the_slash(host, source, send, fetch, tmp_path):
    """SRC is copied below DEST, SRC/ means its content, whether DEST exists or not."""
    host.start(*FOREVER, stop_timeout=0)
    for _time in range(2):
        send(source, "/a")
        send(f"{source}/", "/b")
        send(source / "app.conf", "/c")
        send(source / "app.conf", "/d/")
        send(source / "app.conf", "/b")
    out = tmp_path / "out"
    for name in "abcd":
        fetch(f"/{name}", out)
    found = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    assert found == [
        "a/conf/app.conf",
        "a/conf/link",
        "a/conf/sub/run.sh",
        "b/app.conf",
        "b/link",
        "b/sub/run.sh",
        "c",
        "d/app.conf",
    ]


def test_a_new_directory_has_the_mode_of_the_one_that_is_copied(host, source, send, fetch, tmp_path):
    """``SRC/`` to a new directory keeps the mode, also to the controller; parent directories get 0755."""
    host.want("created", *FOREVER, workdir="/home/app")
    source.chmod(0o700)
    send(f"{source}/", "/way/secret")
    assert fetch("/way/secret/", tmp_path / "on/the/way").actions
    modes = [
        stat.S_IMODE(path.stat().st_mode)
        for path in (tmp_path / "on/the/way", tmp_path / "on/the", tmp_path / "on")
    ]
    assert modes == [0o700, 0o755, 0o755]
    assert send(f"{source}/.", "/way/secret").actions == ()
    parcel = tmp_path / "parcel.tar"
    fetch("/way/secret/", "anything", parcel=str(parcel))
    with tarfile.open(parcel) as archive:
        first = archive.next()
        assert (first.name, first.isdir(), first.mode) == (".", True, 0o700)
    send("anything/", "/from/controller", parcel=str(parcel))
    fetch("/from/controller/", tmp_path / "back")
    assert stat.S_IMODE((tmp_path / "back").stat().st_mode) == 0o700
    empty = tmp_path / "empty"
    empty.mkdir(mode=0o750)
    send(f"{empty}/", "/none")
    fetch("/none/", tmp_path / "none")
    assert stat.S_IMODE((tmp_path / "none").stat().st_mode) == 0o750


def test_relative_paths_in_the_container(host, source, send, fetch, tmp_path):
    """A relative path in the container starts at its working directory, as with podman cp."""
    host.want("created", *FOREVER, workdir="/home/app")
    send(source, ".")
    send(source / "app.conf", "other/name")
    for path in ("/home/app/conf/app.conf", "/home/app/other/name", "other/name", "../app/other/name"):
        fetch(path, tmp_path / "out")
        assert (tmp_path / "out").read_text() == "a = 1\n"
        (tmp_path / "out").unlink()


def test_owners(host, source, send, ran):
    """New files get the container's user or the given owner; existing files keep theirs."""
    host.start(*FOREVER, user="app", stop_timeout=0)
    send(source, "/tmp")
    assert ran("ls", "-ln", "/tmp/conf/app.conf").split()[2:4] == ["1000", "1000"]
    send(source, "/tmp", owner="0", group="extra")
    assert ran("ls", "-ln", "/tmp/conf/sub/run.sh").split()[2:4] == ["0", "2000"]
    (source / "app.conf").write_text("a = 2\n")
    assert send(source, "/tmp").result["changes"] == [{"path": "conf/app.conf", "changes": ["content"]}]
    assert ran("ls", "-ln", "/tmp/conf/app.conf").split()[2:4] == ["0", "2000"]
    os.chown(source / "app.conf", 5, 6)
    send(source, "/tmp", archive=False)
    assert ran("ls", "-ln", "/tmp/conf/app.conf").split()[2:4] == ["5", "6"]
    with pytest.raises(InvalidOption, match=r"owner: 'ap' is unknown.*Use a similar name: app"):
        send(source, "/tmp", owner="ap")


def test_modes(host, source, send, ran):
    """Modes are those of the source or the request; a second run keeps them."""
    host.start(*FOREVER, stop_timeout=0)
    for _time in range(2):
        send(source, "/x", mode=0o600, directory_mode=0o700)
    assert ran("ls", "-l", "/x/conf/sub").split("\n")[1].startswith("-rw-------")
    assert not send(source, "/x", mode=0o600, directory_mode=0o700).changed


def test_no_shell_no_programs(host, built, source, send, fetch, tmp_path):
    """A container whose image has one program and no users can be copied to and from."""
    name = built("localhost/tiny:1", layer({"sleep": Program(Path(shutil.which("busybox")).read_bytes())}))
    host.start("/sleep", "1000", image=name, stop_timeout=0)
    send(source, "/")
    assert not send(source, "/").changed
    fetch("/conf/", tmp_path / "out")
    assert (tmp_path / "out/app.conf").exists()


def test_merged_usr(host, built, busybox, source, send, fetch, tmp_path):
    """A tree is copied through the image's symlinks to directories, inside the root."""
    name = built(
        "localhost/usr:1", busybox, layer({"usr/lib": None, "lib": Link("usr/lib"), "x": Link("/usr/lib/y")})
    )
    (tmp_path / "tree/lib").mkdir(parents=True)
    (tmp_path / "tree/lib/module").write_text("m")
    host.want("created", *FOREVER, image=name)
    send(f"{tmp_path}/tree/", "/")
    assert not send(f"{tmp_path}/tree/", "/").changed
    fetch("/usr/lib/module", tmp_path / "got")
    assert (tmp_path / "got").read_text() == "m"
    fetch("/lib", tmp_path / "out")
    assert (tmp_path / "out/lib/module").exists()
    assert send(source / "app.conf", "/x", follow=True).changed
    fetch("/usr/lib/y", tmp_path / "followed")
    assert send(source / "app.conf", "/x").changed  # the symlink itself
    fetch("/x", tmp_path / "replaced")
    assert (tmp_path / "followed").read_text() == (tmp_path / "replaced").read_text() == "a = 1\n"


def test_a_volume_is_filled_from_the_image_first(host, built, busybox, source, send):
    """Copying into a volume that was never mounted does not prevent its copy-up."""
    name = built("localhost/web:1", busybox, layer({"www": None, "www/index.html": b"hello"}))
    host.want("created", *FOREVER, image=name, volume=["www:/www"])
    send(source / "app.conf", "/www/")
    assert sorted(os.listdir(host.data("www"))) == ["app.conf", "index.html"]
    host.bring("box", "started")
    assert sorted(os.listdir(host.data("www"))) == ["app.conf", "index.html"]
    host.bring("box", "stopped", stop_time=0)


def test_bind_mounts(host, source, send, fetch, tmp_path):
    """Bind mounts are written by the container's path, running or not; read-only ones are refused."""
    (tmp_path / "rw").mkdir()
    (tmp_path / "ro").mkdir()
    (tmp_path / "ro/there").write_text("x")
    volume = [f"{tmp_path}/rw:/srv/rw", f"{tmp_path}/ro:/srv/ro:ro"]
    host.want("created", *FOREVER, volume=volume, stop_timeout=0)
    for state in ("created", "started"):
        host.bring("box", state)
        send(source / "app.conf", f"/srv/rw/{state}")
        assert (tmp_path / "rw" / state).read_text() == "a = 1\n"
        for check in (True, False):
            with pytest.raises(ReadOnly, match="/srv/ro/new is read-only in the container"):
                send(source / "app.conf", "/srv/ro/new", check=check)
        fetch("/srv/ro/there", tmp_path / "got")
    assert os.listdir(tmp_path / "ro") == ["there"]


def test_read_only_containers(host, source, send):
    """A read-only container is read-only for copies in every state, but its volumes are not."""
    host.want("created", *FOREVER, read_only=True, volume=["data:/data"], stop_timeout=0)
    for state in ("created", "started"):
        host.bring("box", state)
        for check in (True, False):
            with pytest.raises(ReadOnly) as told:
                send(source / "app.conf", "/etc/x", check=check)
            assert told.value.code == "read_only"
        assert send(source / "app.conf", f"/data/{state}").changed


def test_what_is_there_only_while_it_runs(host, source, send, fetch, tmp_path):
    """A tmpfs, /proc and /dev are refused if the container does not run; a running one's tmpfs is written."""
    host.want("created", *FOREVER, tmpfs={"/scratch": "", "/tmp": ""}, stop_timeout=0)
    for path in ("/scratch/x", "/tmp/x", "/dev/shm/x", "/proc/x", "/sys/x"):
        for check in (True, False):
            with pytest.raises(NotThere, match="Start the container first"):
                send(source / "app.conf", path, check=check)
    with pytest.raises(NotThere):
        fetch("/tmp", tmp_path / "out")
    host.bring("box", "started")
    for path in ("/scratch/x", "/tmp/x", "/dev/shm/x"):
        assert send(source / "app.conf", path).changed
        assert not send(source / "app.conf", path).changed


def test_delete_and_exclude(host, source, send, ran):
    """With delete, everything in the directory that is neither copied nor excluded is deleted."""
    host.start(*FOREVER, stop_timeout=0)
    send(source, "/srv")
    ran("sh", "-c", "touch /srv/conf/old /srv/conf/sub/run.log /srv/other")
    foreseen = send(source, "/srv", delete=True, exclude=("*.log",), check=True)
    told = send(source, "/srv", delete=True, exclude=("*.log",))
    assert told.result == foreseen.result
    assert told.result["changes"] == [{"path": "conf/old", "changes": ["delete"]}]
    assert ran("ls", "/srv", "/srv/conf/sub").split() == [
        "/srv:",
        "conf",
        "other",
        "/srv/conf/sub:",
        "run.log",
        "run.sh",
    ]
    for src, dest, why in ((f"{source}/", "/", "everything else"), (source / "app.conf", "/srv/", "a file")):
        with pytest.raises(InvalidOption, match=why):
            send(src, dest, delete=True)


def test_bad_paths(host, source, send, fetch, tmp_path):
    """A missing path, or one that is not a directory, is refused, and nothing is written."""
    host.start(*FOREVER, stop_timeout=0)
    before = host.picture()
    for act, src, dest, error in (
        (send, tmp_path / "none", "/x", InvalidOption),
        (send, f"{source}/app.conf/", "/x", InvalidOption),
        (send, source, "/etc/passwd", InvalidOption),
        (send, source / "app.conf", "/etc/passwd/x", InvalidOption),
        (send, source, "/bin/../etc/passwd/y", InvalidOption),
        (fetch, "/none", tmp_path / "x", InvalidOption),
        (fetch, "/dev/null", tmp_path / "x", CannotCopy),
        (fetch, "/dev", tmp_path / "x", CannotCopy),
    ):
        for check in (True, False):
            with pytest.raises(error):
                act(src, dest, check=check)
    with pytest.raises(NotFound):
        send(source, "/x", name="bxo")
    assert host.picture() == before
    assert not (tmp_path / "x").exists()


def test_kinds(host, source, send, ran):
    """A directory is replaced by a file, or a file by a directory, only with overwrite."""
    host.start(*FOREVER, stop_timeout=0)
    ran("mkdir", "/srv", "/srv/conf", "/srv/conf/app.conf")
    with pytest.raises(KindDiffers, match="overwrite"):
        send(source, "/srv")
    assert send(source, "/srv", overwrite=True).changed
    assert ran("cat", "/srv/conf/app.conf") == "a = 1\n"


def test_mounts_in_the_container_stay(host, source, send, ran, tmp_path):
    """Mount points of a running container are not replaced: a rename from outside would unmount them."""
    (tmp_path / "file").write_text("mounted")
    volume = ["data:/srv/conf/sub", f"{tmp_path}/file:/srv/conf/app.conf"]
    host.start(*FOREVER, volume=volume, stop_timeout=0)
    (host.data("data") / "mine").touch()
    (tmp_path / "other").mkdir()
    (tmp_path / "other/sub").write_text("a file where the volume is")
    for src, dest, name in (
        (source / "app.conf", "/etc/hosts", "hosts"),
        (source / "app.conf", "/srv/conf/app.conf", "app.conf"),
        (f"{tmp_path}/other/", "/srv/conf", "sub"),
    ):
        with pytest.raises(WrongState, match=f"{name} is a mount point in container"):
            send(src, dest, overwrite=True)
    assert os.listdir(host.data("data")) == ["mine"]
    assert ran("ls", "/srv/conf/sub") == "mine\n"
    assert ran("cat", "/srv/conf/app.conf") == "mounted"


def test_plain_root_file_system(host, busybox, source, send, fetch, tmp_path):
    """A copy into a container on a directory of the host writes to that directory."""
    root = tmp_path / "rootfs"
    root.mkdir()
    subprocess.run(["tar", "-xC", str(root)], input=busybox, check=True)
    host.want("created", *FOREVER, image=str(root), rootfs=True, volume=["data:/data"])
    before = host.picture(), sorted(root.rglob("*"))
    assert send(source, "/data", check=True).changed
    assert (host.picture(), sorted(root.rglob("*"))) == before
    assert send(source, "/etc").changed
    assert send(source, "/data").changed
    assert (root / "etc/conf/app.conf").exists()
    assert not send(source, "/data").changed
    fetch("/data/conf/app.conf", tmp_path / "got")


def test_parcels(host, source, send, fetch, tmp_path):
    """The controller's tar is copied like the host's files; a tar for it belongs to its directory's owner."""
    host.start(*FOREVER, stop_timeout=0)
    sent = tmp_path / "sent.tar"
    with tarfile.open(sent, "w") as tar:
        tar.add(source, "conf")
    assert send("conf", "/srv", parcel=str(sent)).changed
    assert not send("conf", "/srv", parcel=str(sent)).changed
    got = tmp_path / "spool/got.tar"
    got.parent.mkdir()
    os.chown(got.parent, 1234, 0)
    assert fetch("/srv/conf", "x", parcel=str(got)).result == {"is_file": False}
    assert (got.stat().st_uid, stat.S_IMODE(got.stat().st_mode)) == (1234, 0o600)
    with tarfile.open(got) as tar:
        assert sorted(tar.getnames()) == ["conf", "conf/app.conf", "conf/link", "conf/sub", "conf/sub/run.sh"]
        assert tar.extractfile("conf/app.conf").read() == b"a = 1\n"


# -- user namespaces ---------------------------------------------------------------------------------


@pytest.fixture
def mapped(runtime, busybox, keep_clean):
    """Return an engine whose directories a user namespace's root can reach."""
    top = Path(tempfile.mkdtemp(prefix="slipway-copy-"))
    top.chmod(0o711)
    try:
        (top / "engine").mkdir(mode=0o711)
        host = Host(top / "engine", runtime, "localhost/box:1")
        host.load(write_archive(top / "box.tar", host.image, [busybox]))
        yield from keep_clean(host)
    finally:
        shutil.rmtree(top)


@pytest.mark.parametrize("running", [False, True])
def test_user_namespaces(mapped, source, tmp_path, running):
    """Owners are mapped by the container's user namespace in both directions, also before its first start."""
    options = {"uidmap": ["0:100000:65536"], "volume": ["data:/data"], "user": "app", "stop_timeout": 0}
    mapped.want("started" if running else "created", *FOREVER, **options)
    for dest in ("/srv", "/data"):
        request = CopyRequest("box", str(source), dest)
        for check, changes in ((True, True), (False, True), (True, False), (False, False)):
            with mapped.open(read_only=check) as engine:
                assert copy(engine, request).changed is changes
            with mapped.open(read_only=check) as engine:
                owned = CopyRequest("box", f"{source}/app.conf", f"{dest}/owned", owner="app", group="extra")
                assert copy(engine, owned).changed is changes
    info = (mapped.data("data") / "owned").stat()
    assert (info.st_uid, info.st_gid) == (101000, 102000)
    assert (mapped.data("data") / "conf/app.conf").stat().st_uid == 101000
    with mapped.open() as engine:
        copy(engine, CopyRequest("box", "/srv/owned", f"{tmp_path}/out", from_container=True, archive=False))
        with pytest.raises(InvalidOption, match="is not mapped in the container's user namespace"):
            copy(engine, CopyRequest("box", str(source), "/srv", owner="70000"))
    info = (tmp_path / "out").stat()
    assert (info.st_uid, info.st_gid) == (1000, 2000)


# -- kills -------------------------------------------------------------------------------------------

COPIES = """
import sys
from _engine.lifecycle.files.copy import CopyRequest, copy
from _engine.lifecycle.host.opening import open_engine
root, run_root, runtime, source, dest = sys.argv[1:]
for number in range(10000):
    with open_engine(root, run_root, runtime=runtime) as engine:
        copy(engine, CopyRequest("box", source, f"{dest}/{number}"))
    print(flush=True)
"""


def test_killed_it_leaves_no_mount_and_no_half_a_file(host, source, python_child):
    """A killed copy into a stopped container leaves whole files only and no mount; the container starts."""
    (source / "large").write_bytes(b"x" * 3_000_000)
    host.want("created", *FOREVER, volume=["data:/data"], stop_timeout=0)
    where = host.layout.root, host.layout.run_root, host.runtime, str(source)
    for round_ in range(10):
        child = python_child(COPIES, *where, f"/data/{round_}")
        child.stdout.readline()
        time.sleep(round_ * 0.004)
        child.send_signal(signal.SIGKILL)
        child.wait()
        assert host.mounts() == []
    sizes = {path.stat().st_size for path in host.data("data").rglob("large")}
    assert sizes == {3_000_000}
    assert [*host.data("data").rglob(".*")] == []
    host.bring("box", "started")


def test_a_path_that_is_too_long(host, send, fetch, tmp_path):
    """A path longer than Linux supports is refused with a short error, and nothing is copied."""
    host.want("created", *FOREVER)
    top = tmp_path / "top"
    top.mkdir()
    fd = os.open(top, os.O_RDONLY)
    for _level in range(18):
        os.mkdir("d" * 240, dir_fd=fd)
        below = os.open("d" * 240, os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(fd)
    with pytest.raises(PathTooLong, match="is too long") as caught:
        send(top, "/tmp/in")
    assert len(str(caught.value)) < 400
    with pytest.raises(InvalidOption, match="/tmp/in' does not exist"):
        fetch("/tmp/in", tmp_path / "out")
