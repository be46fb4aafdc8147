# SPDX-License-Identifier: GPL-3.0-or-later
"""A lost, damaged, outdated or read-only database: no running container is lost, or started twice."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
from pathlib import Path

import pytest
from tracer import KILL, trace

from _engine.agent.main import main
from _engine.errors import EngineError, OtherRoot, OtherRunRoot, StateIncomplete
from _engine.kernel import libc
from _engine.lifecycle.container.stop import TO_START, stop
from _engine.lifecycle.host.opening import open_engine
from _engine.lifecycle.host.read_only import unknown
from _engine.lifecycle.host.rebuild import rebuild
from _engine.lifecycle.info import info
from _engine.model.engine.layout import Layout
from enginehost import Host

SLEEP = ("sleep", "1000")
BOX = {"volume": ["data:/data"], "stop_timeout": 0, "label": {"a": "b"}}


@pytest.fixture
def hosts(busybox, tmp_path_factory):
    """Return the function that creates an engine per test, so that a failed rebuild spoils no other test."""

    def host(runtime: str) -> Host:
        made = Host(tmp_path_factory.mktemp(runtime), runtime, "localhost/box:1")
        made.build(made.image, busybox)
        return made

    return host


def files(host: Host) -> list[Path]:
    """Return the paths of the database's files."""
    return [
        path
        for path in map(Path, (f"{host.layout.database}{end}" for end in ("", "-wal", "-shm")))
        if path.exists()
    ]


def lose(host: Host) -> None:
    """Remove the database."""
    for path in files(host):
        path.unlink()


def damage(host: Host) -> None:
    """Overwrite the database with garbage."""
    for path in files(host):
        path.write_bytes(b"\xff" * max(4096, path.stat().st_size))


def saved(host: Host, to: Path) -> None:
    """Copy the database as a backup does."""
    shutil.copyfile(host.layout.database, to)


def put_back(host: Host, backup: Path) -> None:
    """Restore the database from the backup."""
    lose(host)
    shutil.copyfile(backup, host.layout.database)


def code(act) -> str:
    """Return the code of the error that it raises."""
    with pytest.raises(EngineError) as caught:
        act()
    return caught.value.code


def make_again(host: Host, *, dry_run: bool = False):
    """Do what `slipway store rebuild` does."""
    return rebuild(host.layout.root, host.layout.run_root, dry_run=dry_run)


@pytest.mark.parametrize("spoil", [lose, damage])
def test_what_runs_is_not_started_twice_and_is_taken_up(host, spoil, capsys):
    """Without its database the engine refuses to act; a rebuild adopts running containers."""
    box = host.start(*SLEEP, **BOX)
    other = host.want("created", "true", name="still").result["container"]
    pid, wrote = box["State"]["Pid"], host.data("data") / "mine"
    wrote.write_text("mine")
    before = host.rows()
    spoil(host)
    wanted = "state_incomplete" if spoil is lose else "state_corrupt"
    for act in (
        lambda: host.want("started", *SLEEP, **BOX),
        lambda: host.want("started", *SLEEP, name="second", volume=["data:/data"]),
        lambda: host.bring("box", "absent"),
        lambda: host.volume("data", "absent", force=True),
    ):
        assert code(act) == wanted
    if spoil is lose:
        with pytest.raises(StateIncomplete, match=rf"box \({box['Id'][:12]}, process {pid}\)") as caught:
            host.bring("box", "started")
        assert caught.value.fields["containers"] == [{"id": box["Id"], "name": "box", "pid": pid}]
        assert "store rebuild" in caught.value.remedy
        with host.open(read_only=True, known_alone=True) as engine:
            assert info.containers(engine).result["containers"] == []
            assert "box" in str(unknown(engine)[0])
    picture = {path: path.read_bytes() for path in files(host)}
    foreseen = make_again(host, dry_run=True)
    assert {path: path.read_bytes() for path in files(host)} == picture
    words = ["--root", host.layout.root, "--run-root", host.layout.run_root, "store", "rebuild"]
    assert main(words, root="/none", run_root="/none") == 0
    said = capsys.readouterr().out
    assert all(f"rebuilt {what}" in said for what in foreseen.made)
    assert f"container box ({box['Id'][:12]}), running, process {pid}" in foreseen.made
    after = host.inspect()
    for key in ("Id", "Image", "Mounts", "Config", "HostConfig", "Created"):
        assert after[key] == box[key], key
    assert (after["State"]["Status"], after["State"]["Pid"]) == ("running", pid)
    assert host.inspect("still")["Id"] == other["Id"]
    assert sorted(row.split()[0] for row in host.rows()) == sorted(row.split()[0] for row in before)
    assert not host.want("started", *SLEEP, **BOX).changed
    assert host.bring("box", "stopped").changed
    assert host.inspect()["State"]["Status"] == "exited"
    assert wrote.read_text() == "mine"
    assert host.bring("box", "absent").changed
    assert host.want("started", "true", name="still", detach=False).changed
    for path in Path(host.layout.root).glob("state.db.damaged-*"):
        path.unlink()


