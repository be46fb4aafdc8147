# SPDX-License-Identifier: GPL-3.0-or-later
"""Health checks where systemd is: who runs them is a service, and of no login session."""

from __future__ import annotations

import pytest

from enginehost import eventually

UNIT = "slipway-health.service"
#: Healthy while the file is there, which the end of the run takes away.
CHECKED = {
    "healthcheck": "test ! -e /dev/shm/bad",
    "healthcheck_interval": "1s",
    "healthcheck_retries": 1,
    "stop_timeout": 0,
}


def health(machine, name: str) -> dict:
    """Return the container's health as inspect shows it."""
    return machine.inspect(name)["State"]["Health"]


def later(machine, name: str) -> None:
    """Wait for a check that begins from now on, and has succeeded."""
    now = (health(machine, name)["Log"] or [])[-1:]
    eventually(
        lambda: (told := health(machine, name))["Status"] == "healthy" and (told["Log"] or [])[-1:] != now,
        f"{name} is checked",
        timeout=120,
    )


def main_pid(machine) -> str:
    """Return the process of the service, "0" for none."""
    return machine.run(f"systemctl show --property=MainPID --value {UNIT}")


def checkers(machine) -> list[str]:
    """Return the cgroup of each process that runs checks; a check is one as well, until it becomes the runtime."""
    look = "for pid in $(pgrep -f '[s]lipway health'); do cat /proc/$pid/cgroup; done"
    return [line.removeprefix("0::") for line in machine.run(look, check=False).splitlines()]


@pytest.mark.ci
def test_checker_is_a_service(clean):
    """It outlives the login, comes back when killed, whoever needs it just then, and goes with the last container."""
    machine = clean
    machine.have(
        machine.container("box", "sleep", "1000", **CHECKED),
        machine.container("other", "sleep", "1000", state="created", **CHECKED),
    )
    later(machine, "box")
    eventually(lambda: checkers(machine) == [f"/system.slice/{UNIT}"], "the service alone", timeout=60)
    process = main_pid(machine)
    machine.log_out()
    later(machine, "box")
    assert main_pid(machine) == process, machine.run("journalctl -u slipway-health --no-pager | tail -40")
    machine.run(f"kill -KILL {process}")
    later(machine, "box")
    # A container that starts in the very moment in which nobody is there.
    machine.run(f"kill -KILL {main_pid(machine)}; slipway start other")
    later(machine, "other")
    later(machine, "box")
    eventually(lambda: checkers(machine) == [f"/system.slice/{UNIT}"], "the service alone", timeout=60)
    machine.run("slipway stop --time 0 box other")
    eventually(lambda: checkers(machine) == [], "no checker", timeout=60)
    eventually(lambda: not machine.run(f"systemctl list-units --all --plain --no-legend {UNIT}"), "no unit")


def test_unhealthy_is_restarted(clean):
    """An unhealthy container is restarted, by a process that needs no login either, and its scopes are new ones."""
    machine = clean
    machine.have(machine.container("box", "sleep", "1000", healthcheck_failure_action="restart", **CHECKED))
    later(machine, "box")
    before = machine.inspect("box")["State"]["Pid"]
    machine.run("slipway exec box touch /dev/shm/bad")
    machine.log_out()
    eventually(lambda: machine.inspect("box")["State"]["Pid"] not in (0, before), "another process", 120)
    later(machine, "box")
    shape = machine.inspect("box")
    place = machine.run(
        f"cat /proc/{shape['State']['Pid']}/cgroup /proc/{shape['State']['ConmonPid']}/cgroup"
    )
    assert [line.split("/")[1] for line in place.splitlines()] == ["system.slice"] * 2
    eventually(lambda: checkers(machine) == [f"/system.slice/{UNIT}"], "the service alone", timeout=60)
