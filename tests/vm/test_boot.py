# SPDX-License-Identifier: GPL-3.0-or-later
"""A reboot and a power cut: policies and wishes are honoured, and nothing that was acknowledged is lost."""

from __future__ import annotations

import json
import shutil

import pytest

from dockerarchive import busybox_layer, layer, write_archive
from enginehost import eventually

#: Ends only when told to, and says so; a stop that was not in order leaves no "bye".
SERVER = "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 1 & wait $!; done"


@pytest.fixture
def several(clean):
    """Return the machine with a container for each policy and wish, ``base`` being what ``always`` requires."""
    machine = clean
    server = ("sh", "-c", SERVER)
    check = {"healthcheck": "test -e /data/file", "healthcheck_interval": "5s"}
    machine.have(
        machine.container("base", *server, restart_policy="unless-stopped"),
        machine.container(
            "always", *server, restart_policy="always", requires=["base"], volume=["kept:/data"], **check
        ),
        machine.container("none", *server, restart_policy="no"),
        machine.container("wished", *server, restart_policy="unless-stopped"),
        machine.container("done", "true", restart_policy="on-failure"),
    )
    machine.run("slipway exec always sh -c 'echo written > /data/file'; slipway stop wished")
    machine.becomes("done", Running=False)
    return machine


def running(machine) -> dict[str, bool]:
    """Return which containers run, by name."""
    shapes = json.loads(machine.run("slipway ps --all --json"))
    return {shape["Name"]: shape["State"]["Running"] for shape in shapes}


def events(machine) -> list[tuple[str, str]]:
    """Return all events, oldest first, each as name and action; those of the engine have the name ""."""
    found = json.loads(machine.run("slipway events --json --since 24h"))
    return [(event["Name"], event["Status"]) for event in found]


def healthy(machine, name: str) -> dict:
    """Wait until the container is healthy, and return its state."""
    return eventually(
        lambda: (state := machine.inspect(name)["State"])["Health"]["Status"] == "healthy" and state,
        f"{name} is healthy",
        timeout=120,
    )


@pytest.mark.ci
def test_reboot(several):
    """Containers end in order, with their own signal, and those start again whose policy says so."""
    before = healthy(several, "always")["Health"]["Log"][-1]["End"]
    several.do("reboot")
    several.settled()
    after = {"base": True, "always": True, "none": False, "wished": False, "done": False}
    assert running(several) == after
    # Ended by TERM and not by the host's last kill, and started again where the log goes on.
    for name in ("base", "always"):
        assert several.run(f"slipway logs {name}").splitlines() == ["up", "bye", "up"]
    assert several.run("slipway logs none").splitlines() == ["up", "bye"]
    said = several.run("journalctl --boot=-1 --unit=slipway.service --output=cat").splitlines()
    assert {f"stopped {name}" for name in ("base", "always", "none")} <= {*said}
    assert [line for line in said if "could not" in line or "illing" in line or "timed out" in line] == []
    started = {name: several.inspect(name)["State"]["StartedAt"] for name in ("base", "always")}
    assert started["base"] < started["always"]
    assert several.run("slipway exec always cat /data/file") == "written"
    assert several.inspect("done")["State"]["ExitCode"] == 0
    # What was known of its health was of another run.
    health = healthy(several, "always")["Health"]
    assert all(before < started["always"] < check["Start"] for check in health["Log"])
    told = events(several)
    boot = told.index(("", "boot"), told.index(("always", "died")))
    assert ("always", "start") in told[boot:]
    assert ("none", "start") not in told[boot:]
    again = several.play(
        {"name": "none", "slipway.oci.container": {"name": "none", "state": "started"}},
        {"name": "wished", "slipway.oci.container": {"name": "wished", "state": "stopped"}},
    )
    assert (again.failed, again.changed) == ([], ["none"])


@pytest.mark.ci
def test_power_cut(clean):
    """What was told as done is there after the power came back, however short before; what ran is started again."""
    machine = clean
    busybox = busybox_layer(shutil.which("busybox"))
    archive = machine.archive.with_name("other.tar")
    write_archive(archive, "localhost/other:1", [busybox, layer({"etc/other": b"other\n"})])
    volume = {"name": "empty", "slipway.oci.volume": {"name": "empty", "labels": {"tier": "db"}}}
    options = {"restart_policy": "always", "volume": [f"fresh:{machine.seed}", "kept:/kept"]}
    late = machine.container("late", "sh", "-c", SERVER, **options)
    machine.have(
        machine.container("none", "sh", "-c", SERVER, restart_policy="no"),
        machine.container("wished", "sh", "-c", SERVER, restart_policy="unless-stopped"),
        machine.container("gone", "true"),
        *machine.loading(archive),
        volume,
        late,
    )
    # Nothing here syncs but the engine; the file is the container's own business.
    machine.run(
        "slipway exec late sh -c 'echo written > /kept/file'; sync /var/lib/slipway/volumes/kept/data/file"
    )
    machine.run("slipway stop wished && slipway rm gone")
    machine.do("cut")
    machine.settled()
    assert running(machine) == {"none": False, "wished": False, "late": True}
    # Nobody saw how the one ended; the other's end was told.
    codes = {name: machine.inspect(name)["State"]["ExitCode"] for name in ("none", "wished")}
    assert codes == {"none": None, "wished": 0}
    assert machine.copied_up("fresh")
    assert machine.run("slipway exec late cat /kept/file") == "written"
    told = events(machine)
    assert ("late", "start") in told[told.index(("", "boot"), told.index(("gone", "remove"))) :]
    again = machine.play(
        *machine.loading(archive)[1:],
        volume,
        late,
        machine.container("new", "cat", "/etc/other", image="localhost/other:1", detach=False),
    )
    assert (again.failed, again.changed) == ([], ["new"])
    assert again["new"]["stdout"] == "other\n"


def test_power_cut_within_copy_up(clean):
    """A copy that was not acknowledged is done again; nobody ever sees half of one."""
    machine = clean
    machine.have(machine.container("box", "sleep", "1000", state="created", volume=[f"fresh:{machine.seed}"]))
    machine.run(
        "setsid slipway start box >/dev/null 2>&1 </dev/null & starter=$!;"
        " cd /var/lib/slipway/volumes/fresh;"
        " until [ $(ls .copyup-*/* 2>/dev/null | wc -l) -gt 20 ]; do :; done; kill -STOP $starter; sync;"
        ' [ -z "$(ls data)" ]'
    )
    machine.do("cut")
    machine.settled()
    assert not machine.inspect("box")["State"]["Running"]
    assert machine.run("ls /var/lib/slipway/volumes/fresh/data") == ""
    machine.run("slipway start box")
    assert machine.copied_up("fresh")
