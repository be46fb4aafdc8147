# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoints without CRIU: refusals, archives, and leftovers of kills; tests/vm makes real checkpoints."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import tarfile
from pathlib import Path

import pytest

from _engine.agent.install import exit_command
from _engine.errors import (
    ArchiveBroken,
    HostLacks,
    InUse,
    InvalidOption,
    NameInUse,
    NotFound,
    UnsafeEntry,
    WrongState,
)
from _engine.kernel.process import Process
from _engine.lifecycle.checkpoint import import_archive
from _engine.lifecycle.checkpoint.checkpoint import checkpoint
from _engine.lifecycle.checkpoint.restore_task import restore
from _engine.lifecycle.container.create import create
from _engine.lifecycle.core.facts import save
from _engine.lifecycle.core.origin import source_of
from _engine.lifecycle.guard import checkpoint_files
from _engine.lifecycle.guard.hold import hold
from _engine.model.container.checkpoint import CheckpointOptions, RestoreOptions
from enginehost import eventually

#: Writes to every part that an archive has, deletes files of the image, and prints "ready".
WRITER = """
echo one > /written; rm /etc/group; rm -r /home; mkdir /home
echo two > /data/v; echo three > /anon/a; echo four > /dev/shm/s
echo ready; exec sleep 1000
"""


@pytest.fixture
def do(host):
    """Return a function that checkpoints a container, with a task's options."""

    def do(name="box", *, settings=None, **raw):
        with host.open(**(settings or {})) as engine:
            return checkpoint(engine, host.record(name), CheckpointOptions.parse(raw))

    return do


@pytest.fixture
def go_on(host):
    """Return a function that restores a container, with a task's options."""

    def go_on(**raw):
        with host.open(runtime=None) as engine:
            options = RestoreOptions.parse(raw)
            return restore(engine, options, lambda engine: exit_command(engine, keep=False))

    return go_on


@pytest.fixture
def bring_in(host):
    """Return a function that imports a container from an archive without restoring it."""

    def bring_in(path, name=None, **raw):
        options = RestoreOptions.parse({"import": str(path), "name": name, **raw})
        with host.open(runtime=None) as engine, import_archive.opened(engine, options) as arrival:
            return import_archive.bring_in(engine, arrival)

    return bring_in


def agents(host):
    """Return the running agents that conmon has called."""
    return [line for line in host.processes() if "cleanup" in line and "conmon" not in line]


def unchanged(host):
    """Return what a verb could change of a running container; its process may still be starting."""
    return {**host.picture(), "kernel": host.mounts(), "process": host.inspect()["State"]["Pid"]}


def dumped(host, name="box", *, whole=True, ends=True):
    """Simulate CRIU with a killed caller on a running container: write images, and kill the process."""
    record = host.record(name)
    container = host.layout.container(record.id)
    with host.open() as engine:
        with engine.lock_container(record.id, "checkpoint"):
            checkpoint_files.begin(container)
            Path(container.new_checkpoint, "pages-1.img").write_bytes(b"pages")
            if whole:
                Path(container.new_checkpoint, "inventory.img").write_bytes(b"inventory")
            save(engine, record, intent="checkpoint")
            if ends:
                Process(*record.process).signal(signal.SIGKILL)
        with hold(engine, record.id, "look"):
            pass
    eventually(lambda: agents(host) == [], "the agent has gone")


@pytest.fixture
def saved(host):
    """Return the record of a container that has written everywhere and was checkpointed."""
    host.start("sh", "-c", WRITER, volume=["kept:/data", "/anon"], restart_policy="always")
    host.said("ready")
    dumped(host)
    return host.record()


@pytest.fixture
def archive(saved, do, tmp_path):
    """Return the archive of that checkpoint."""
    do(export=str(tmp_path / "box.tar"), compress="none")
    return tmp_path / "box.tar"


# -- what is refused -------------------------------------------------------------------------------


def test_refused_without_criu(host, do):
    """The error names what lacks support, and a remedy; the container keeps running."""
    if host.runtime == "runc" and subprocess.run(["criu", "check"], check=False).returncode == 0:
        pytest.skip("CRIU works here")
    host.start("sleep", "1000")
    before = unchanged(host)
    words = (
        "built without CRIU.*runtime: runc" if host.runtime == "crun" else "CRIU can't work on this host: .+"
    )
    with pytest.raises(HostLacks, match=words):
        do()
    assert unchanged(host) == before
    said = host.agent("checkpoint", "box")
    assert (said.returncode, "CRIU" in said.stderr) == (125, True)
    assert host.inspect()["State"]["Running"]


