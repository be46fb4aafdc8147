# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd as the first process of a container, where there is cgroup v2 alone and another systemd is the machine's."""

from __future__ import annotations

import pytest

from enginehost import eventually

ROOT = "/run/guest"
#: The machine's own Debian, with what is written to it in memory; without what is the machine's business alone.
MAKE = f"""
mkdir {ROOT} && mount -t tmpfs tmpfs {ROOT} && mkdir {ROOT}/upper {ROOT}/work {ROOT}/root
mount -t overlay overlay -o lowerdir=/,upperdir={ROOT}/upper,workdir={ROOT}/work {ROOT}/root
cd {ROOT}/root && rm -f etc/fstab var/lib/dbus/machine-id etc/systemd/system/*.wants/slipway.service && : >etc/machine-id
"""


@pytest.fixture
def guest(clean):
    """Return the machine, and make a root file system with systemd at ``ROOT/root``."""
    clean.run(MAKE)
    yield clean
    clean.run(f"umount {ROOT}/root {ROOT} && rmdir {ROOT}")


@pytest.mark.ci
@pytest.mark.parametrize("runtime", ["crun", "runc"])
def test_it_boots(guest, runtime):
    """It boots with nothing failed, in a scope of the machine's systemd, has cgroups of its own there, and ends when asked to."""
    command = ["/lib/systemd/systemd", "--unit=basic.target"]
    options = {"image": f"{ROOT}/root", "rootfs": True, "runtime": runtime}
    guest.have(guest.container("box", *command, **options))
    state = "slipway exec box systemctl is-system-running --wait"
    eventually(lambda: guest.run(state, check=False) == "running", failed(guest), timeout=120)
    assert guest.run("slipway exec box cat /etc/machine-id") == guest.inspect("box")["Id"][:32]
    guest.run("slipway exec box systemd-run --unit=probe --property=MemoryMax=64M sleep 1000")
    pid = guest.run("slipway exec box systemctl show --property=MainPID --value probe")
    group = guest.run(f"slipway exec box cat /proc/{pid}/cgroup")
    assert group.endswith("/system.slice/probe.service")
    inside = group.removeprefix("0::")
    assert guest.run(f"slipway exec box cat /sys/fs/cgroup{inside}/memory.max") == str(64 * 1024 * 1024)
    first = guest.inspect("box")["State"]["Pid"]
    assert guest.run(f"cat /proc/{first}/cgroup").startswith("0::/system.slice/slipway-")

    guest.run("slipway stop --time 60 box")
    assert guest.inspect("box")["State"]["ExitCode"] == 0


def failed(machine) -> str:
    """Say what is wrong, for a boot that does not come to its end."""
    return f"running: {machine.run('slipway exec box systemctl --failed --no-legend', check=False)}"
