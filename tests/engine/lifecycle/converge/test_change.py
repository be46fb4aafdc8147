# SPDX-License-Identifier: GPL-3.0-or-later
"""What a second task does to an existing container: nothing, a live change, a restart, a new container."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from _engine.errors import RuntimeFailed
from _engine.kernel.cgroup import cgroups
from _engine.lifecycle.container.remove import remove
from enginehost import eventually

SLEEP = ("sleep", "1000")


def same(before: dict, after: dict) -> bool:
    """Return whether two shapes are of the same run of the same container."""
    keys = ("Pid", "ConmonPid", "StartedAt")
    return before["Id"] == after["Id"] and [before["State"][key] for key in keys] == [
        after["State"][key] for key in keys
    ]


def has_variable(pid: int, variable: bytes) -> bool:
    """Return whether a process has a variable; the runtime may return before its process executes."""
    environ = Path(f"/proc/{pid}/environ")
    return bool(
        eventually(lambda: variable in environ.read_bytes().split(b"\0"), f"{variable!r} in {environ}")
    )


def test_again_is_no_change(host):
    """The same task again changes nothing."""
    before = host.start(*SLEEP, env={"A": "1"}, volume=["data:/data"])
    again = host.want("started", *SLEEP, env={"A": "1"}, volume=["data:/data"])
    assert (again.actions, again.differences, again.cost) == ((), (), "")
    assert same(before, again.result["container"])


def test_restart_after_its_end(host):
    """An exited container is started again by state started; its log continues, and its files are kept."""
    command = ("sh", "-c", "echo run >> /runs; cat /runs; exit 4")
    host.start(*command)
    first = host.ended()
    assert host.want("started", *command).actions == ("started box",)
    second = host.ended()
    assert second["Id"] == first["Id"]
    assert second["State"]["StartedAt"] > first["State"]["FinishedAt"]
    assert host.log()[0] == "run\nrun\nrun\n"


def test_forced_restart(host):
    """With force_restart a running container is stopped and started, and stays the same container."""
    before = host.start(*SLEEP)
    outcome = host.want("started", *SLEEP, force_restart=True, stop_time=0)
    after = outcome.result["container"]
    assert outcome.actions == ("stopped box", "started box")
    assert (after["Id"], after["State"]["Status"]) == (before["Id"], "running")
    assert after["State"]["Pid"] != before["State"]["Pid"]


def test_live_change(host):
    """A label changes without a restart, and is named in the diff."""
    before = host.start(*SLEEP, label={"a": "1"})
    outcome = host.want("started", *SLEEP, label={"a": "2"})
    [difference] = outcome.differences
    assert (difference.option, difference.before, difference.after) == ("label.a", "1", "2")
    assert (outcome.actions, outcome.cost) == (("updated box",), "live")
    assert same(before, outcome.result["container"])
    assert host.inspect()["Config"]["Labels"] == {"a": "2"}


def test_recreation(host):
    """A changed variable needs a new container, which runs with it; the old one is gone."""
    before = host.start(*SLEEP, env={"MODE": "x"})
    outcome = host.want("started", *SLEEP, env={"MODE": "y"}, stop_time=0)
    [difference] = outcome.differences
    assert (difference.option, difference.before, difference.after) == ("env.MODE", "x", "y")
    assert outcome.cost == "recreate"
    assert outcome.actions == ("stopped box", "removed box", "created box", "started box")
    after = host.inspect()
    assert after["Id"] != before["Id"]
    assert has_variable(after["State"]["Pid"], b"MODE=y")


@pytest.mark.parametrize("state", ["present", "created", "stopped"])
def test_states_that_start_nothing(host, state):
    """present, created and stopped create a container without starting it; started starts the same one."""
    outcome = host.want(state, *SLEEP)
    assert outcome.actions == ("created box",)
    assert (host.inspect()["State"]["Status"], host.mounts(), host.processes()) == ("created", [], [])
    assert host.want(state, *SLEEP).actions == ()
    assert host.want("started", *SLEEP).actions == ("started box",)
    assert host.inspect()["Id"] == outcome.result["container"]["Id"]


def test_absent_leaves_nothing(host):
    """Absent stops and removes; again it does nothing; nothing is left except the process's agent."""
    host.start(*SLEEP)
    assert host.bring("box", "absent", stop_time=0).actions == ("stopped box", "removed box")
    assert (host.inspect(), host.mounts(), host.cgroups(), host.record()) == ({}, [], [], None)
    assert host.bring("box", "absent").actions == ()