@pytest.mark.parametrize("state", ["created", "stopped", "paused"])
def test_refused_for_what_does_not_run(host, do, state):
    """Only a running container can be checkpointed; the error has the state, and nothing is changed."""
    host.want("created" if state == "created" else "started", "sleep", "1000")
    if state != "created":
        host.bring("box", state, stop_time=0)
    eventually(lambda: agents(host) == [], "the agent has gone")
    before = host.picture()
    with pytest.raises(WrongState, match=r"box is .*cannot be checkpointed"):
        do()
    assert host.picture() == before


@pytest.mark.parametrize(
    ("options", "asked", "error", "words"),
    [
        ({"rm": True}, {}, InvalidOption, "export: is required"),
        ({}, {"export": "/nowhere/x.tar"}, InvalidOption, "export: .*directory that does not exist"),
        ({}, {"export": "/tmp"}, InvalidOption, "export: .*is a directory"),
        ({}, {"export": "x.tar"}, InvalidOption, "export: "),
        ({}, {"ignore_volumes": True}, InvalidOption, "ignore_volumes: .*requires export"),
        ({}, {"compress": "gzip"}, InvalidOption, "compress: .*requires export"),
    ],
)
def test_bad_input(host, do, options, asked, error, words):
    """Invalid options are refused by name, and the container keeps running."""
    host.start("sleep", "1000", **options)
    before = unchanged(host)
    with pytest.raises(error, match=words):
        do(**asked)
    assert unchanged(host) == before


def test_refused_with_other_commands_in_it(host, do):
    """A container with a running exec session cannot be checkpointed."""
    host.start("sleep", "1000")
    host.agent("exec", "--detach", "box", "sleep", "1000")
    with pytest.raises(WrongState, match="container box has running exec sessions"):
        do()
    assert host.inspect()["State"]["Running"]


def test_restore_refused(host, go_on, do):
    """A running container is unchanged; one without a checkpoint and an unknown one are refused."""
    host.start("sleep", "1000")
    before = unchanged(host)
    assert go_on(name="box").actions == ()
    assert unchanged(host) == before
    host.bring("box", "stopped", stop_time=0)
    with pytest.raises(WrongState, match="container box has no checkpoint"):
        go_on(name="box")
    with pytest.raises(NotFound, match="near: box"):
        go_on(name="boxx")
    with pytest.raises(InvalidOption, match="ignore_rootfs"):
        go_on(name="box", ignore_rootfs=True)
    with pytest.raises(InvalidOption, match="name: is required"):
        go_on()


def test_restore_refused_without_criu(host, saved, go_on):
    """Where CRIU does not work, the checkpoint is kept."""
    if host.runtime == "runc" and subprocess.run(["criu", "check"], check=False).returncode == 0:
        pytest.skip("CRIU works here")
    before = host.picture()
    with pytest.raises(HostLacks, match="CRIU"):
        go_on(name="box")
    assert host.picture() == before
    assert host.agent("restore", "box").returncode == 125


# -- what a kill leaves ----------------------------------------------------------------------------


def test_killed_when_all_was_written(host, saved, do):
    """A complete checkpoint of a killed process is valid, and no restart policy starts the container."""
    state = host.inspect()["State"]
    assert (state["Status"], state["Checkpointed"], state["ExitCode"]) == ("exited", True, None)
    assert sorted(os.listdir(state["CheckpointPath"])) == ["devshm", "inventory.img", "pages-1.img"]
    assert Path(state["CheckpointPath"], "devshm/s").read_text() == "four\n"
    assert host.mounts() == []
    assert host.events()[-1] == "checkpoint"
    before = host.picture()
    assert do().actions == ()
    assert host.picture() == before
    assert host.agent("boot").returncode == 0
    assert host.agent("ps", "-a").stdout.count("checkpointed") == 1


@pytest.mark.parametrize("whole", [False, True])
def test_killed_before_its_end(host, whole):
    """A container that still runs keeps running, and nothing of the checkpoint is left."""
    shape = host.start("sleep", "1000")
    dumped(host, whole=whole, ends=False)
    state = host.inspect()["State"]
    assert (state["Pid"], state["Checkpointed"]) == (shape["State"]["Pid"], False)
    assert not [name for name in os.listdir(f"{shape['StaticDir']}/bundle") if "checkpoint" in name]
    assert host.record().intent == ""


def test_killed_with_half_a_checkpoint(host):
    """A container that exited during an incomplete checkpoint has exited as any other."""
    host.start("sleep", "1000")
    dumped(host, whole=False)
    state = host.ended()["State"]
    assert (state["Checkpointed"], state["ExitCode"]) == (False, 137)
    assert not os.path.exists(host.layout.container(host.record().id).new_checkpoint)


