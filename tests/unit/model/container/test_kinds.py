# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of values: parsing, refusals, and JSON."""

from __future__ import annotations

import json

import pytest

from _engine.errors import InvalidOption
from _engine.model.container import kinds
from _engine.model.container.limits import Device

GOOD = [
    ("TEXT", 1000, "1000"),
    ("TEXT", "", ""),
    ("BOOL", False, False),
    ("HOSTNAME", "db-1.example_x", "db-1.example_x"),
    ("HOSTNAME", "a" * 64, "a" * 64),
    ("HOSTNAME", "", ""),
    ("PATH", "//srv/", "/srv"),
    ("COMMAND", "sh -c 'echo \"a  b\"'", ("sh", "-c", 'echo "a  b"')),
    ("COMMAND", "", ()),
    ("COMMAND", ["a b", "", 1], ("a b", "", "1")),
    ("ENTRYPOINT", "/bin/sh -c", ("/bin/sh -c",)),
    ("ENTRYPOINT", '["/bin/sh","-c"]', ("/bin/sh", "-c")),
    ("ENTRYPOINT", "[]", ()),
    ("ENTRYPOINT", [], ()),
    ("ENTRYPOINT", "", ()),
    ("ENTRYPOINT", "[a", ("[a",)),
    ("ENTRYPOINT", '{"a": 1}', ('{"a": 1}',)),
    ("ENTRYPOINT", "5", ("5",)),
    ("PATHS", ["/a/", "/b"], ("/a", "/b")),
    ("TEXT_SET", ["b", "a", "b", 5], ("5", "a", "b")),
    ("CAPABILITIES", ["sys_time", "CHOWN", "cap_chown"], ("CAP_CHOWN", "CAP_SYS_TIME")),
    ("SECURITY", ["label:disable"], ("label=disable",)),
    ("SECURITY", ["label=type:x_t"], ("label=type:x_t",)),
    ("SECURITY", ["seccomp:/a=b:c.json"], ("seccomp=/a=b:c.json",)),
    ("SECURITY", ["no-new-privileges:true", "no-new-privileges"], ("no-new-privileges",)),
    ("SECURITY", ["no-new-privileges=false"], ("no-new-privileges=false",)),
    ("SECURITY", ["unmask=ALL", "mask=/proc/a:/proc/b"], ("mask=/proc/a:/proc/b", "unmask=ALL")),
    (
        "TEXTS",
        {"A": 1, "b": True, "c": 1.5, 5: "", "\u00fc": "\u65e5"},
        {"A": "1", "b": "True", "c": "1.5", "5": "", "\u00fc": "\u65e5"},
    ),
    ("TEXTS", {"A B": "a=b=c"}, {"A B": "a=b=c"}),
    (
        "SYSCTL",
        {"net.core.somaxconn": 5, "kernel.sem": "1 2 3 4"},
        {"net.core.somaxconn": "5", "kernel.sem": "1 2 3 4"},
    ),
    ("SYSCTL", {"net/ipv4/conf/eth0.5/forwarding": 1}, {"net/ipv4/conf/eth0.5/forwarding": "1"}),
    (
        "SYSCTL",
        {"fs.mqueue.msg_max": 1, "kernel.shm_rmid_forced": 0},
        {"fs.mqueue.msg_max": "1", "kernel.shm_rmid_forced": "0"},
    ),
    (
        "LOG_OPTIONS",
        {"max_size": "1.5m", "path": "//a/b.log", "tag": None},
        {"max_size": "1572864", "path": "/a/b.log"},
    ),
    ("LOG_DRIVER", "json-file", "k8s-file"),
    ("LOG_DRIVER", "k8s-file", "k8s-file"),
    ("LOG_DRIVER", "journald", "journald"),
    ("LOG_OPTIONS", {"tag": "a-{{.Name}}"}, {"tag": "a-{{.Name}}"}),
    ("NETWORKS", ["host"], ("host",)),
    ("ULIMITS", ["nofile=1:2", "core=-1", "nofile=1:2"], {"nofile": (1, 2), "core": (-1, -1)}),
    ("DEVICES", ["/dev/a:/dev/b:r"], {"/dev/b": Device("/dev/a", "/dev/b", "r")}),
]