def test_failed_start_and_its_repair(host, tmp_path):
    """A failed start reports what was done, leaves nothing mounted, and is recorded; corrected, it starts."""
    hook = {"version": "1.0.0", "hook": {"path": "/bin/false"}, "when": {"always": True}}
    tmp_path.joinpath("hook.json").write_text(json.dumps({**hook, "stages": ["createRuntime"]}))
    with pytest.raises(RuntimeFailed) as caught:
        host.want("started", *SLEEP, volume=["data:/data"], hooks_dir=[str(tmp_path)])
    assert caught.value.fields["changed"]
    assert caught.value.fields["actions"] == ["created volume data", "created box"]
    assert (host.mounts(), host.processes()) == ([], [])
    assert not cgroups.exists(host.layout.cgroup(host.inspect()["Id"]))
    state = host.inspect()["State"]
    assert (state["Status"], state["Pid"]) == ("created", 0)
    assert state["Error"] in str(caught.value)
    outcome = host.want("started", *SLEEP, volume=["data:/data"])
    assert outcome.actions == ("removed box", "created box", "started box")
    assert host.inspect()["State"]["Status"] == "running"


def test_failed_start_of_one_that_ran(host):
    """A failed start leaves a container that ran before unchanged, with its last exit; it can be repaired."""
    task = {"volume": ["tools:/tools"], "entrypoint": ["/tools/run"]}
    host.volume("tools")
    program = host.data("tools") / "run"
    program.write_text("#!/bin/sh\nexit 5\n")
    program.chmod(0o755)
    host.start(**task)
    host.ended()
    program.unlink()
    with pytest.raises(RuntimeFailed, match="/tools/run") as caught:
        host.want("started", **task)
    assert caught.value.fields["rc"] == 127
    state = host.inspect()["State"]
    assert (state["Status"], state["ExitCode"], host.mounts()) == ("exited", 5, [])
    assert "/tools/run" in state["Error"]
    program.write_text("#!/bin/sh\nexit 6\n")
    program.chmod(0o755)
    assert host.want("started", **task).actions == ("started box",)
    state = host.ended()["State"]
    assert (state["ExitCode"], state["Error"]) == (6, "")


def test_start_after_a_killed_runtime(host):
    """The temporary pid file of a killed runc, at which the next one would fail, is removed."""
    host.want("created", *SLEEP)
    Path(host.layout.container(host.inspect()["Id"]).run, ".pidfile").touch()
    assert host.start(*SLEEP)["State"]["Status"] == "running"


def test_data_outlives_a_replacement_that_was_killed(host):
    """Killed between the old container's removal and the new one's creation, the next task keeps the data."""
    host.start("sh", "-c", "echo precious > /data/file && sleep 100", volume=["/data"])
    eventually((host.data(host.volumes()[0]) / "file").exists, "the file is written")
    host.bring("box", "stopped", stop_time=0)
    with host.open() as engine:
        remove(engine, host.record().id, with_volumes=False, keep_row=True)
    shape = host.start("sleep", "100", volume=["/data"])
    [mount] = shape["Mounts"]
    assert (host.volumes(), Path(mount["Source"], "file").read_text()) == ([mount["Name"]], "precious\n")


def test_made_anew_as_it_was(host):
    """A task that asks for recreation without options recreates the container with its previous options."""
    before = host.start(*SLEEP, env={"MODE": "a"}, volume=["data:/data", "/anonymous"], stop_timeout=0)
    after = host.bring("box", "started", recreate=True).result["container"]
    assert after["Id"] != before["Id"]
    assert has_variable(after["State"]["Pid"], b"MODE=a")
    assert [mount["Name"] for mount in after["Mounts"]] == [mount["Name"] for mount in before["Mounts"]]
