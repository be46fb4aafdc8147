# SPDX-License-Identifier: GPL-3.0-or-later
"""A container whose PID 1 is systemd boots, works and shuts down like a machine, on this host's cgroups."""

from __future__ import annotations

import os
import shutil

import pytest

from _engine.errors import HostLacks, InvalidOption
from _engine.kernel.cgroup import cgroups
from debianimage import IMAGE, debian_archive
from enginehost import eventually


@pytest.fixture
def machine(need, tree, empty_host):
    """Return an engine with an image that has systemd, and the function that boots it."""
    need(shutil.which("debootstrap"), "debootstrap")
    empty_host.load(debian_archive(tree / ".build/debian"))
    empty_host.image = IMAGE
    return empty_host


def inside(host, *words: str, code: int = 0) -> str:
    """Run a command in the container and return its output."""
    done = host.agent("exec", "box", *words)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout.strip()


def booted(host) -> bool:
    """Return whether systemd has finished booting without failures."""
    return host.agent("exec", "box", "systemctl", "is-system-running", "--wait").stdout.strip() == "running"


def boot(host) -> None:
    """Start the container, and wait until it has booted."""
    host.bring("box", "started")
    eventually(lambda: booted(host), "running")


def test_it_boots(machine):
    """Systemd boots without failures, starts a unit in its own cgroup, shuts down on request, boots again."""
    machine.want("created", "/sbin/init")
    boot(machine)
    assert inside(machine, "cat", "/etc/machine-id") == machine.inspect()["Id"][:32]
    assert machine.inspect()["Config"]["SystemdMode"] is True
    inside(machine, "systemd-run", "--unit=probe", "sleep", "1000")
    group = inside(machine, "systemctl", "show", "--property=ControlGroup", "--value", "probe")
    assert group.endswith("/system.slice/probe.service")
    pid = inside(machine, "systemctl", "show", "--property=MainPID", "--value", "probe")
    assert group in inside(machine, "cat", f"/proc/{pid}/cgroup")
    if cgroups.version() != "v2":
        writes_to_its_own(machine)

    stopped = machine.bring("box", "stopped", stop_time=60).result["container"]["State"]
    assert stopped["ExitCode"] == 0  # so it was not killed
    boot(machine)


def writes_to_its_own(machine) -> None:
    """Check that in systemd's hierarchy only the container's own part is writable, and in others nothing."""
    top, told = "/sys/fs/cgroup/systemd", inside(machine, "cat", "/proc/1/cgroup")
    own = told.split("name=systemd:")[1].split("/init.scope")[0]
    inside(machine, "mkdir", f"{top}{own}/mine")
    for place in (top, f"{top}{os.path.dirname(own)}", "/sys/fs/cgroup/memory"):
        assert "Read-only" in machine.agent("exec", "box", "mkdir", f"{place}/others").stderr


#: A firewall's service like Debian's nftables.service, which records what it does.
FIREWALL = """[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'echo load >>/log'
ExecReload=/bin/sh -c 'echo load >>/log'
ExecStop=/bin/sh -c 'echo flush >>/log'
"""
#: Added before systemd boots: the unit of role host, the firewall's unit, and a program that records its verb.
FURNISH = """
printf '%s' "$UNIT" >/etc/systemd/system/slipway-firewall.service
printf '%s' "$FIREWALL" >/etc/systemd/system/nftables.service
printf '#!/bin/sh\necho "$@" >>/log' >/usr/local/bin/slipway; chmod +x /usr/local/bin/slipway
systemctl enable slipway-firewall.service; exec /sbin/init
"""


@pytest.mark.parametrize("runtime", ["runc"], indirect=True)
def test_rules_are_loaded_after_a_firewall(machine, tree):
    """The unit of role host loads the rules after each start, restart and reload of a firewall's service."""
    unit = (tree / "roles/host/files/slipway-firewall.service").read_text()
    env = {"UNIT": unit, "FIREWALL": FIREWALL}
    machine.want("created", "sh", "-c", FURNISH, systemd="always", env=env)
    boot(machine)
    for verb in ("start", "reload", "restart"):
        inside(machine, "systemctl", verb, "nftables")
        inside(machine, "systemctl", "is-active", "slipway-firewall")
    said = inside(machine, "cat", "/log").splitlines()
    reload = "network reload"
    assert said == ["load", reload, "load", reload, "flush", "load", reload]
    machine.bring("box", "stopped", stop_time=60)


REFUSED = {
    "a cgroup namespace": ({"cgroupns": "private"}, InvalidOption),
    "a user namespace": ({"uidmap": ["0:100000:65536"]}, HostLacks),
}


@pytest.mark.parametrize("case", REFUSED)
def test_v1_refuses(host, case):
    """With cgroups v1, what keeps systemd from booting is refused before anything is changed."""
    options, error = REFUSED[case]
    if cgroups.version() == "v2":
        pytest.skip("with cgroups v2 it works")
    with pytest.raises(error):
        host.start("/sbin/init", systemd="always", **options)
    assert host.inspect() == {}
