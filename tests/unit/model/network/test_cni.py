# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists and results of CNI plugins, and the input of each plugin."""

from __future__ import annotations

import json

import pytest

from _engine.model.network import cni
from _engine.model.network.spec import Subnet
from _engine.model.network.wiring import Port

BRIDGE = {"type": "bridge", "ipam": {"type": "host-local"}, "capabilities": {"ips": True, "mac": False}}
LIST = {"name": "corp", "cniVersion": "1.0.0", "plugins": [BRIDGE, {"type": "tuning"}]}
ASKED = cni.Request("c1", "eth0", {"IgnoreUnknown": "1", "MAC": "02::"}, {"ips": ["10.1.0.2"], "mac": "02::"})


def parsed(**changes: object) -> cni.Plugins:
    """Return the list with these changes."""
    return cni.parse_plugins(json.dumps({**LIST, **changes}).encode(), most=10_000)


@pytest.mark.parametrize(
    ("changes", "version", "checks"),
    [
        ({}, "1.0.0", True),
        ({"cniVersion": "0.3.1"}, "0.3.1", False),
        ({"cniVersion": "0.4.0"}, "0.4.0", True),
        ({"cniVersion": "1.1.0", "disableCheck": True}, "1.1.0", False),
        ({"cniVersion": "0.4.0", "cniVersions": ["0.3.1", "1.1.0", "9.0.0"]}, "1.1.0", True),
    ],
)
def test_versions(changes, version, checks):
    """The newest common version is used, and CHECK exists since 0.4.0 unless the list disables it."""
    found = parsed(**changes)
    assert (found.version, found.checks) == (version, checks)
    assert found.types == ("bridge", "tuning", "host-local")


def test_one_plugin_by_itself():
    """A single plugin is a list of one."""
    text = json.dumps({**BRIDGE, "name": "corp", "cniVersion": "1.0.0"}).encode()
    assert [one["type"] for one in cni.parse_plugins(text, most=1000).each] == ["bridge"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cniVersion": "0.2.0"}, "is not one of"),
        ({"cniVersion": None}, "is not one of"),
        ({"cniVersion": ["1.0.0"]}, "is not one of"),
        ({"name": "../x"}, "name does not consist"),
        ({"plugins": []}, "not a list of 1"),
        ({"plugins": {}}, "not a list of 1"),
        ({"plugins": [BRIDGE] * 33}, "not a list of 1"),
        ({"plugins": ["bridge"]}, "the type of a plugin is not"),
        ({"plugins": [{"type": "../../bin/sh"}]}, "the type of a plugin is not"),
        ({"plugins": [{"type": "bridge", "ipam": {"type": "/bin/sh"}}]}, "the type of ipam is not"),
    ],
)
def test_a_list_that_is_none(changes, words):
    """A list without a program, a name or a known version is refused."""
    with pytest.raises(ValueError, match=words):
        parsed(**changes)


@pytest.mark.parametrize("text", [b"", b"[]", b"[" * 9000, b"\xff", b"{}" + b" " * 10_000])
def test_what_is_no_list(text):
    """Invalid JSON and too long input are refused."""
    with pytest.raises(ValueError, match=r"."):
        cni.parse_plugins(text, most=10_000)


def test_what_a_plugin_is_told():
    """A plugin gets its configuration with name, version, previous result and its capabilities."""
    told = cni.config(parsed(), 0, ASKED, None)
    assert told == {
        "type": "bridge",
        "ipam": {"type": "host-local"},
        "name": "corp",
        "cniVersion": "1.0.0",
        "runtimeConfig": {"ips": ["10.1.0.2"]},
    }
    assert cni.config(parsed(), 1, ASKED, {"a": 1}) == {
        "type": "tuning",
        "name": "corp",
        "cniVersion": "1.0.0",
        "prevResult": {"a": 1},
    }
    assert cni.arguments(ASKED) == "IgnoreUnknown=1;MAC=02::"
    ports = [Port("tcp", "", 8080, 80), Port("udp", "::1", 53, 54)]
    assert cni.mappings(ports) == [
        {"hostPort": 8080, "containerPort": 80, "protocol": "tcp"},
        {"hostPort": 53, "containerPort": 54, "protocol": "udp", "hostIP": "::1"},
    ]


def test_it_is_read_as_it_was_written():
    """What detaching needs survives storing."""
    plugins = parsed(disableCheck=True)
    text = json.dumps(cni.encode(plugins, ASKED, {"ips": []})).encode()
    assert cni.decode(text) == (plugins, ASKED, {"ips": []})


INSIDE = {"name": "eth0", "mac": "02:00:00:00:00:01", "sandbox": "/n"}
V4 = {"address": "10.1.0.2/24", "gateway": "10.1.0.1"}


@pytest.mark.parametrize(
    ("result", "told"),
    [
        ({}, cni.Told((), ())),
        ({"ips": [V4]}, cni.Told(("10.1.0.2",), (Subnet("10.1.0.0/24", "10.1.0.1"),))),
        (
            {"interfaces": [{"name": "eth0"}, INSIDE], "ips": [{**V4, "interface": 1, "version": "4"}]},
            cni.Told(("10.1.0.2",), (Subnet("10.1.0.0/24", "10.1.0.1"),), INSIDE["mac"]),
        ),
        (
            {"interfaces": [{"name": "br0"}, INSIDE], "ips": [{**V4, "interface": 0}]},
            cni.Told((), (), INSIDE["mac"]),
        ),
        (
            {
                "ips": [{"address": "fd00::2/64"}, {"address": "10.1.0.2/32"}],
                "dns": {"nameservers": ["10.1.0.1"]},
            },
            cni.Told(
                ("10.1.0.2", "fd00::2"), (Subnet("10.1.0.2/32"), Subnet("fd00::/64")), dns=("10.1.0.1",)
            ),
        ),
    ],
)
def test_what_a_result_tells(result, told):
    """Only the container's own interface in a result counts, IPv4 first."""
    assert cni.told(result, "eth0") == told


@pytest.mark.parametrize(
    "result",
    [
        {"ips": [{"address": "x"}]},
        {"ips": [{}]},
        {"ips": [3]},
        {"interfaces": [3]},
        {"ips": [{**V4, "gateway": "x"}]},
        {"dns": 3},
        {"dns": {"nameservers": ["$(x)"]}},
    ],
)
def test_a_result_that_is_none(result):
    """An invalid result raises one of the expected errors."""
    with pytest.raises((ValueError, LookupError, TypeError, AttributeError)):
        cni.told(result, "eth0")


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (b'{"code": 7, "msg": "no", "details": "room"}', "no: room (code 7)"),
        (b'{"code": 7, "msg": "no"}', "no (code 7)"),
        (b"{}", ""),
        (b"panic", ""),
    ],
)
def test_a_failure_in_its_own_words(output, words):
    """A plugin's error message is returned if it has the specified format."""
    assert cni.failure(output) == words
