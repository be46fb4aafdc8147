# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input and an unsuitable host cause a clear error and no change."""

from __future__ import annotations

from pathlib import Path

import pytest

from _engine.agent.install import exit_command
from _engine.errors import HostLacks, InvalidOption, LockTimeout, NotFound, RuntimeFailed, StateCorrupt
from _engine.frozen import replace
from _engine.lifecycle.converge.container import converge
from _engine.lifecycle.converge.request import Request

SLEEP = ("sleep", "1000")
#: Options, settings of the engine, the error, and words that it must contain: what, which, what to do.
REFUSED = {
    "no bind source": (
        {"volume": ["/nosuch/source:/x"]},
        {},
        InvalidOption,
        ("volume", "/nosuch/source", "Create it"),
    ),
    "no user": ({"user": "nosuch"}, {}, InvalidOption, ("user", "nosuch")),
    "no group": ({"user": "app:nosuch"}, {}, InvalidOption, ("user", "nosuch")),
    "no group to add": ({"group_add": ["nosuch"]}, {}, InvalidOption, ("group_add", "nosuch")),
    "no image": (
        {"image": "localhost/bux:1"},
        {},
        NotFound,
        ("localhost/bux:1", "near: localhost/box:1", "image_load"),
    ),
    "no directory": ({"image": "/nosuch", "rootfs": True}, {}, InvalidOption, ("image", "/nosuch", "rootfs")),
    "no device": ({"device": ["/dev/nosuch"]}, {}, InvalidOption, ("device", "/dev/nosuch")),
    "no profile": (
        {"security_opt": ["seccomp=/nosuch.json"]},
        {},
        InvalidOption,
        ("security_opt", "/nosuch.json"),
    ),
    "no AppArmor profile": (
        {"security_opt": ["apparmor=nosuch"]},
        {},
        InvalidOption,
        ("security_opt", "apparmor=nosuch"),
    ),
    "no place for the log": (
        {"log_opt": {"path": "/nosuch/log"}},
        {},
        InvalidOption,
        ("log_opt", "/nosuch/log", "Create the directory"),
    ),
    "no runtime": ({}, {"runtime": "nosuch"}, HostLacks, ("nosuch", "slipway.oci.host")),
    "no conmon": ({}, {"conmon": "/nosuch/conmon"}, HostLacks, ("conmon", "slipway.oci.host")),
}


@pytest.mark.parametrize("there", [False, True], ids=["fresh", "running"])
@pytest.mark.parametrize("case", REFUSED)
def test_refused(host, case, there):
    """An impossible request is refused with option, value and remedy, and changes nothing."""
    options, settings, error, words = REFUSED[case]
    if there:
        host.start(*SLEEP, env={"OLD": "1"})
    before = host.picture()
    foreseen = host.foreseen("started", *SLEEP, **options, settings=settings)
    assert [word for word in words if word not in foreseen] == []
    assert host.picture() == before
    with pytest.raises(error) as caught:
        host.want("started", *SLEEP, **options, settings=settings)
    assert [word for word in words if word not in str(caught.value)] == []
    assert host.picture() == before


def test_what_is_only_created_needs_no_program(host):
    """A container for data may name a missing program; its start is refused with an explanation and 127."""
    host.want("created", "/nosuch")
    with pytest.raises(RuntimeFailed, match="command: '/nosuch' is not in image localhost/box:1") as caught:
        host.want("started", "/nosuch")
    assert caught.value.fields["rc"] == 127
    with pytest.raises(InvalidOption, match="command: '/other' is not in image"):
        host.want("started", "/other")
    assert host.record().spec.command == ("/nosuch",)


#: Holds the lock of a name until its standard input ends.
HOLDER = """
import sys
from pathlib import Path
from enginehost import Host
with Host(Path(sys.argv[1]), *sys.argv[2:]).open() as engine, engine.lock_name("box", "a long test"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_held_lock(host, python_child):
    """A task waits for another on the same container, then reports who holds the lock and why."""
    with python_child(HOLDER, host.top, host.runtime, host.image) as holder:
        assert holder.stdout.readline() == "held\n"
        before = host.picture()
        request = Request("box", "started", host.spec(*SLEEP))
        with host.open() as engine, pytest.raises(LockTimeout, match="a long test") as caught:
            converge(replace(engine, lock_timeout=0.2), request, exit_command)
        assert caught.value.fields["holder"] == holder.pid
        assert str(holder.pid) in str(caught.value)
        assert host.picture() == before
        assert host.want("started", *SLEEP, settings={"read_only": True}).actions == (
            "created box",
            "started box",
        )
        holder.stdin.close()
        holder.wait(30)
    assert host.want("started", *SLEEP).actions == ("created box", "started box")


@pytest.mark.parametrize("read_only", [False, True])
def test_corrupt_database(empty_host, read_only):
    """An unreadable database is reported with the remedy, and nothing is done, not even to the database."""
    database = Path(empty_host.layout.database)
    good = database.read_bytes()
    database.write_bytes(b"no database" * 1000)
    with pytest.raises(StateCorrupt, match="store rebuild"):
        empty_host.want("started", *SLEEP, settings={"read_only": read_only})
    assert database.read_bytes() == b"no database" * 1000
    database.write_bytes(good)


def test_state_by_id(host):
    """A task that only sets a state accepts a container's full id, and its first 12 digits."""
    whole = host.start("sleep", "1000", stop_timeout=0)["Id"]
    assert host.bring(whole[:12], "stopped").actions == ("stopped box",)
    assert host.bring(whole[:11], "absent").actions == ()
    assert host.bring(whole, "absent").actions == ("removed box",)
    assert host.inspect() == {}
