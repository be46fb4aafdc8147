# SPDX-License-Identifier: GPL-3.0-or-later
"""Mounts that only their creator sees."""

from __future__ import annotations

import pytest

from _engine.kernel import mountinfo, mounts
from _engine.kernel.private_mounts import apart

#: Systemd's propagation, in a namespace of the test: the test must not change the machine's mounts.
SHARED = ("unshare", "--mount", "--propagation", "shared")

SEEN = """
import os, sys
from _engine.kernel import mountinfo, mounts
from _engine.kernel.private_mounts import apart

place, here = sys.argv[1], os.getcwd()

def act():
    mounts.tmpfs(place, size=1 << 20, mode=0o700)
    open(f"{place}/file", "w").close()
    os.chdir(place)
    print(mountinfo.at(place))
    return os.open(place, os.O_RDONLY | os.O_DIRECTORY)

fd = apart(act)
print(os.listdir(fd), os.listdir(place), os.getcwd() == here, mountinfo.below(place))
"""

KILLED = """
import os, subprocess, sys
from _engine.kernel import mountinfo, mounts
from _engine.kernel.private_mounts import apart

def act():
    mounts.tmpfs(sys.argv[1], size=1 << 20, mode=0o700)
    os.kill(os.getpid(), 9)

pid = os.fork()
if pid == 0:
    apart(act)
print(os.waitpid(pid, 0)[1], mountinfo.below(sys.argv[1]))
"""


def test_nobody_else_sees_it(place, python):
    """No other process sees the mount, although mounts are shared, and a descriptor keeps it."""
    assert python(SEEN, place, wrapper=SHARED).splitlines() == ["None", "['file'] [] True ()"]


def test_a_kill_leaves_nothing(place, python):
    """A kill while something is mounted leaves nothing mounted."""
    assert python(KILLED, place, wrapper=SHARED) == "9 ()"


def test_an_error_comes_through(place):
    """An exception of act is raised here, and nothing stays mounted."""

    def act() -> None:
        mounts.tmpfs(str(place), size=1 << 20, mode=0o700)
        raise FileNotFoundError(2, "gone", "x")

    with pytest.raises(FileNotFoundError, match="gone"):
        apart(act)
    assert mountinfo.below(str(place)) == ()