@pytest.mark.parametrize(("kind", "raw", "value"), GOOD)
def test_a_value_is_read_and_survives_storing(kind, raw, value):
    """A raw value becomes its canonical form, which survives JSON."""
    kind = getattr(kinds, kind)
    assert kind.parse("option", raw) == value
    assert kind.decode(json.loads(json.dumps(kind.encode(value)))) == value


#: The kind, the raw value, and what the error names if that is not the option itself.
BAD = [
    ("TEXT", None, ""),
    ("TEXT", "a\0", ""),
    ("BOOL", "yes", ""),
    ("BOOL", 1, ""),
    ("PATH", "a", ""),
    *(
        ("HOSTNAME", name, "")
        for name in ("a b", "a/b", "-a", ".a", "\u00fc", "a" * 65, "a\nb", "a\n", "127.0.0.1 evil")
    ),
    ("COMMAND", "sh -c 'x", ""),
    ("COMMAND", 5, ""),
    ("COMMAND", {"a": 1}, ""),
    ("COMMAND", ["a", None], ""),
    ("COMMAND", ["a", ["b"]], ""),
    ("COMMAND", "a\0b", ""),
    ("ENTRYPOINT", '["a", null]', ""),
    ("ENTRYPOINT", 5, ""),
    ("ENTRYPOINT", "a\0b", ""),
    ("PATHS", ["/a", "b"], ""),
    ("TEXT_SET", ["a", None], ""),
    ("CAPABILITIES", ["CHOWN", "nope"], ""),
    *(
        ("SECURITY", [word], "")
        for word in ("", "foo=bar", "seccomp", "seccomp=", "no-new-privileges=no", "LABEL=disable", "=x")
    ),
    ("TEXTS", ["a=b"], ""),
    ("TEXTS", "a=b", ""),
    ("TEXTS", {"": "x"}, ""),
    ("TEXTS", {"a=b": "x"}, ""),
    ("TEXTS", {"a\0": "x"}, ""),
    ("TEXTS", {"a": None}, "option.a"),
    ("TEXTS", {"a": {"b": 1}}, "option.a"),
    ("TEXTS", {"a": ["b"]}, "option.a"),
    ("TEXTS", {"a": "\0"}, "option.a"),
    *(
        ("SYSCTL", {key: "1"}, "")
        for key in (
            "",
            "foo",
            "/net/core",
            "net",
            "net.",
            "net..x",
            "net/../kernel/x",
            "kernel.hostname",
            "vm.swappiness",
            "fs.file-max",
            "kernel.semx",
            "xnet.a",
        )
    ),
    ("SYSCTL", {"net.a": None}, "option.net.a"),
    *(
        ("LOG_OPTIONS", {"tag": tag}, "option.tag")
        for tag in ("", "a\nb", "{{.Nome}}", "{{Name}}", "{{.Name")
    ),
    ("LOG_OPTIONS", {"max_size": "-1"}, "option.max_size"),
    ("LOG_OPTIONS", {"path": "a.log"}, "option.path"),
    ("LOG_DRIVER", "passthrough", ""),
    ("LOG_DRIVER", "none", ""),
    ("NETWORKS", ["host", "none"], ""),
    ("NETWORKS", [None], ""),
    ("ULIMITS", ["nofile=1", "nofile=2"], ""),
    ("DEVICES", ["/dev/a:/dev/x", "/dev/b:/dev/x"], ""),
    ("DEVICES", ["/dev/a:/dev/x", "/dev/a:/dev/x:r"], ""),
]


@pytest.mark.parametrize(("kind", "raw", "names"), BAD)
def test_a_wrong_value_is_refused(refused, kind, raw, names):
    """The error has the option, in a mapping the key, and the remedy."""
    refused(getattr(kinds, kind).parse, "option", raw, names=names, error=InvalidOption)
