# SPDX-License-Identifier: GPL-3.0-or-later
"""A numeric user has a name, a group and a home in the container, as with podman."""

from __future__ import annotations

from pathlib import Path

import pytest

from _engine.lifecycle.files.diff import changed_paths
from dockerarchive import Link, layer

SLEEP = ("sleep", "1000")
SAYS = ("sh", "-c", "id; echo HOME=$HOME; exec sleep 1000")
LINE = "5555:*:5555:0:container user:/tmp:/bin/sh\n"


def text(shape, path: str) -> str:
    """Return the content of a file in the running container."""
    return Path(f"/proc/{shape['State']['Pid']}/root{path}").read_text()


@pytest.fixture
def cut(built, busybox) -> str:
    """Return an image whose passwd lacks the final newline, and that has no group."""
    files = {"etc/passwd": b"root:x:0:0:root:/root:/bin/sh", "etc/.wh.group": b""}
    return built("localhost/cut:1", busybox, layer(files), User="5555", WorkingDir="/tmp")


def test_lines_and_home(host, cut):
    """The image's user gets the entries once, over several starts; HOME is set from the first start on."""
    shape = host.start(*SAYS, image=cut, stop_timeout=0)
    host.said("uid=5555(5555) gid=0 groups=0")
    host.said("HOME=/tmp")
    host.bring("box", "stopped")
    shape = host.start(*SAYS, image=cut, stop_timeout=0)
    assert text(shape, "/etc/passwd") == "root:x:0:0:root:/root:/bin/sh\n" + LINE
    assert text(shape, "/etc/group") == "5555:x:5555:5555\n"
    assert Path(f"/proc/{shape['State']['Pid']}/root/etc/group").stat().st_mode & 0o777 == 0o644
    with host.open() as engine:
        assert {"/etc/passwd", "/etc/group"} <= {change.path for change in changed_paths(engine, "box")}


def test_read_only(host):
    """A read-only container has files with the entries mounted over its own, and can't write to them."""
    shape = host.start(*SAYS, user="5555", workdir="/tmp", read_only=True, stop_timeout=0)
    host.said("HOME=/tmp")
    assert text(shape, "/etc/passwd").endswith(LINE)
    assert "5555:x:5555:5555\n" in text(shape, "/etc/group")


def test_known_users_change_nothing(host):
    """Names, and numbers that have an entry, leave the container's layer unchanged."""
    for user, home in (("app", "/home/app"), ("1000:2000", "/home/app")):
        host.start(*SAYS, user=user, stop_timeout=0, recreate=True)
        host.said(f"HOME={home}")
        with host.open() as engine:
            changed = {change.path for change in changed_paths(engine, "box")}
        assert not changed & {"/etc/passwd", "/etc/group"}


def test_files_of_others_are_left_alone(host, built, busybox, tmp_path):
    """Files that the task mounts, and targets of symlinks outside or to kernel files, are not written."""
    mine = tmp_path / "passwd"
    mine.write_text("root:x:0:0::/:/bin/sh\n")
    host.start(*SLEEP, user="5555", volume=[f"{mine}:/etc/passwd"], stop_timeout=0)
    assert mine.read_text() == "root:x:0:0::/:/bin/sh\n"
    odd = layer({"etc/.wh.passwd": b"", "etc/.wh.group": b""})
    links = layer({"etc/passwd": Link("/proc/version"), "etc/group": Link("../../../../not/there")})
    image = built("localhost/odd-accounts:1", busybox, odd, links)
    host.start(*SAYS, image=image, user="5555", stop_timeout=0)
    host.said("HOME=/")


def test_user_namespace(passable_host):
    """In a user namespace, the files belong to the container's root, like all of its files."""
    options = {"uidmap": ["0:200000:10000"], "gidmap": ["0:200000:10000"]}
    shape = passable_host.start(*SLEEP, user="5555", workdir="/tmp", stop_timeout=0, **options)
    assert text(shape, "/etc/passwd").endswith(LINE)
    assert Path(f"/proc/{shape['State']['Pid']}/root/etc/passwd").stat().st_uid == 200000


def test_a_number_is_no_name(host, built, busybox):
    """A group's number means that id only, even if another group has it as its name; for start and exec."""
    image = built("localhost/digits:1", busybox, layer({"etc/group": b"root:x:0:\n55:x:0:\n"}))
    shape = host.start(*SLEEP, image=image, user="1000:55", stop_timeout=0)
    entered = host.agent("exec", "box", "cat", "/proc/self/status").stdout
    for status in (Path(f"/proc/{shape['State']['Pid']}/status").read_text(), entered):
        found = dict(line.split(":", 1) for line in status.splitlines())
        assert (found["Gid"].split(), found["Groups"].split()) == (["55"] * 4, [])
