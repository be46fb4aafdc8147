# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever happens to a container, a task is recognised only where the whole way has the very same result."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import socket
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.slipway.oci.plugins.module_utils._module.tasks.container import converge_container
from bothways import SLEEP

from _engine.agent.install import exec_exit_command
from _engine.kernel import mountinfo, untrusted_files
from _engine.kernel.cgroup.membership import directory
from _engine.kernel.process import Process
from _engine.lifecycle.exec import detached
from _engine.model.container.execution import ExecSpec
from enginehost import eventually

#: Of linux/sched.h, linux/prctl.h, linux/capability.h, sys/mount.h.
CLONE_NEWNS, CLONE_NEWUTS, PR_CAPBSET_DROP, CAP_MKNOD, MNT_DETACH = 0x20000, 0x4000000, 24, 27, 2


@pytest.fixture
def task(lent, ways):
    """Return a task that is recognised: of a container that runs, with a volume, a bind mount, files and hooks."""
    with lent.database() as database, database.reading() as connection:
        names = connection.execute("SELECT name, image_id FROM image_names").fetchall()
    files = {"env_file": ["/srv/one.env"], "hooks_dir": ["/srv/hooks"]}
    task = ways(**SLEEP, **files, volume=["data:/data", "/srv/bound:/bound"], state="started")
    assert task.recognised_from_now_on()
    yield task
    with lent.database() as database, database.transaction() as connection:
        connection.execute("DELETE FROM image_names")
        connection.executemany("INSERT INTO image_names VALUES (?, ?)", [tuple(one) for one in names])


def saved(node, statement: str) -> None:
    """Change the database as somebody else does."""
    with node.database() as database, database.transaction() as connection:
        connection.execute(statement)


def freeze(node, words: tuple[str, str] = ("FROZEN", "1")) -> None:
    """Freeze the container's cgroup behind the engine's back, or thaw it."""
    pid = node.record().process.pid
    place = directory(pid, "freezer")
    for name, word in zip(("freezer.state", "cgroup.freeze"), words):
        if os.path.exists(f"{place}/{name}"):
            Path(place, name).write_text(word)
    wanted = words[1] == "1"
    eventually(lambda: (node.inspect()["State"]["Status"] == "paused") is wanted, "frozen or thawed")


def thaw(node) -> None:
    """Thaw the container's cgroup behind the engine's back."""
    freeze(node, ("THAWED", "0"))


# -- what happens -----------------------------------------------------------------------------------


def _nothing(_node, _place: Path) -> None:
    pass


def _killed(node, _place: Path) -> None:
    os.kill(node.inspect()["State"]["Pid"], signal.SIGKILL)
    node.ended()


def _killed_unseen(node, _place: Path) -> None:
    state = node.inspect()["State"]
    for key in ("ConmonPid", "Pid"):
        os.kill(state[key], signal.SIGKILL)
    eventually(lambda: not Process.of(state["Pid"]), "the process has ended")


def _unmonitored(node, _place: Path) -> None:
    monitor = node.inspect()["State"]["ConmonPid"]
    os.kill(monitor, signal.SIGKILL)
    eventually(lambda: not Process.of(monitor), "the monitor has ended")


def _frozen(node, _place: Path) -> None:
    freeze(node)


def _frozen_and_thawed(node, _place: Path) -> None:
    freeze(node)
    thaw(node)


def _paused(node, _place: Path) -> None:
    node.bring("box", "paused")


def _stopped(node, _place: Path) -> None:
    node.bring("box", "stopped")


def _commanded(node, _place: Path) -> None:
    spec = ExecSpec.parse({"argv": ["sleep", "1000"]})
    with node.open() as engine:
        detached.detach(engine, "box", spec, exec_exit_command(engine))


def _started_anew(node, _place: Path) -> None:
    node.bring("box", "restarted")


def _retagged(node, _place: Path) -> None:
    other = "(SELECT image_id FROM image_names WHERE name = 'localhost/box:1')"
    saved(node, f"UPDATE image_names SET image_id = {other} WHERE name = 'localhost/app:1'")


def _untagged(node, _place: Path) -> None:
    saved(node, "DELETE FROM image_names WHERE name = 'localhost/app:1'")


def _tagged_more(node, _place: Path) -> None:
    of = "FROM image_names WHERE name = 'localhost/app:1'"
    saved(node, f"INSERT INTO image_names SELECT 'localhost/more:1', image_id {of}")


