# SPDX-License-Identifier: GPL-3.0-or-later
"""What most playbooks do: the role, an image, a volume, a container; and once more, which changes nothing."""

from __future__ import annotations

import pytest


def site(machine) -> list[dict]:
    """Return the tasks of a usual play; each changes something at its first run."""
    app = machine.container(
        "app",
        *("sh", "-c", "echo $GREETING; exec sleep 1000"),
        env={"GREETING": "hello"},
        volume=[f"data:{machine.seed}"],
        memory="64m",
        pids_limit="50",
        cpu_shares=512,
        healthcheck=f"grep -q 7 {machine.seed}/7",
        healthcheck_interval="10s",
        restart_policy="always",
        stop_timeout=0,
        wait=True,
    )
    volume = {"name": "data", "slipway.oci.volume": {"name": "data", "labels": {"tier": "db"}}}
    return [*machine.loading(machine.archive), volume, app]


@pytest.mark.ci
def test_converge_twice(clean):
    """The first run makes all of it, and the container has what was asked for; the second and check mode change nothing."""
    machine = clean
    assert {"slipway.oci.host : Install the systemd units", "load box.tar"} <= {*machine.first.changed}
    units = machine.run("systemctl is-enabled slipway.service; systemctl is-active slipway.service")
    assert units.split() == ["enabled", "active"]
    assert machine.run("stat -fc %T /sys/fs/cgroup") == "cgroup2fs"
    first = machine.play(*site(machine))
    assert (first.failed, first.changed) == ([], ["data", "app"])
    state = first["app"]["container"]["State"]
    assert state["Health"]["Status"] == "healthy"
    assert machine.copied_up("data")
    assert machine.run("slipway logs app") == "hello"
    limits = machine.run(
        f"cd /sys/fs/cgroup$(sed s/0::// /proc/{state['Pid']}/cgroup) && cat memory.max pids.max cpu.weight"
    )
    assert limits.split()[:2] == ["67108864", "50"]
    ask = {"name": "app", "argv": ["sh", "-c", "cat; echo $GREETING; exit 3"], "stdin": "well,"}
    asked = {"name": "ask", "slipway.oci.container_exec": ask, "ignore_errors": True}
    again = machine.play(*site(machine), asked, roles=("slipway.oci.host",))
    assert again.changed == ["ask"]
    assert (again["ask"]["rc"], again["ask"]["stdout"]) == (3, "well,\nhello")
    foreseen = machine.play(*site(machine), check=True)
    assert (foreseen.failed, foreseen.changed) == ([], [])


def test_role_in_check_mode(machine):
    """The role tells that it would change nothing."""
    foreseen = machine.play(roles=("slipway.oci.host",), check=True)
    assert (foreseen.failed, foreseen.changed) == ([], [])


def test_nobody_else_can_look(clean):
    """What the engine has is closed to other users of the host, also where the root of a user namespace passes through."""
    machine = clean
    options = {"memory": "64m", "volume": [f"data:{machine.seed}"], "stop_timeout": 0}
    machine.have(
        machine.container("plain", "sleep", "1000", healthcheck="true", **options),
        machine.container("mapped", "sleep", "1000", uidmap=["0:100000:65536"], **options),
    )
    owner = machine.run(f"stat -c %u /proc/{machine.inspect('mapped')['State']['Pid']}")
    assert owner == "100000"
    tops = machine.run(
        "stat -c %U:%a /var/lib/slipway /run/slipway /var/lib/slipway/layers /var/lib/slipway/volumes"
    )
    assert tops.split() == ["root:711", "root:711", "root:700", "root:700"]
    paths = machine.run(
        "find /var/lib/slipway /run/slipway -xdev -path '*/layers/*/diff/*' -prune -o -print | tee /tmp/paths"
    )
    assert "/var/lib/slipway/state.db" in paths
    look = (
        'while read -r path; do if [ -r "$path" ] || [ -w "$path" ]; then echo "$path"; fi; done </tmp/paths'
    )
    nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups"
    assert machine.run(f"chmod 644 /tmp/paths; {nobody} sh -c '{look}'") == ""
    assert machine.run(f"{nobody} true && echo works") == "works"