def test_an_end_is_seen_after_a_rebuild(host):
    """When an adopted container exits by itself, its monitor cleans up and records the exit code."""
    box = host.start("sh", "-c", "trap 'exit 7' TERM; while :; do sleep 0.05; done", stop_timeout=0)
    lose(host)
    make_again(host)
    os.kill(box["State"]["Pid"], signal.SIGTERM)
    assert host.ended()["State"]["ExitCode"] == 7
    assert host.mounts() == []


def test_a_database_from_before_a_container(host, tmp_path):
    """A database that lacks a running container is refused; a rebuild adds only that one."""
    host.want("created", "true", name="old")
    saved(host, tmp_path / "backup")
    pid = host.start(*SLEEP, **BOX)["State"]["Pid"]
    put_back(host, tmp_path / "backup")
    assert code(lambda: host.want("started", *SLEEP, **BOX)) == "state_incomplete"
    assert [what.split(" (")[0] for what in make_again(host).made] == ["volume data", "container box"]
    assert host.inspect()["State"]["Pid"] == pid
    assert make_again(host).made == ()


def test_a_database_from_before_a_start(host, tmp_path):
    """A running container that is recorded as stopped is corrected, and not started twice."""
    host.want("created", *SLEEP, **BOX)
    saved(host, tmp_path / "backup")
    pid = host.start(*SLEEP, **BOX)["State"]["Pid"]
    for before in ("started", "stopped", "started"):
        put_back(host, tmp_path / "backup")
        if before == "stopped":
            host.bring("box", "paused")
            put_back(host, tmp_path / "backup")
            assert host.inspect()["State"]["Status"] == "paused"
            assert not host.bring("box", "paused").changed
            host.bring("box", "started")
            continue
        assert (host.inspect()["State"]["Status"], host.inspect()["State"]["Pid"]) == ("running", pid)
        assert not host.want("started", *SLEEP, **BOX).changed
    assert host.inspect()["State"]["Pid"] == pid
    host.bring("box", "absent")


def test_a_database_that_names_what_is_gone(host, tmp_path):
    """A recorded container that no longer exists can be recreated or removed by its task."""
    host.start(*SLEEP, **BOX)
    host.start(*SLEEP, name="other", stop_timeout=0)
    saved(host, tmp_path / "backup")
    for name in ("box", "other"):
        host.bring(name, "absent")
    put_back(host, tmp_path / "backup")
    assert host.want("started", *SLEEP, **BOX).changed
    assert host.inspect()["State"]["Status"] == "running"
    assert host.bring("other", "absent").changed
    assert host.inspect("other") == {}


