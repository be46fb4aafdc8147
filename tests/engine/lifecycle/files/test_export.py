# SPDX-License-Identifier: GPL-3.0-or-later
"""A container's root file system exported as a tar: complete, in every state, without leftovers."""

from __future__ import annotations

import hashlib
import io
import os
import pty
import resource
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path

import pytest
from fulltree import CAPABILITY, MEGABYTE, assert_same, fill, inside, unpacked

from _engine.errors import EngineError, HostLacks, InvalidOption, NotFound, StoreFull, WrongState
from _engine.images.tar import compress
from _engine.images.tar.decompress import decoded
from _engine.kernel import mounts
from _engine.lifecycle.core import archivefile
from _engine.lifecycle.core.lookup import find
from _engine.lifecycle.core.origin import source_of
from _engine.lifecycle.files import export as verb
from _engine.lifecycle.files.export import ExportRequest, export
from _engine.lifecycle.image.import_image import import_image
from _engine.lifecycle.image.remove import remove_image
from _engine.rootfs import view
from dockerarchive import write_archive
from enginehost import eventually

FOREVER = ("sleep", "1000")


def digest(path: Path) -> str:
    """Return a file's sha256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def send(host, tmp_path):
    """Return a function that exports a container to ``out.tar`` and returns the outcome."""

    def send(name: str = "box", file: str = "out.tar", check: bool = False, **options):  # noqa: FBT001, FBT002
        with host.open(read_only=check) as engine:
            return export(engine, ExportRequest(name, str(tmp_path / file), **options))

    return send


@pytest.fixture
def merged(host):
    """Return a function that returns the mount point of container ``box``."""
    return lambda: Path(host.layout.container(host.inspect()["Id"]).merged)


def test_all_of_it_in_every_state(host, send, merged, tmp_path):
    """The archive equals what the container sees when running, paused and stopped; no mount is left."""
    host.start(*FOREVER, stop_timeout=0)
    fill(merged() / "all")
    wanted = inside(str(merged()))
    assert wanted[b"all/capable"]["xattrs"]["security.capability"] == CAPABILITY
    before = host.mounts()
    for number, state in enumerate(("running", "paused", "stopped")):
        if state != "running":
            host.bring("box", state)
            before = host.mounts()
        outcome = send(file=f"{number}.tar")
        assert outcome.actions == (f"exported box to {tmp_path}/{number}.tar",)
        assert_same(unpacked(tmp_path / f"{number}.tar", tmp_path / str(number)), wanted)
        assert host.mounts() == before
    assert len({digest(tmp_path / f"{number}.tar") for number in range(3)}) == 1
    blocks = {name: os.stat(tmp_path / f"2/all/{name}").st_blocks for name in ("hole", "sparse", "zeroes")}
    assert blocks["hole"] == 0
    assert blocks["sparse"] < 1000
    assert blocks["zeroes"] > 0


def test_never_started(host, send, tmp_path):
    """A container that never ran is exported as its image, and nothing is created for that."""
    host.want("present", *FOREVER)
    before = host.picture()
    send(check=True)
    with host.open(read_only=True) as engine, verb.opened(engine, find(engine, "box")) as chunks:
        tar = b"".join(chunks)
    assert host.picture() == before
    found = unpacked(tar, tmp_path / "out")
    assert found[b"etc/passwd"]["content"][0] > 0
    assert found[b"bin/sh"]["content"] == b"busybox"
    assert b"new" not in found


def test_no_layers_at_all(host, built, send, tmp_path):
    """An image without layers gives an archive of an empty directory."""
    built("localhost/nothing:1")
    host.want("present", "/x", image="localhost/nothing:1")
    send()
    assert list(unpacked(tmp_path / "out.tar", tmp_path / "out")) == [b""]


def test_what_was_removed_stays_away(host, send, tmp_path):
    """Files of the image that the container deleted, and directories that it recreated, are exported so."""
    script = "rm /etc/group; rm -r /home; mkdir /home; echo x > /home/new; echo done; exec sleep 1000"
    host.start("sh", "-c", script)
    host.said("done")
    host.bring("box", "stopped", stop_time=0)
    send()
    found = unpacked(tmp_path / "out.tar", tmp_path / "out")
    assert {b"etc/group", b"home/app"} & found.keys() == set()
    assert found[b"home/new"]["content"][0] == 2


def test_what_is_mounted_is_left_out(host, send, tmp_path):
    """Volumes, directories of the host and tmpfs are exported as empty directories."""
    (tmp_path / "bound").mkdir()
    (tmp_path / "bound/secret").touch()
    host.start(
        "sh", "-c", "touch /data/x /scratch/x && echo done && sleep 1000",
        volume=["data:/data", f"{tmp_path}/bound:/bound"], tmpfs={"/scratch": ""}, stop_timeout=0,
    )  # fmt: skip
    host.said("done")
    for number in range(2):
        send(file=f"{number}.tar")
        found = unpacked(tmp_path / f"{number}.tar", tmp_path / str(number))
        for name in (b"data", b"bound", b"scratch", b"proc", b"dev"):
            assert found[name]["mode"].startswith("0o4")
            assert [other for other in found if other.startswith(name + b"/")] == []
        host.bring("box", "stopped")


@pytest.mark.parametrize("runs", [True, False])
def test_a_plain_directory(host, runs, send, tmp_path):
    """A directory of the host is exported whole, without mounts below it, and is not changed."""
    top = tmp_path / "rootfs"
    for name in ("proc", "sys", "dev", "etc", "run", "bin", "mnt"):
        (top / name).mkdir(parents=True)
    shutil.copy(shutil.which("busybox"), top / "bin/busybox")
    fill(top / "all")
    mounts.tmpfs(str(top / "mnt"), size=MEGABYTE, mode=0o755)
    try:
        (top / "mnt/hidden").touch()
        options = {"image": str(top), "rootfs": True, "stop_timeout": 0}
        host.want("started" if runs else "present", "/bin/busybox", "sleep", "1000", **options)
        read = [top / "all/dir/file", top / "all/suid", top / "all/link"]
        before = [os.lstat(path).st_atime_ns for path in read]
        send()
        assert [os.lstat(path).st_atime_ns for path in read] == before
        host.bring("box", "absent")
        mounts.unmount(str(top / "mnt"))
        assert_same(unpacked(tmp_path / "out.tar", tmp_path / "out"), inside(str(top)))
    finally:
        mounts.unmount(str(top / "mnt"))


def test_round_trip(host, send, merged, tmp_path):
    """An exported archive can be imported as an image, whose containers see the same files."""
    host.start(*FOREVER, stop_timeout=0)
    fill(merged() / "all")
    (merged() / "all/.wh.ale").unlink()
    wanted = inside(str(merged()))
    send(compression="gzip", file="out.tgz")
    with host.open() as engine:
        image = import_image(engine, str(tmp_path / "out.tgz"), "localhost/again:1").result["image"]["Id"]
    try:
        host.want("started", *FOREVER, name="again", image="localhost/again:1", stop_timeout=0)
        place = host.layout.container(host.inspect("again")["Id"]).merged
        assert_same(inside(place), wanted)
    finally:
        host.clear()
        with host.open() as engine:
            remove_image(engine, image)


def test_like_podman(host, busybox, need, tmp_path):
    """An export equals podman's of the same image."""
    need(shutil.which("podman"), "podman, to compare with")
    archive = write_archive(tmp_path / "box.tar", host.image, [busybox])
    with tempfile.TemporaryDirectory(prefix="podman-run-") as run_root:
        podman = ["podman", "--root", str(tmp_path / "podman"), "--runroot", run_root]
        try:
            for words in (
                ("load", "-q", "-i", str(archive)),
                ("create", "--network=none", "--name=box", host.image, "sh"),
                ("export", "-o", str(tmp_path / "theirs.tar"), "box"),
            ):
                subprocess.run([*podman, *words], capture_output=True, check=True)
        finally:
            mounts.unmount_below(str(tmp_path / "podman"))
    theirs = unpacked(tmp_path / "theirs.tar", tmp_path / "theirs")
    host.want("present", "sh")
    with host.open(read_only=True) as engine, verb.opened(engine, find(engine, "box")) as chunks:
        ours = unpacked(b"".join(chunks), tmp_path / "ours")
    assert_same({name: entry for name, entry in ours.items() if name}, {k: v for k, v in theirs.items() if k})


