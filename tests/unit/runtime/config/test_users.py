# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from _engine.errors import InvalidOption
from _engine.runtime.config.users import ResolvedUser, find_gid, find_uid, missing_entries, resolve

PASSWD = """\
root:x:0:0:root:/root:/bin/sh
app:x:1000:1001:App:/home/app:/bin/sh
bare:x:1002:1002::
77:x:78:78:a name of digits:/n:
6:x:0:0:root by another name:/root:
broken line
:x:5:5::/:
neg:x:-1:0::/:
"""
GROUP = """\
root:x:0:
wheel:x:10:app,root
extra:x:2000:app, other
nomembers:x:30
10:x:0:app
"""

CASES = {
    # user, group_add: uid, gid, groups, home, name
    "nothing": (None, (), (0, 0, (10,), "/root", "root")),
    "empty": ("", (), (0, 0, (10,), "/root", "root")),
    "name": ("app", (), (1000, 1001, (1001, 10, 2000, 0), "/home/app", "app")),
    "known number": ("1000", (), (1000, 1001, (1001, 10, 2000, 0), "/home/app", "app")),
    "unknown number": ("4242", (), (4242, 0, (0,), "/", None)),
    "name and group": ("app:extra", (), (1000, 2000, (2000,), "/home/app", "app")),
    "numbers": ("1000:2000", (), (1000, 2000, (2000,), "/home/app", "app")),
    "unknown numbers": ("4242:4343", (), (4242, 4343, (4343,), "/", None)),
    "group alone": (":extra", (), (0, 2000, (2000,), "/root", "root")),
    "empty group": ("app:", (), (1000, 1001, (1001,), "/home/app", "app")),
    "no home": ("bare", (), (1002, 1002, (1002,), "/", "bare")),
    "id that is an account's name": ("77", (), (77, 0, (0,), "/", None)),
    "id of an account named by digits": ("78", (), (78, 78, (78,), "/n", "77")),
    "root that is named by digits": ("6:55", (), (6, 55, (55,), "/", None)),
    "zeros before it": ("0077", (), (77, 0, (0,), "/", None)),
    "id that is a group's name": ("5:10", ("10",), (5, 10, (10,), "/", None)),
    "added": ("app", ("root", "55"), (1000, 1001, (1001, 10, 2000, 0, 55), "/home/app", "app")),
    "added twice": ("app:10", ("wheel", "10"), (1000, 10, (10,), "/home/app", "app")),
    "added to root": (None, ("extra",), (0, 0, (10, 2000), "/root", "root")),
    "group without members": (None, ("nomembers",), (0, 0, (10, 30), "/root", "root")),
}


@pytest.mark.parametrize("case", CASES)
def test_resolve(case):
    """A user is resolved as in podman."""
    user, added, wanted = CASES[case]
    assert resolve(user, added, passwd=PASSWD, group=GROUP) == ResolvedUser(*wanted)


#: Groups whose names are other groups' IDs: runc picks the first with the number as its ID or as its name.
DIGITS = "root:x:0:\n55:x:0:\nstaff:x:55:app\napp:x:66:app\n66:x:0:\n"


def test_a_group_that_runc_would_take_for_another():
    """A GID that an earlier group has as its name is skipped, and can't be added."""
    for user, groups in {
        "1000:55": (),
        "1000:66": (66,),
        "1000:77": (77,),
        "app": (1001, 66),
        "0": (0,),
    }.items():
        assert (user, resolve(user, (), passwd=PASSWD, group=DIGITS).groups) == (user, groups)
    assert resolve("5:6", ("66", "app"), passwd=PASSWD, group=DIGITS).groups == (6, 66)
    for name in ("55", "staff"):
        with pytest.raises(InvalidOption, match="but runc would use ID 0, whose group is named '55'"):
            resolve("5", (name,), passwd=PASSWD, group=DIGITS)


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
        ("2147483648", (), "user", "from 0 to 2147483647"),
        ("4294967295", (), "user", "from 0 to 2147483647"),
        ("9" * 5000, (), "user", "from 0 to 2147483647"),
        ("5:4294967295", (), "user", "from 0 to 2147483647"),
        ("5", ("4294967296",), "group_add", "from 0 to 2147483647"),
        ("app", ("whel",), "group_add", "wheel"),
        ("neg", (), "user", "number"),
    ],
)
def test_unknown_names_are_refused(user, added, option, hint):
    """The error for a name that the image lacks names the option and similar names."""
    with pytest.raises(InvalidOption) as caught:
        resolve(user, added, passwd=PASSWD, group=GROUP)
    assert caught.value.fields["option"] == option
    assert hint in caught.value.remedy


def test_entries_with_endless_numbers():
    """Huge numbers in account files, which a container can write, are no valid entries."""
    line = f"far:x:{'9' * 5000}:0::/:\n"
    with pytest.raises(InvalidOption):
        resolve("far", (), passwd=line, group=line)


def test_owners_of_files():
    """A number is an ID, even if an account has that name, up to the kernel's maximum."""
    assert find_uid("owner", "77", passwd=PASSWD) == 77
    assert find_uid("owner", "app", passwd=PASSWD) == 1000
    assert find_uid("owner", "4294967294", passwd=PASSWD) == 4294967294
    assert find_gid("group", "10", group=GROUP) == 10
    for find in (
        lambda word: find_uid("owner", word, passwd=PASSWD),
        lambda word: find_gid("group", word, group=GROUP),
    ):
        with pytest.raises(InvalidOption, match="too large"):
            find("4294967295")


@pytest.mark.parametrize(
    ("user", "workdir", "lines"),
    [
        # as podman 4.3.1 writes them
        ("5555", "/tmp", ("5555:*:5555:0:container user:/tmp:/bin/sh\n", "5555:x:5555:5555\n")),
        ("5555:66", "/", ("5555:*:5555:66:container user:/:/bin/sh\n", "66:x:66:5555\n")),
        ("5555:extra", "/", ("5555:*:5555:2000:container user:/:/bin/sh\n", "")),
        ("app:66", "/", ("", "66:x:66:app\n")),
        ("1000", "/", ("", "1000:x:1000:1000\n")),
        ("0:99", "/", ("", "99:x:99:0\n")),
        ("1000:10", "/", ("", "")),
        ("77:30", "/", ("", "")),  # an account has that name: a second line with it would be invalid
        ("app", "/", ("", "")),
        ("", "/", ("", "")),
        ("5555:30", "/a:b\n0:0", ("5555:*:5555:30:container user:/:/bin/sh\n", "")),
    ],
)
def test_missing_entries(user, workdir, lines):
    """A numeric user or group without an entry gets a line, as in podman."""
    assert missing_entries(user, workdir, passwd=PASSWD, group=GROUP) == lines
