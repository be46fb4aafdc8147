# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from _engine.errors import InvalidOption
from _engine.runtime.users import ResolvedUser, resolve

PASSWD = """\
root:x:0:0:root:/root:/bin/sh
app:x:1000:1001:App:/home/app:/bin/sh
bare:x:1002:1002::
77:x:78:78:a name of digits:/n:
broken line
:x:5:5::/:
neg:x:-1:0::/:
"""
GROUP = """\
root:x:0:
wheel:x:10:app,root
extra:x:2000:app, other
nomembers:x:30
"""

CASES = {
    # what is asked, groups to add: uid, gid, groups, home, name
    "nothing": (None, (), (0, 0, (10,), "/root", "root")),
    "empty": ("", (), (0, 0, (10,), "/root", "root")),
    "name": ("app", (), (1000, 1001, (1001, 10, 2000), "/home/app", "app")),
    "known number": ("1000", (), (1000, 1001, (1001, 10, 2000), "/home/app", "app")),
    "unknown number": ("4242", (), (4242, 0, (0,), "/", None)),
    "name and group": ("app:extra", (), (1000, 2000, (2000,), "/home/app", "app")),
    "numbers": ("1000:2000", (), (1000, 2000, (2000,), "/home/app", "app")),
    "unknown numbers": ("4242:4343", (), (4242, 4343, (4343,), "/", None)),
    "group alone": (":extra", (), (0, 2000, (2000,), "/root", "root")),
    "empty group": ("app:", (), (1000, 1001, (1001,), "/home/app", "app")),
    "no home": ("bare", (), (1002, 1002, (1002,), "/", "bare")),
    "name of digits": ("77", (), (78, 78, (78,), "/n", "77")),
    "added": ("app", ("root", "55"), (1000, 1001, (1001, 10, 2000, 0, 55), "/home/app", "app")),
    "added twice": ("app:10", ("wheel", "10"), (1000, 10, (10,), "/home/app", "app")),
    "added to root": (None, ("extra",), (0, 0, (10, 2000), "/root", "root")),
    "group without members": (None, ("nomembers",), (0, 0, (10, 30), "/root", "root")),
}


@pytest.mark.parametrize("case", CASES)
def test_resolve(case):
    """A user is resolved as podman does it."""
    user, added, wanted = CASES[case]
    assert resolve(user, added, passwd=PASSWD, group=GROUP) == ResolvedUser(*wanted)


def test_image_without_files():
    """An image without passwd and group has root and every number."""
    assert resolve(None, (), passwd="", group="") == ResolvedUser(0, 0, (), "/", None)
    assert resolve("5:6", ("7",), passwd="", group="") == ResolvedUser(5, 6, (6, 7), "/", None)


@pytest.mark.parametrize(
    ("user", "added", "option", "hint"),
    [
        ("ap", (), "user", "app"),
        ("zzz", (), "user", "number"),
        ("app:extr", (), "user", "extra"),
        ("-1", (), "user", "number"),
        ("2147483648", (), "user", "number"),
        ("app", ("whel",), "group_add", "wheel"),
        ("neg", (), "user", "number"),
    ],
)
def test_unknown_names_are_refused(user, added, option, hint):
    """A name that the image doesn't have is an error that names the option and what is near."""
    with pytest.raises(InvalidOption) as caught:
        resolve(user, added, passwd=PASSWD, group=GROUP)
    assert caught.value.fields["option"] == option
    assert hint in caught.value.remedy