@pytest.mark.parametrize("form", compress.FORMATS)
def test_compressed(host, form, send, tmp_path):
    """Each format contains the same archive, and is reproducible."""
    host.want("present", *FOREVER)
    send(file="plain.tar")
    outcome = send(compression=form)
    assert (
        b"".join(decoded(iter([(tmp_path / "out.tar").read_bytes()])))
        == (tmp_path / "plain.tar").read_bytes()
    )
    assert outcome.result["checksum"] == digest(tmp_path / "out.tar")
    assert outcome.result["size"] == (tmp_path / "out.tar").stat().st_size
    assert send(compression=form).actions == ()


# -- repeated exports, and existing files ----------------------------------------------------------


def untouched(file):
    """Return the attributes that a write would change; reading changes only the access time."""
    found = file.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def test_again(host, send, merged, tmp_path):
    """An export is idempotent, and updates after changes; without force an existing file is left alone."""
    host.start(*FOREVER)
    file = tmp_path / "out.tar"
    assert send(check=True).changed
    assert not file.exists()
    first = send()
    assert first.result == {"dest": str(file), "size": file.stat().st_size, "checksum": digest(file)}
    assert (file.stat().st_mode & 0o777, file.stat().st_uid) == (0o600, 0)
    os.chmod(file, 0o640)
    os.chown(file, 0, 1234)
    seen = untouched(file)
    for check in (True, False):
        assert send(check=check).result == first.result
        assert not send(check=check).changed
    (merged() / "new").write_text("x")
    assert not send(force=False).changed
    predicted = send(check=True)
    assert untouched(file) == seen
    outcome = send()
    assert (predicted.actions, predicted.differences, predicted.result) == (
        outcome.actions,
        outcome.differences,
        outcome.result,
    )
    assert outcome.changed
    assert [item.option for item in outcome.differences] == ["checksum"]
    assert (file.stat().st_mode & 0o777, file.stat().st_gid) == (0o640, 1234)
    assert sorted(os.listdir(tmp_path)) == ["out.tar"]
    assert host.events()[-1] == "export"


