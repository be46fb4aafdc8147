# SPDX-License-Identifier: GPL-3.0-or-later
"""A reboot and a power cut: policies and wishes are honoured, and nothing that was acknowledged is lost."""

from __future__ import annotations

import json

import pytest

#: Ends only when told to, and says so; a stop that was not in order leaves no "bye".
SERVER = "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 1 & wait $!; done"


@pytest.fixture
def several(clean):
    """Return the machine with a container for each policy and wish, ``base`` being what ``always`` requires."""
    machine = clean
    server = ("sh", "-c", SERVER)
    machine.have(
        machine.container("base", *server, restart_policy="unless-stopped"),
        machine.container(
            "always", *server, restart_policy="always", requires=["base"], volume=["kept:/data"]
        ),
        machine.container("failing", *server, restart_policy="on-failure:3"),
        machine.container("none", *server, restart_policy="no"),
        machine.container("wished", *server, restart_policy="unless-stopped"),
        {"name": "stop", "slipway.oci.container": {"name": "wished", "state": "stopped"}},
        machine.container("done", "true", restart_policy="on-failure"),
        {
            "name": "write",
            "slipway.oci.container_exec": {
                "name": "always",
                "argv": ["sh", "-c", "echo written > /data/file"],
            },
        },
    )
    machine.becomes("done", Running=False)
    return machine


def running(machine) -> dict[str, bool]:
    """Return which containers run, by name."""
    shapes = json.loads(machine.run("slipway ps --json"))
    return {shape["Name"]: shape["State"]["Running"] for shape in shapes}


AFTER = {"base": True, "always": True, "failing": True, "none": False, "wished": False, "done": False}


def test_reboot(several):
    """Containers end in order, with their own signal, and those start again whose policy says so."""
    several.do("reboot")
    several.run("systemctl is-system-running --wait; systemctl is-active slipway.service", timeout=300)
    assert running(several) == AFTER
    # Ended by TERM and not by the host's last kill, and started again where the log goes on.
    for name in ("base", "always", "failing"):
        assert several.run(f"slipway logs {name}").splitlines() == ["up", "bye", "up"]
    assert several.run("slipway logs none").splitlines() == ["up", "bye"]
    started = {name: several.inspect(name)["State"]["StartedAt"] for name in ("base", "always")}
    assert started["base"] < started["always"]
    assert several.run("slipway exec always cat /data/file") == "written"
    assert several.inspect("done")["State"]["ExitCode"] == 0
    again = several.play(
        {"name": "none", "slipway.oci.container": {"name": "none", "state": "started"}},
        {"name": "wished", "slipway.oci.container": {"name": "wished", "state": "stopped"}},
    )
    assert (again.failed, again.changed) == ([], ["none"])


def test_power_cut(several):
    """What a task has told as done is there after the power came back; what ran is started as after a reboot."""
    several.have(several.container("late", "sh", "-c", SERVER, restart_policy="always"))
    several.do("cut")
    several.run("systemctl is-system-running --wait; systemctl is-active slipway.service", timeout=300)
    assert running(several) == {**AFTER, "late": True}
    assert several.run("slipway logs base").splitlines()[-1] == "up"
    # Nobody saw how it ended.
    assert several.inspect("none")["State"]["ExitCode"] is None
    assert several.inspect("done")["State"]["ExitCode"] == 0
    late = several.container("late", "sh", "-c", SERVER, restart_policy="always")
    again = several.play(late)
    assert (again.failed, again.changed) == ([], [])


def test_the_role_again(machine):
    """The role, run a second time, changes nothing; nor does check mode."""
    assert machine.run(
        "systemctl is-enabled slipway.service; systemctl is-active slipway.service"
    ).split() == [
        "enabled",
        "active",
    ]
    again = machine.play(roles=("slipway.oci.host",), check=True)
    assert (again.failed, again.changed) == ([], [])
    again = machine.play(roles=("slipway.oci.host",))
    assert (again.failed, again.changed) == ([], [])