def test_start_forgets(host, saved):
    """A start discards the checkpoint and its files."""
    host.bring("box", "started")
    record = host.record()
    assert (record.checkpointed, record.restored) == (None, None)
    assert not os.path.exists(host.layout.container(record.id).checkpoint)


# -- archives --------------------------------------------------------------------------------------


def names_in(path):
    """Return the archive's names in order, whatever its compression."""
    shown = subprocess.run(["tar", "tf", str(path)], check=True, capture_output=True, text=True)
    return shown.stdout.splitlines()


@pytest.mark.parametrize("compress", ["zstd", "gzip", "none"])
def test_archive(host, saved, do, tmp_path, compress):
    """The archive has description, images, /dev/shm, changed and deleted files, and volumes; idempotent."""
    path = tmp_path / "a.tar"
    outcome = do(export=str(path), compress=compress)
    assert outcome.actions == (f"exported the checkpoint to {path}",)
    volumes = [f"volumes/{name}.tar" for name in sorted(saved.volumes.values())]
    images = ["checkpoint/inventory.img", "checkpoint/pages-1.img"]
    assert names_in(path) == [
        *("config.dump", "spec.dump", *images, "devshm-checkpoint.tar", "rootfs-diff.tar"),
        *volumes,
    ]
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["a.tar"]
    assert do(export=str(path), compress=compress).actions == ()


def test_archive_without(host, saved, do, tmp_path):
    """The archive lacks what the options ignore."""
    do(export=str(tmp_path / "a.tar"), ignore_rootfs=True, ignore_volumes=True)
    assert [name for name in names_in(tmp_path / "a.tar") if name.startswith(("rootfs", "volumes"))] == []


def test_archive_becomes_a_container(host, archive, bring_in):
    """An imported container has written and deleted files and volumes of the archive, and is checkpointed."""
    host.bring("box", "absent", delete_volumes=True)
    host.volume("kept", "absent")
    record = bring_in(archive, "new")
    assert record.is_checkpointed
    assert (record.name, record.spec.restart_policy.word) == ("new", "always")
    state = host.inspect("new")["State"]
    assert (state["Status"], state["Checkpointed"]) == ("exited", True)
    assert Path(state["CheckpointPath"], "devshm/s").read_text() == "four\n"
    container = host.layout.container(record.id)
    assert Path(container.upper, "written").read_text() == "one\n"
    gone = os.stat(f"{container.upper}/etc/group")
    assert (gone.st_mode & 0o170000, gone.st_rdev) == (0o020000, 0)
    assert os.getxattr(f"{container.upper}/home", "trusted.overlay.opaque") == b"y"
    assert (host.data("kept") / "v").read_text() == "two\n"
    assert (host.data(record.volumes["/anon"]) / "a").read_text() == "three\n"


def test_volumes_that_are_there(host, archive, go_on, bring_in):
    """Content for an existing volume is refused, and nothing is changed; it can be ignored."""
    host.bring("box", "absent")
    before = host.picture()
    with pytest.raises((InUse, HostLacks)):
        go_on(name="new", **{"import": str(archive)})
    assert host.picture() == before
    (host.data("kept") / "v").write_text("mine\n")
    bring_in(archive, "new", ignore_volumes=True)
    assert (host.data("kept") / "v").read_text() == "mine\n"


def test_the_name_of_another(host, archive, go_on):
    """A container of the same name from elsewhere is left alone."""
    host.start("sleep", "1000", name="other")
    before = host.picture()
    with pytest.raises(NameInUse, match="other"):
        go_on(name="other", **{"import": str(archive)})
    assert host.picture() == before


def test_import_that_was_killed(host, archive, bring_in):
    """A killed import leaves half a container, which cannot be started and which the next import replaces."""
    record = host.record()
    with host.open() as engine:
        half = create(
            engine, host.spec(name="new", volume=["kept:/data"]), source_of(engine, record), intent="import"
        )
        with hold(engine, half.id, "look") as held:
            assert held.status == "removing"
    host.bring("box", "absent", delete_volumes=True)
    assert bring_in(archive, "new", ignore_volumes=True).id != half.id
    assert host.inspect("new")["State"]["Checkpointed"]
    assert host.layout.container(half.id).static not in host.files()


# -- archives from anywhere ------------------------------------------------------------------------


def parts_of(archive):
    """Return the archive's files in order, as (entry, content)."""
    with tarfile.open(archive) as tar:
        return [(entry, tar.extractfile(entry).read()) for entry in tar.getmembers()]


def write(path, parts):
    """Write a tar of these entries."""
    with tarfile.open(path, "w") as tar:
        for entry, content in parts:
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path


