# SPDX-License-Identifier: GPL-3.0-or-later
"""The bundle of a container that runs systemd."""

from __future__ import annotations

import signal

import pytest

from _engine.errors import InvalidOption
from _engine.frozen import replace
from _engine.model.container import program
from _engine.model.container.spec import ContainerSpec
from _engine.model.image.config import ImageConfig
from _engine.runtime.config import build
from _engine.runtime.config.users import ResolvedUser

TMPFS = ["/run", "/run/lock", "/tmp", "/var/log/journal"]
CGROUP = "/slipway/ab"
V1 = build.HostFacts(cgroup_version="hybrid", systemd_hierarchy="/sys/fs/cgroup/systemd")


def spec(**options) -> ContainerSpec:
    """Return a spec with these module options."""
    return ContainerSpec.parse({"name": "x", "image": "i", "network": ["none"], **options})


def made(host=V1, **options):
    """Return the bundle of a container with these module options."""
    return build.build(
        build.BundleRequest(
            id="ab" * 32,
            spec=spec(**{"command": ["/bin/app"], **options}),
            image=ImageConfig(),
            rootfs="/merged",
            user=ResolvedUser(0, 0, (), "/root", "root"),
            hostname="host1",
            cgroup_path=CGROUP,
            host=host,
        )
    )


def mounts(host=V1, **options):
    """Return the mounts by destination."""
    return {item["destination"]: item for item in made(host, **options)["mounts"]}


MEANT = {
    "systemd": ("true", ["/lib/systemd/systemd"], {}, True),
    "init": ("true", ["/sbin/init"], {}, True),
    "with arguments": ("true", ["/usr/sbin/init", "--log-target=console"], {}, True),
    "shell form": ("true", ["/bin/sh", "-c", "/sbin/init"], {}, True),
    "unset": (None, ["/sbin/init"], {}, True),
    "another init": ("true", ["/opt/init"], {}, False),
    "as an argument": ("true", ["/bin/echo", "/sbin/init"], {}, False),
    "a shell alone": ("true", ["/bin/sh", "-c"], {}, False),
    "below our init": ("true", ["/sbin/init"], {"init": True}, False),
    "false": ("false", ["/sbin/init"], {}, False),
    "always": ("always", ["/bin/app"], {}, True),
}


@pytest.mark.parametrize("case", MEANT)
def test_when_it_is_meant(case):
    """As in podman, the command decides, unless the option does."""
    word, command, more, wanted = MEANT[case]
    asked = spec(command=command, **({} if word is None else {"systemd": word}), **more)
    assert program.runs_systemd(asked, ImageConfig()) is wanted


def test_the_command_of_the_image_counts():
    """An image whose command is an init boots it, unless the task sets another command."""
    image = ImageConfig(cmd=("/sbin/init",))
    assert program.runs_systemd(spec(), image)
    assert not program.runs_systemd(spec(command=["/bin/app"]), image)


def test_stop_signal():
    """The stop signal is systemd's, unless the task or the image sets one."""
    always = spec(systemd="always")
    assert program.stop_signal(always, ImageConfig()) == signal.SIGRTMIN + 3
    assert program.stop_signal(always, ImageConfig(stop_signal="INT")) == signal.SIGINT
    assert program.stop_signal(spec(systemd="always", stop_signal="HUP"), None) == signal.SIGHUP
    assert program.stop_signal(spec(), None) == signal.SIGTERM


def test_file_systems_in_memory():
    """The writable directories of systemd are tmpfs of the given size; the task's own mounts win."""
    assert set(TMPFS) & set(mounts()) == set()
    found = mounts(systemd="always", shm_size_systemd="1m", volume=["/h:/tmp"])
    assert [found[path]["type"] for path in TMPFS] == ["tmpfs", "tmpfs", "bind", "tmpfs"]
    assert "size=1048576" in found["/run"]["options"]
    assert "tmpcopyup" in found["/var/log/journal"]["options"]


def test_the_cgroup_of_v2_can_be_written_to():
    """With cgroups v2 it sees only its own cgroup, and can write to it."""
    host = build.HostFacts(cgroup_version="v2")
    assert "ro" in mounts(host)["/sys/fs/cgroup"]["options"]
    found = mounts(host, systemd="always")
    assert "rw" in found["/sys/fs/cgroup"]["options"]
    assert [path for path in found if path.startswith("/sys/fs/cgroup/")] == []


def test_of_v1_only_its_own_part_can_be_written_to():
    """With cgroups v1 it sees the hierarchy, and can write only to its own cgroup of it."""
    found = mounts(systemd="always")
    shown, own = found["/sys/fs/cgroup/systemd"], found[f"/sys/fs/cgroup/systemd{CGROUP}"]
    assert (shown["source"], "ro" in shown["options"]) == ("/sys/fs/cgroup/systemd", True)
    assert (own["source"], "rw" in own["options"]) == (f"/sys/fs/cgroup/systemd{CGROUP}", True)
    assert "ro" in found["/sys/fs/cgroup"]["options"]
    assert [*found].index("/sys/fs/cgroup/systemd") < [*found].index(f"/sys/fs/cgroup/systemd{CGROUP}")


@pytest.mark.parametrize("options", [{"volume": ["/sys/fs/cgroup:/sys/fs/cgroup"]}, {"cgroupns": "private"}])
def test_the_hierarchy_is_left_out(options):
    """The user's own mount of the cgroups wins; in a cgroup namespace the paths differ."""
    assert "/sys/fs/cgroup/systemd" not in mounts(systemd="always", **options)


def test_machine_id():
    """A machine ID of the container is set for systemd, unless the task sets one."""
    assert f"container_uuid={'ab' * 16}" in made(systemd="always")["process"]["env"]
    told = made(systemd="always", env={"container_uuid": "x"})["process"]["env"]
    assert [item for item in told if item.startswith("container_uuid")] == ["container_uuid=x"]
    assert not any(item.startswith("container_uuid") for item in made()["process"]["env"])


def test_no_virtual_consoles():
    """A privileged systemd starts no logins on the host's consoles, unless one is named."""
    node = build.DeviceNode("c", 4, 1, 0o600, 0, 0)
    paths = ("/dev/tty", "/dev/tty1", "/dev/tty22", "/dev/ttyS0")
    host = replace(V1, devices=dict.fromkeys(paths, node))

    def devices(**options):
        return [item["path"] for item in made(host, privileged=True, **options)["linux"]["devices"]]

    assert devices() == [*paths]
    assert devices(systemd="always") == ["/dev/tty", "/dev/ttyS0"]
    assert devices(systemd="always", device=["/dev/tty1"]) == ["/dev/tty", "/dev/tty1", "/dev/ttyS0"]


REFUSED = {
    "below an init": ({"init": True}, "init"),
    "without cgroups": ({"cgroups": "disabled"}, "cgroups"),
    "another word": ({"systemd": "sometimes"}, "systemd"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case):
    """Options that conflict with systemd as PID 1 are refused by name."""
    options, option = REFUSED[case]
    with pytest.raises(InvalidOption) as caught:
        spec(**{"systemd": "always", **options})
    assert caught.value.fields["option"] == option