def _volume_altered(node, _place: Path) -> None:
    node.volume("data", labels={"tier": "db"})


def _volume_lost(node, _place: Path) -> None:
    shutil.rmtree(node.layout.volume_data("data"))


def _bound_lost(_node, place: Path) -> None:
    (place / "bound").rmdir()


def _other_variables(_node, place: Path) -> None:
    (place / "one.env").write_text("MODE=oth\n")


def _same_variables(_node, place: Path) -> None:
    (place / "one.env").unlink()
    (place / "one.env").write_text("MODE=one\n")


def _altered(node, _place: Path) -> None:
    saved(node, "UPDATE containers SET spec = replace(spec, '1000', '1001')")


def _counted(node, _place: Path) -> None:
    saved(node, "UPDATE containers SET restart_count = restart_count + 1")


def _begun(node, _place: Path) -> None:
    saved(node, "UPDATE containers SET intent = 'unpause'")


def _removed(node, _place: Path) -> None:
    node.bring("box", "absent")


def _renamed(node, _place: Path) -> None:
    node.agent("rename", "box", "other")


def _forgotten(node, _place: Path) -> None:
    shutil.rmtree(node.layout.container(node.inspect()["Id"]).results)


def _torn(node, _place: Path) -> None:
    for path in Path(node.layout.container(node.inspect()["Id"]).results).iterdir():
        path.write_bytes(path.read_bytes()[:200])


def _another_beside(node, _place: Path) -> None:
    node.want("created", name="beside")


def _no_room_kept(node, _place: Path) -> None:
    os.unlink(node.layout.spare[1])


def _no_staging(node, _place: Path) -> None:
    shutil.rmtree(node.layout.staging)


#: What happens, and whether the task is recognised all the same.
DRIFTS: dict[Callable[[Any, Path], None], bool] = {
    _nothing: True,
    _killed: False,
    _killed_unseen: False,
    _unmonitored: False,
    _frozen: False,
    _frozen_and_thawed: True,
    _paused: False,
    _stopped: False,
    _started_anew: False,
    _retagged: False,
    _untagged: False,
    _tagged_more: False,
    _volume_altered: False,
    _volume_lost: True,
    _bound_lost: True,
    _other_variables: False,
    _same_variables: True,
    _altered: False,
    _counted: False,
    _begun: False,
    _removed: False,
    _renamed: False,
    _forgotten: False,
    _torn: False,
    _another_beside: True,
    _commanded: False,
    _no_room_kept: False,
    _no_staging: False,
}
#: After which the whole way fails.
FAILS = {_untagged}
#: After which no task is recognised until the container is started anew.
LASTING = {_unmonitored}


@pytest.mark.parametrize("drift", DRIFTS, ids=lambda drift: drift.__name__.strip("_"))
def test_both_ways_after(task, lent, place, drift):
    """Whatever happened, a task is recognised only where the whole way has the very same result; afterwards it is again."""
    drift(lent, place)
    recalled, checked = task.both_recalled()
    assert (recalled is not None, checked is not None) == (DRIFTS[drift], DRIFTS[drift])
    if drift in FAILS:
        return
    assert checked in (None, task.whole(check=True))
    assert recalled in (None, task.whole())
    if drift in LASTING:
        assert task.both_recalled() == [None, None]
        lent.bring("box", "stopped")
    else:
        assert task.recognised_from_now_on()


def test_hooks_to_come(task, place):
    """A hook that a later start will run changes nothing of what runs, and a task is recognised."""
    hook = place / "hooks/hook.json"
    hook.write_text("{}")
    try:
        assert task.both_recalled() == [task.whole()] * 2 != [None, None]
    finally:
        hook.unlink()


# -- elsewhere --------------------------------------------------------------------------------------


def unshare(flags: int) -> None:
    """Give this process namespaces of its own."""
    assert ctypes.CDLL(None).unshare(flags) == 0


def _other_name() -> None:
    unshare(CLONE_NEWUTS)
    socket.sethostname("elsewhere")


def _less_capable() -> None:
    assert ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_MKNOD, 0, 0, 0) == 0


def _without_cgroups() -> None:
    unshare(CLONE_NEWNS)
    for entry in reversed([one for one in mountinfo.read() if one.fstype in ("cgroup", "cgroup2")]):
        ctypes.CDLL(None).umount2(entry.target.encode(), MNT_DETACH)


