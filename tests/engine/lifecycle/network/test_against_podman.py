# SPDX-License-Identifier: GPL-3.0-or-later
"""The same options create the same network as podman's, and what podman refuses is refused here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest

from _engine.errors import EngineError

#: What is specific to a new network, and what podman does not show, or only if it exists.
OWN = {"name", "id", "created", "network_interface", "used_by", "routes", "network_dns_servers", "containers"}
NET4, NET6 = "10.231.0.0/24", "fd00:231::/64"


class Podman:
    """A podman for networks only, which does not call netavark to create one."""

    def __init__(self, top, node) -> None:
        helpers = top / "helpers"
        helpers.mkdir()
        for name in ("netavark", "aardvark-dns"):
            (helpers / name).symlink_to("/bin/true")
        (top / "c.conf").write_text(
            f'[network]\nnetwork_backend = "netavark"\nnetwork_config_dir = "{top}/n"\n'
            f'[engine]\nhelper_binaries_dir = ["{helpers}"]\n'
        )
        # It mounts its storage on itself, and leaves that mounted.
        apart = ["unshare", "--mount"]
        self.words = [*apart, "podman", "--root", f"{top}/r", "--runroot", f"{top}/rr", "network"]
        self.env = {**os.environ, "CONTAINERS_CONF": str(top / "c.conf")}
        self.node = node

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run ``podman network`` on the test's host."""

        def act():
            return subprocess.run(
                [*self.words, *words], check=False, capture_output=True, text=True, env=self.env, timeout=60
            )

        return self.node.within(act)


@pytest.fixture
def podman(need, node, tmp_path_factory):
    """Return a podman on the test's host."""
    need(shutil.which("podman"), "podman")
    return Podman(tmp_path_factory.mktemp("p"), node)


CASES = {
    "nothing": ({}, []),
    "subnet": ({"subnet": ["10.231.0.7/24"]}, ["--subnet", "10.231.0.7/24"]),
    "gateway": (
        {"subnet": [NET4], "gateway": ["10.231.0.9"]},
        ["--subnet", NET4, "--gateway", "10.231.0.9"],
    ),
    "range": (
        {"subnet": [NET4], "ip_range": ["10.231.0.128/25"]},
        ["--subnet", NET4, "--ip-range", "10.231.0.128/25"],
    ),
    "both": (
        {"subnet": [NET4, NET6], "gateway": ["10.231.0.9", "fd00:231::9"]},
        ["--subnet", NET4, "--gateway", "10.231.0.9", "--subnet", NET6, "--gateway", "fd00:231::9"],
    ),
    "six": ({"subnet": [NET6]}, ["--subnet", NET6]),
    "range of six": (
        {"subnet": [NET6], "ip_range": ["fd00:231::1:0/112"]},
        ["--subnet", NET6, "--ip-range", "fd00:231::1:0/112"],
    ),
    "six and more": ({"subnet": [NET6], "ipv6": True}, ["--subnet", NET6, "--ipv6"]),
    "internal": ({"internal": True}, ["--internal"]),
    "closed": ({"internal": True, "disable_dns": True}, ["--internal", "--disable-dns"]),
    "no names": ({"disable_dns": True}, ["--disable-dns"]),
    "labels": ({"labels": {"a": "b", "c": ""}}, ["--label", "a=b", "--label", "c="]),
    "options": (
        {"opt": {"mtu": 1400, "isolate": True, "vlan": 7}},
        ["-o", "mtu=1400", "-o", "isolate=true", "-o", "vlan=7"],
    ),
    "no addresses": ({"ipam_driver": "none"}, ["--ipam-driver", "none"]),
    "host-local": ({"ipam_driver": "host-local"}, ["--ipam-driver", "host-local"]),
}


@pytest.mark.parametrize(("options", "words"), CASES.values(), ids=CASES)
def test_a_network_is_podmans(node, podman, options, words):
    """What podman shows of a network is shown here identically."""
    made = podman.run("create", *words, "app")
    assert made.returncode == 0, made.stderr
    theirs = json.loads(podman.run("inspect", "app").stdout)[0]
    ours = node.want(**options).result["network"]
    shown = {key: value for key, value in theirs.items() if key not in OWN}
    assert {key: ours[key] for key in shown} == shown
    assert not any(ours[key] for key in ours.keys() - shown.keys() - OWN)


REFUSED = {
    "gateway without subnet": ({"gateway": ["10.231.0.1"]}, ["--gateway", "10.231.0.1"]),
    "gateway outside": (
        {"subnet": [NET4], "gateway": ["10.232.0.1"]},
        ["--subnet", NET4, "--gateway", "10.232.0.1"],
    ),
    "range outside": (
        {"subnet": [NET4], "ip_range": ["10.232.0.0/25"]},
        ["--subnet", NET4, "--ip-range", "10.232.0.0/25"],
    ),
    "no subnet": ({"subnet": ["10.231.0.0"]}, ["--subnet", "10.231.0.0"]),
    "taken": ({"subnet": ["10.240.0.0/25"]}, ["--subnet", "10.240.0.0/25"]),
    "driver": ({"driver": "bridged"}, ["-d", "bridged"]),
    "option": ({"opt": {"foo": "1"}}, ["-o", "foo=1"]),
    "mtu": ({"opt": {"mtu": -1}}, ["-o", "mtu=-1"]),
    "vlan": ({"opt": {"vlan": 5000}}, ["-o", "vlan=5000"]),
    "macvlan": ({"driver": "macvlan"}, ["-d", "macvlan"]),
    "subnet and no addresses": (
        {"subnet": [NET4], "ipam_driver": "none"},
        ["--subnet", NET4, "--ipam-driver", "none"],
    ),
    "mode": (
        {"driver": "macvlan", "subnet": [NET4], "opt": {"mode": "l2"}},
        ["-d", "macvlan", "--subnet", NET4, "-o", "mode=l2"],
    ),
}


@pytest.mark.parametrize(("options", "words"), REFUSED.values(), ids=REFUSED)
def test_what_podman_refuses_is_refused(node, podman, options, words):
    """Podman creates no such network, and neither does the engine."""
    node.ip("link", "add", "br9", "type", "bridge")
    node.ip("address", "add", "10.240.0.1/24", "dev", "br9")
    node.ip("link", "set", "br9", "up")
    assert podman.run("create", *words, "app").returncode != 0
    with pytest.raises(EngineError):
        node.want(**options)
    assert node.told() == []