def test_through_a_symlink(host, send, tmp_path):
    """A symlink is kept, and its target is written."""
    host.want("present", *FOREVER)
    (tmp_path / "there").mkdir()
    os.symlink("there/real.tar", tmp_path / "out.tar")
    assert send().result["dest"] == str(tmp_path / "there/real.tar")
    assert (tmp_path / "out.tar").is_symlink()
    assert not send().changed


def test_a_full_disk_leaves_the_old_file(host, send, tmp_path):
    """Without space the export fails, keeps the old file, and uses no space."""
    host.want("present", *FOREVER)
    (tmp_path / "small").mkdir()
    mounts.tmpfs(str(tmp_path / "small"), size=MEGABYTE // 2, mode=0o700)
    try:
        (tmp_path / "small/out.tar").write_text("old")
        before = os.statvfs(tmp_path / "small").f_bfree
        with pytest.raises(StoreFull, match=f"no space left for {tmp_path}/small/out.tar"):
            send(file="small/out.tar")
        assert os.listdir(tmp_path / "small") == ["out.tar"]
        assert (tmp_path / "small/out.tar").read_text() == "old"
        assert os.statvfs(tmp_path / "small").f_bfree == before
    finally:
        mounts.unmount(str(tmp_path / "small"))


def test_killed_it_leaves_nothing(host, merged, tmp_path):
    """A killed export keeps the old file, and leaves no other file and no mount."""
    host.start(*FOREVER)
    (merged() / "big").write_bytes(os.urandom(MEGABYTE) * 300)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/out.tar").write_text("old")
    before = host.mounts()
    host.agent("ps")  # installs it
    process = subprocess.Popen(
        [host.layout.agent_program, "export", "-o", str(tmp_path / "out/out.tar"), "box"]
    )
    free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize

    def writes() -> bool:
        assert process.poll() is None, "ended before it was killed"
        return os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize < free - 30 * MEGABYTE

    eventually(writes, "it writes")
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert os.listdir(tmp_path / "out") == ["out.tar"]
    assert (tmp_path / "out/out.tar").read_text() == "old"
    assert host.mounts() == before


def test_memory_is_bounded(host, merged):
    """A file larger than the memory limit can be exported."""
    host.start(*FOREVER)
    with open(merged() / "big", "wb") as file:
        file.writelines(os.urandom(1000) + b"x" * (MEGABYTE - 1000) for _time in range(400))
    host.agent("ps")
    limit = 350 * MEGABYTE
    process = subprocess.run(
        [host.layout.agent_program, "export", "box"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )
    assert (process.returncode, process.stderr) == (0, b"")


def test_a_tree_of_any_depth(host, merged):
    """A tree deeper than the longest path is exported."""
    host.start(*FOREVER)
    top = os.open(merged(), os.O_RDONLY)
    fd = top
    for _level in range(2500):
        os.mkdir("deep", dir_fd=fd)
        below = os.open("deep", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(fd)
    with host.open(read_only=True) as engine, verb.opened(engine, find(engine, "box")) as chunks:
        tar = b"".join(chunks)
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        assert sum(member.name.endswith("deep") for member in archive) == 2500


def test_a_container_that_writes_meanwhile(host):
    """Files that appear, disappear, grow and shrink during the export do not break the archive."""
    script = (
        "while :; do head -c 3000000 /dev/zero > /a; : > /a; mkdir -p /d/e; echo x > /d/e/f; ln -s f /d/e/l;"
        " mv /d /g; rm -r /g; mkdir /l; rmdir /l; ln -s x /l; rm /l; done"
    )
    host.start("sh", "-c", script, stop_timeout=0)
    until = time.monotonic() + 5
    while time.monotonic() < until:
        with host.open(read_only=True) as engine, verb.opened(engine, find(engine, "box")) as chunks:
            tar = b"".join(chunks)
        with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
            names = archive.getnames()
        assert "bin/busybox" in names
        assert tar.endswith(bytes(1024))


@pytest.mark.parametrize("state", ["started", "stopped"])
def test_no_device_is_opened(host, merged, state):
    """A device that a container puts in a file's place meanwhile is not opened by the host's root."""
    host.start(*FOREVER, stop_timeout=0)
    os.mknod(merged() / "null", 0o20666, os.makedev(1, 3))
    host.bring("box", state)
    with host.open(read_only=True) as engine:
        container = engine.layout.container(host.inspect()["Id"])
        lowers = source_of(engine, find(engine, "box")).lowers[::-1]
        fd, _written = view.open_container(container, lowers, engine.layout.staging)
    try:
        with pytest.raises(PermissionError):
            os.open("null", os.O_RDONLY, dir_fd=fd)
    finally:
        os.close(fd)


def test_removed_meanwhile(host, send, tmp_path, monkeypatch):
    """A container that is removed during its export gives no archive."""
    host.want("present", *FOREVER)
    written = archivefile.write

    def remove_first(fd: int, chunk: bytes, dest: str) -> None:
        host.bring("box", "absent")
        written(fd, chunk, dest)

    monkeypatch.setattr(archivefile, "write", remove_first)
    with pytest.raises(WrongState, match="removed during its export"):
        send()
    assert os.listdir(tmp_path) == []


def test_started_meanwhile(host):
    """A container can be started, restarted and removed during its export."""
    host.want("present", *FOREVER, stop_timeout=0)
    with host.open(read_only=True) as engine, verb.opened(engine, find(engine, "box")) as chunks:
        first = next(iter(chunks))
        host.bring("box", "started")
        assert host.inspect()["State"]["Running"]
        host.bring("box", "restarted")
        host.bring("box", "absent")
        assert first


# -- bad input -------------------------------------------------------------------------------------


def test_bad_input(host, send, tmp_path):
    """Invalid input is refused by name, also in check mode, and nothing is written."""
    host.want("present", *FOREVER)
    (tmp_path / "fifo").mkdir()
    os.mkfifo(tmp_path / "fifo/fifo")
    (tmp_path / "file").touch()
    (tmp_path / "ro").mkdir()
    mounts.tmpfs(str(tmp_path / "ro"), size=MEGABYTE, mode=0o700, options=["ro"])
    try:
        for check in (True, False):
            with pytest.raises(NotFound, match="near: box"):
                send("bxo", check=check)
            for file, match in (
                ("none/out.tar", f"Create {tmp_path}/none first"),
                ("file/out.tar", f"Create {tmp_path}/file first"),
                ("fifo", "is a directory"),
                ("fifo/fifo", "not a regular file"),
                ("ro/out.tar", "read-only"),
            ):
                with pytest.raises(InvalidOption, match=match) as caught:
                    send(file=file, check=check)
                assert caught.value.fields["option"] == "dest"
    finally:
        mounts.unmount(str(tmp_path / "ro"))
    assert sorted(os.listdir(tmp_path)) == ["fifo", "file", "ro"]


def test_no_zstd(host, send, monkeypatch, tmp_path):
    """Without the program zstd the export fails, also in check mode."""
    host.want("present", *FOREVER)
    monkeypatch.setattr("_engine.kernel.command.SEARCH_PATH", str(tmp_path))
    for check in (True, False):
        with pytest.raises(HostLacks, match="no program zstd"):
            send(compression="zstd", check=check)


def test_layers_are_missing(host, built, busybox, send, tmp_path):
    """The error names a deleted layer, also in check mode."""
    built("localhost/own:1", busybox, b"")
    host.want("present", *FOREVER, image="localhost/own:1")
    lower = host.inspect()["GraphDriver"]["Data"]["LowerDir"].split(":")[0]
    os.rename(lower, f"{lower}.away")
    try:
        for check in (True, False):
            with pytest.raises(EngineError, match="no layer named"):
                send(check=check)
    finally:
        os.rename(f"{lower}.away", lower)
    assert os.listdir(tmp_path) == []


# -- slipway export --------------------------------------------------------------------------------


def test_for_a_person(host, send, tmp_path):
    """``slipway export`` writes to standard output or a file; it refuses a terminal, not a closed pipe."""
    host.start(*FOREVER)
    send()
    host.agent("ps")
    program = [host.layout.agent_program, "export"]
    done = subprocess.run([*program, "box"], capture_output=True, check=True)
    assert done.stdout == (tmp_path / "out.tar").read_bytes()
    (tmp_path / "other.tar").write_text("old")
    subprocess.run([*program, "-o", "other.tar", "box"], cwd=tmp_path, check=True)
    assert (tmp_path / "other.tar").read_bytes() == done.stdout
    controller, terminal = pty.openpty()
    done = subprocess.run([*program, "box"], stdout=terminal, stderr=subprocess.PIPE, check=False)
    os.close(terminal)
    os.close(controller)
    assert (done.returncode, b"Use -o FILE" in done.stderr) == (125, True)
    done = subprocess.run([*program, "bix"], capture_output=True, check=False)
    assert (done.returncode, b"near: box" in done.stderr) == (125, True)
    done = subprocess.run([*program, "-o", "/none/x", "box"], capture_output=True, check=False)
    assert (done.returncode, b"Create /none first" in done.stderr) == (125, True)
    with open("/dev/full", "wb") as full:
        done = subprocess.run([*program, "box"], stdout=full, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, b"no space left for the standard output" in done.stderr) == (125, True)
    shell = f"{host.layout.agent_program} export box | head -c 1000 | wc -c"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, check=False)
    assert (done.stdout, done.stderr) == (b"1000\n", b"")