@pytest.mark.parametrize("change", [_other_name, _less_capable, _without_cgroups])
def test_what_the_host_adds(task, change):
    """Where the host has another name, other cgroups or less to give than before, a task goes the whole way."""

    def both() -> str:
        change()
        return json.dumps([task.both_recalled(), task.whole()["changed"]])

    assert json.loads(untrusted_files.in_time(both, 60.0)) == [[None, None], False]
    assert task.both_recalled() == [None, None]
    assert task.recognised_from_now_on()


# -- what is not as usual ---------------------------------------------------------------------------


def test_what_is_not_as_usual(task, lent):
    """Nothing is recognised while somebody is at work on the container, after a reboot, beside a stranger."""
    layout = lent.layout
    stranger = f"{layout.runtime_root}/{'0' * 64}"
    left = f"{layout.run_containers}/{'0' * 64}"
    for path, text in (
        (layout.lock("name", "box"), ""),
        (layout.boot_marker, "another boot\n"),
        (layout.root_note, "another boot /\n"),
        (layout.run_root_note, "another boot /\n"),
        (f"{layout.trials}/x", ""),
        (stranger, ""),
        (left, ""),
    ):
        before = Path(path).read_text() if os.path.exists(path) else None
        os.makedirs(os.path.dirname(path), exist_ok=True)
        Path(path).write_text(text)
        assert task.both_recalled() == [None, None], path
        os.unlink(path) if before is None else Path(path).write_text(before)
        assert task.recalled() is not None, path


def test_a_root_by_another_name(task, lent, tmp_path):
    """An engine whose root is reached by another path is another one as far as results are concerned."""
    (tmp_path / "root").symlink_to(lent.layout.root)
    task.where = {**task.where, "root": str(tmp_path / "root")}
    task.params = {**task.params, **task.where}
    assert task.both_recalled() == [None, None]


def test_an_end_that_is_not_told_yet(task, lent):
    """A container whose process has ended is not recognised, though its monitor has not come to tell so."""
    state = lent.inspect()["State"]
    os.kill(state["ConmonPid"], signal.SIGSTOP)
    try:
        os.kill(state["Pid"], signal.SIGKILL)
        eventually(lambda: not Process.of(state["Pid"]), "the process has ended")
        assert task.both_recalled() == [None, None]
    finally:
        os.kill(state["ConmonPid"], signal.SIGCONT)
    lent.ended()


# -- while the result is made -----------------------------------------------------------------------


@contextmanager
def _saved_and_put_back(node, _place: Path):
    yield
    for error in ("x", ""):
        saved(node, f"UPDATE containers SET error = '{error}'")


@contextmanager
def _frozen_meanwhile(node, _place: Path):
    freeze(node)
    yield
    thaw(node)


@contextmanager
def _removed_meanwhile(node, _place: Path):
    yield
    node.bring("box", "absent")


@contextmanager
def _file_changed_meanwhile(_node, place: Path):
    yield
    (place / "one.env").write_text("MODE=two\n")


@pytest.mark.parametrize(
    "meanwhile", [_saved_and_put_back, _frozen_meanwhile, _removed_meanwhile, _file_changed_meanwhile]
)
def test_a_change_meanwhile(task, ways, lent, place, meanwhile):
    """A result is not kept when something changed while it was made, though all is as before afterwards."""
    plain = ways(name="box", state="present", env_file=["/srv/one.env"])
    known_by, place_of_run = plain.task, lent.layout.container(lent.inspect()["Id"]).run

    def act(engine, request):
        with meanwhile(lent, place):
            return converge_container(engine, request)

    assert not plain.whole(known_by=known_by, act=act)["changed"]
    (place / "one.env").write_text("MODE=one\n")
    assert plain.both_recalled() == [None, None]
    assert os.path.exists(place_of_run) is (meanwhile is not _removed_meanwhile)


def test_a_file_that_was_changed_before_it_was_read(task, place):
    """A result is not kept for the file that was there when the task began, if another one was read."""
    known_by = task.task
    (place / "one.env").write_text("MODE=two\n")
    while task.whole(known_by=known_by)["changed"]:
        pass
    (place / "one.env").write_text("MODE=one\n")
    assert task.both_recalled() == [None, None]
    assert task.whole()["changed"]