def test_a_run_root_that_is_lost_too(host):
    """Without database and run root the kernel still shows living containers: none is started over."""
    host.start(*SLEEP, **BOX)
    aside = f"{host.layout.run_root}.aside"
    lose(host)
    os.mkdir(aside)
    for name in ("oci", "exits", "boot"):
        os.rename(f"{host.layout.run_root}/{name}", f"{aside}/{name}")
    try:
        assert code(lambda: host.want("started", *SLEEP, **BOX)) == "state_incomplete"
    finally:
        lose(host)
        for name in os.listdir(aside):
            shutil.rmtree(f"{host.layout.run_root}/{name}", ignore_errors=True)
            os.rename(f"{aside}/{name}", f"{host.layout.run_root}/{name}")
        os.rmdir(aside)
    make_again(host)


def test_a_rebuild_that_is_killed_is_begun_again(host, need):
    """A killed rebuild can be repeated with the same result; the engine acts on nothing until then."""
    need(os.uname().machine == "x86_64", "x86-64, whose registers the tracer knows")
    pid = host.start(*SLEEP, **BOX)["State"]["Pid"]
    damage(host)
    keep = {path: path.read_bytes() for path in files(host)}

    def spoil() -> None:
        for path in Path(host.layout.root).glob("state.db*"):
            path.unlink()
        for path, content in keep.items():
            path.write_bytes(content)

    _status, calls = trace(lambda: make_again(host), lambda _call: None)
    for number in range(1, len(calls) + 1, max(1, len(calls) // 8)):
        spoil()
        trace(lambda: make_again(host), lambda call, at=number: KILL if call.number == at else None)
        assert make_again(host).problems == ()
        assert host.inspect()["State"]["Pid"] == pid
    for path in Path(host.layout.root).glob("state.db.damaged-*"):
        path.unlink()


def test_what_lies_beside_is_for_root_alone(host):
    """The notes contain what the database does, so only root can read them."""
    box = host.start(*SLEEP, env={"PASSWORD": "secret"}, **BOX)
    container = host.layout.container(box["Id"])
    for path in (container.beside, host.layout.volume_beside("data"), *Path(host.layout.images).iterdir()):
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(host.layout.images).st_mode) == 0o700


def test_a_start_writes_nothing_beside(host):
    """A container's note is written when it is created or its options change; a start only checks it."""
    box = host.start(*SLEEP, **BOX)
    path = Path(host.layout.container(box["Id"]).beside)
    seen = [(path.stat().st_ino, path.stat().st_mtime_ns)]
    host.bring("box", "restarted")
    seen.append((path.stat().st_ino, path.stat().st_mtime_ns))
    host.want("started", *SLEEP, **{**BOX, "label": {"a": "c"}})
    assert seen[0] == seen[1] != (path.stat().st_ino, path.stat().st_mtime_ns)
    lose(host)
    make_again(host)
    assert host.inspect()["Config"]["Labels"]["a"] == "c"


@pytest.mark.parametrize("spoil", [lose, damage])
def test_what_was_wished_outlives_the_database(host, spoil):
    """A rebuild preserves owed starts, and stopped containers stay stopped."""
    for name in ("owed", "stopped", "box"):
        host.start(*SLEEP, **{**BOX, "name": name, "restart_policy": "always"})
    assert not os.path.exists(host.layout.container(host.record("box").id).marks)
    with host.open() as engine:  # as left by a task that is killed between its stop and its start
        stop(engine, host.record("owed").id, None, timeout=0, marks=TO_START)
    host.bring("stopped", "stopped")
    spoil(host)
    make_again(host)
    kept = {name: host.record(name) for name in ("owed", "stopped", "box")}
    assert [(one.start_pending, one.stopped_by_user) for one in kept.values()] == [
        (True, True),
        (False, True),
        (False, False),
    ]
    assert host.want("present", *SLEEP, **{**BOX, "name": "owed", "restart_policy": "always"}).changed
    assert host.inspect("owed")["State"]["Running"]
    assert not os.path.exists(host.layout.container(kept["owed"].id).marks)
    for path in Path(host.layout.root).glob("state.db.damaged-*"):
        path.unlink()


# -- two run roots ---------------------------------------------------------------------------------


def test_another_run_root_is_refused_by_name(host):
    """While containers live with one run root, another is refused, with the first one's path."""
    pid = host.start(*SLEEP, **BOX)["State"]["Pid"]
    root, other = host.layout.root, f"{host.layout.run_root}-other"
    try:
        for read_only in (False, True):
            with (
                pytest.raises(
                    OtherRunRoot, match=f"run_root {host.layout.run_root}, where box lives"
                ) as caught,
                open_engine(root, other, read_only=read_only),
            ):
                pass
            assert caught.value.fields["run_root"] == os.path.realpath(host.layout.run_root)
        with open_engine(root, f"{host.layout.run_root}/../run/"):
            pass
        lose(host)
        with pytest.raises(OtherRunRoot, match="box"), open_engine(root, other):
            pass
        make_again(host)
        assert host.inspect()["State"]["Pid"] == pid
        host.bring("box", "stopped")
        with open_engine(root, other):
            pass
    finally:
        shutil.rmtree(other, ignore_errors=True)


def test_a_run_root_of_an_earlier_boot_is_forgotten(host):
    """A record from another boot refuses nothing, and is replaced by the new run root."""
    Path(host.layout.run_root_note).write_text(f"{'0' * 36} /elsewhere\n")
    with host.open():
        pass
    assert Path(host.layout.run_root_note).read_text().split()[1] == os.path.realpath(host.layout.run_root)


# -- two roots with one run root -------------------------------------------------------------------


def test_a_second_root_is_refused_by_name(host):
    """A run root of another root is refused, with that root and its containers, before any write."""
    host.start(*SLEEP, **BOX)
    second, run_root = f"{host.top}/second", host.layout.run_root
    before = sorted(os.listdir(run_root))
    for act in (
        lambda: open_engine(second, run_root).__enter__(),
        lambda: open_engine(second, run_root, known_alone=True).__enter__(),
        lambda: open_engine(second, f"{run_root}/../run/", read_only=True).__enter__(),
    ):
        with pytest.raises(
            OtherRoot, match=rf"belongs to root {host.layout.root} \(box lives with it\)"
        ) as caught:
            act()
        assert caught.value.fields["root"] == os.path.realpath(host.layout.root)
        assert caught.value.fields["containers"] == ["box"]
        assert not os.path.exists(second)
        assert sorted(os.listdir(run_root)) == before
    os.mkdir(second)
    assert code(lambda: rebuild(second, run_root, dry_run=False)) == "other_root"
    assert os.listdir(second) == []
    host.bring("box", "stopped")
    assert code(lambda: open_engine(second, run_root).__enter__()) == "other_root"
    os.rmdir(second)
    assert host.bring("box", "started").changed


@pytest.mark.parametrize(
    "what", ["moved", "gone", "mounted elsewhere", "of another boot", "no note", "removed as told"]
)
def test_a_root_that_was_moved_has_its_run_root(tmp_path, what):
    """Only an existing and different root keeps its run root from others in this boot."""
    first, second, run_root = (f"{tmp_path}/{name}" for name in ("first", "second", "run"))
    note = Path(Layout(first, run_root).root_note)
    with open_engine(first, run_root):
        pass
    if what == "moved":
        os.rename(first, second)
    elif what == "gone":
        shutil.rmtree(first)
    elif what == "mounted elsewhere":
        os.symlink(first, second)
    elif what == "of another boot":
        note.write_text(f"{'0' * 36} {first}\n")
    elif what == "no note":
        note.write_text("\xff" * 100)
    else:
        with pytest.raises(OtherRoot) as caught:
            open_engine(second, run_root).__enter__()
        assert str(note) in caught.value.remedy
        note.unlink()
    with open_engine(second, run_root):
        pass
    assert note.read_text().split()[1] == os.path.realpath(second)
    assert code(lambda: open_engine(f"{tmp_path}/third", run_root).__enter__()) == "other_root"


def test_the_command_line_takes_the_run_root_of_a_root(host, capsys):
    """`slipway --root DIR` uses DIR's recorded run root, and its own for its own root."""
    host.start(*SLEEP, **BOX)
    root = host.layout.root
    for own, words in ((("/none", "/none"), ["--root", root]), ((root, host.layout.run_root), [])):
        assert main([*words, "ps"], root=own[0], run_root=own[1]) == 0
        assert "box" in capsys.readouterr().out
        assert main([*words, "stop", "box"], root=own[0], run_root=own[1]) == 0
        assert main([*words, "start", "box"], root=own[0], run_root=own[1]) == 0
        capsys.readouterr()
    assert main(["ps"], root=root, run_root=f"{host.top}/other") == 125
    assert f"run_root {host.layout.run_root}" in capsys.readouterr().err.replace("--run-root", "run_root")


# -- disks that fail -------------------------------------------------------------------------------


def apart(host: Host, script: str, act) -> tuple[int, str]:
    """Run a function in a child with private mounts, after a shell script; return exit code and output."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        text = "?"
        try:
            libc.unshare(libc.CLONE_NEWNS)
            subprocess.run(["sh", "-ec", f"mount --make-rprivate /; {script}"], check=True)
            text = str(act())
        except EngineError as error:
            text = f"{error.code}: {error}"
        except BaseException as error:  # noqa: BLE001  (told)
            text = f"uncaught {error!r}"
        finally:
            os.write(writer, text.encode())
            os._exit(0)
    os.close(writer)
    with open(reader, encoding="utf-8") as stream:
        text = stream.read()
    return os.waitpid(child, 0)[1], text


READ_ONLY = "mount --bind {root} {root}; mount -o remount,bind,ro {root}"


@pytest.mark.parametrize("open_meanwhile", [False, True], ids=["closed", "in use"])
def test_a_read_only_root_is_told_and_can_be_looked_at(host, open_meanwhile):
    """Verbs that act report a read-only file system; verbs that only read work."""
    box = host.start(*SLEEP, **BOX)
    script = READ_ONLY.format(root=host.layout.root)
    words = ["--root", host.layout.root, "--run-root", host.layout.run_root, "ps"]

    def look() -> object:
        return host.inspect()["Id"], host.volumes(), main(words, root="/", run_root="/")

    def act() -> object:
        return host.want("started", "true", name="new")

    with host.database() if open_meanwhile else open(os.devnull):
        told = apart(host, script, act)[1]
        assert told.startswith("state_read_only: ")
        assert "findmnt" in told
        assert "aside" not in told
        assert apart(host, script, look)[1] == str((box["Id"], ["data"], 0))
    assert not host.want("started", *SLEEP, **BOX).changed


def test_a_full_root_is_told(host):
    """A full disk is not reported as a damaged database."""
    host.want("created", *SLEEP)
    top = Path(host.top)
    script = f"""
        mount -t tmpfs -o size=2m tmpfs {top}/full
        cp -a {host.layout.root}/state.db* {top}/full/
        mkdir -p {top}/full/staging {top}/full/layers {top}/full/volumes {top}/full/containers {top}/full/images
        cat /dev/zero > {top}/full/zero || true
        mount --bind {top}/full {host.layout.root}
    """
    (top / "full").mkdir()
    try:
        told = apart(host, script, lambda: host.want("created", "true", name="new"))[1]
    finally:
        (top / "full").rmdir()
    assert told.startswith("store_full: ")


def test_a_directory_without_permission(tmp_path):
    """An unreachable database (a symlink loop, a directory) is not reported as damaged."""
    layout = Layout(f"{tmp_path}/root", f"{tmp_path}/run")
    for make in (lambda path: os.symlink("state.db", path), os.mkdir):
        shutil.rmtree(layout.root, ignore_errors=True)
        os.makedirs(layout.root)
        make(layout.database)
        assert code(lambda: open_engine(layout.root, layout.run_root).__enter__()) == "state_unreachable"