def described(parts, change):
    """Return the parts with another config.dump."""
    document = json.loads(parts[0][1])
    change(document)
    return [(parts[0][0], json.dumps(document).encode()), *parts[1:]]


def special(name, kind, link=""):
    """Return an entry that is not a regular file."""
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, link
    return entry, b""


def without(parts, name):
    """Return the parts without the one of this name."""
    return [part for part in parts if part[0].name != name]


def replaced(parts, name, content):
    """Return the parts with other content for the one of this name."""
    return [(entry, content if entry.name == name else old) for entry, old in parts]


def up(document):
    """Put a volume above the directory of volumes."""
    document["volumes"] = {"/data": "../../../etc"}


def cgroup_up(document):
    """Put the cgroup above its parent."""
    document["spec"]["cgroup_parent"] = "/a/../../b"


BROKEN = {
    "no tar": (lambda parts: None, ArchiveBroken),
    "nothing": (lambda parts: [], ArchiveBroken),
    "no description": (lambda parts: parts[1:], ArchiveBroken),
    "another form": (lambda parts: described(parts, lambda d: d.update(format="x")), ArchiveBroken),
    "no spec": (lambda parts: described(parts, lambda d: d.pop("spec")), ArchiveBroken),
    "no JSON": (lambda parts: replaced(parts, "config.dump", b"{"), ArchiveBroken),
    "volume above": (lambda parts: described(parts, up), ArchiveBroken),
    "bad name": (lambda parts: described(parts, lambda d: d["spec"].update(name="../x")), ArchiveBroken),
    "cgroup above": (lambda parts: described(parts, cgroup_up), ArchiveBroken),
    "image missing": (lambda parts: described(parts, lambda d: d["image"].update(id="0" * 64)), NotFound),
    "no images": (lambda parts: without(parts, "checkpoint/inventory.img"), ArchiveBroken),
    "no root file system": (lambda parts: without(parts, "rootfs-diff.tar"), ArchiveBroken),
    "broken tree": (lambda parts: replaced(parts, "rootfs-diff.tar", b"x" * 512), ArchiveBroken),
    "link": (lambda parts: [*parts, special("checkpoint/x", tarfile.SYMTYPE, "/etc/shadow")], UnsafeEntry),
    "hard link": (
        lambda parts: [*parts, special("checkpoint/x", tarfile.LNKTYPE, "config.dump")],
        UnsafeEntry,
    ),
    "device": (lambda parts: [*parts, special("checkpoint/x", tarfile.CHRTYPE)], UnsafeEntry),
    "up": (lambda parts: [*parts, (tarfile.TarInfo("checkpoint/../../x"), b"")], UnsafeEntry),
    "absolute": (lambda parts: [*parts, (tarfile.TarInfo("/etc/x"), b"")], UnsafeEntry),
    "stranger": (lambda parts: [*parts, (tarfile.TarInfo("x"), b"")], UnsafeEntry),
    "hidden": (lambda parts: [*parts, (tarfile.TarInfo("checkpoint/.x"), b"")], UnsafeEntry),
    "twice": (lambda parts: [*parts, parts[1]], ArchiveBroken),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_archives_change_nothing(host, archive, bring_in, tmp_path, case):
    """A broken or hostile archive is refused, and nothing of it is left."""
    change, error = BROKEN[case]
    parts = change(parts_of(archive))
    path = tmp_path / "bad.tar"
    if parts is None:
        path.write_bytes(b"no tar at all" * 100)
    else:
        write(path, parts)
    host.bring("box", "absent", delete_volumes=True)
    host.volume("kept", "absent")
    eventually(lambda: host.processes() == [], "all have gone")
    before = host.leftovers()
    with pytest.raises(error):
        bring_in(path, None if case == "bad name" else "new")
    assert host.leftovers() == before


def test_an_archive_that_is_cut_short(host, archive, bring_in, tmp_path):
    """An archive that is truncated anywhere is refused, and nothing of it is left."""
    host.bring("box", "absent", delete_volumes=True)
    host.volume("kept", "absent")
    eventually(lambda: host.processes() == [], "all have gone")
    whole, before = archive.read_bytes(), host.leftovers()
    for length in (0, 100, 700, 5000, len(whole) // 2, len(whole) - 2000):
        (tmp_path / "short.tar").write_bytes(whole[:length])
        with pytest.raises(ArchiveBroken):
            bring_in(tmp_path / "short.tar", "new")
    assert host.leftovers() == before


def test_what_is_no_file(host, go_on, tmp_path):
    """A path without an archive is refused by name."""
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "nowhere", tmp_path, tmp_path / "fifo"):
        with pytest.raises(InvalidOption, match="import: "):
            go_on(**{"import": str(path)})
