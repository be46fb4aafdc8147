# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from _engine.trees.sync import (
    CONTENT,
    CREATE,
    DELETE,
    DIRECTORY,
    FILE,
    GROUP,
    KEPT,
    KIND,
    MODE,
    OWNER,
    SPECIAL,
    SYMLINK,
    Attributes,
    Found,
    KindDiffers,
    Wanted,
    below,
    compare,
    memory,
    owned,
    settled,
    with_attributes,
    without_setuid,
)

OLD = Found(FILE, 0o640, 1, 2, 3)
CASES = {
    "not there": (memory(b"new"), None, (CREATE,)),
    "as it is": (memory(b"old"), OLD, ()),
    "another size": (memory(b"other"), OLD, (CONTENT,)),
    "another content": (memory(b"new"), OLD, (CONTENT,)),
    "owner, group and mode": (Wanted(FILE, 0o600, 5, 6, 3), OLD, (OWNER, GROUP, MODE)),
    "the same said outright": (Wanted(FILE, 0o640, 1, 2, 3), OLD, ()),
    "a symlink is there": (memory(b"old"), Found(SYMLINK, link="a"), (KIND,)),
    "a device is there": (memory(b"old"), Found(SPECIAL), (KIND,)),
    "another target": (Wanted(SYMLINK, link="b"), Found(SYMLINK, 0o777, link="a"), (CONTENT,)),
    "modes of symlinks mean nothing": (Wanted(SYMLINK, 0o1, link="a"), Found(SYMLINK, 0o777, link="a"), ()),
    "a directory as it is": (Wanted(DIRECTORY), Found(DIRECTORY, 0o700), ()),
    "mode of a directory": (Wanted(DIRECTORY, 0o755), Found(DIRECTORY, 0o700), (MODE,)),
}


@pytest.mark.parametrize(("wanted", "found", "what"), CASES.values(), ids=CASES)
def test_what_differs(wanted, found, what):
    """Only an attribute that is set and differs is a change."""
    changes = compare({"f": wanted}, {"f": found} if found else {}, lambda _path: CONTENT not in what)
    assert [change.what for change in changes] == ([what] if what else [])


def test_owner_alone_is_no_new_content():
    """A file with the right content and another owner is not rewritten."""
    (change,) = compare({"f": Wanted(FILE, uid=7, size=3)}, {"f": OLD}, lambda _path: True)
    assert change.what == (OWNER,)


@pytest.mark.parametrize(("wanted", "found"), [(DIRECTORY, FILE), (FILE, DIRECTORY), (DIRECTORY, SYMLINK)])
def test_directories_are_replaced_only_when_said(wanted, found):
    """A directory is replaced, or replaces something else, only with overwrite."""
    with pytest.raises(KindDiffers) as told:
        compare({"d": Wanted(wanted)}, {"d": Found(found)}, lambda _path: True)
    assert told.value.fields["path"] == "d"
    (change,) = compare({"d": Wanted(wanted)}, {"d": Found(found)}, lambda _path: True, overwrite=True)
    assert change.what == (KIND,)


def test_what_goes():
    """Unwanted entries are deleted, children first; kept ones and their parents stay."""
    found = {
        "a": Found(DIRECTORY),
        "a/x": OLD,
        "gone": Found(DIRECTORY),
        "gone/b": OLD,
        "kept": Found(DIRECTORY),
        "kept/deep": Found(DIRECTORY),
        "kept/deep/er": Found(KEPT),
        "kept/not": OLD,
    }
    changes = compare({"a": Wanted(DIRECTORY)}, found, lambda _path: True, delete=True)
    assert [change.path for change in changes] == ["kept/not", "gone/b", "gone", "a/x"]
    assert {change.what for change in changes} == {(DELETE,)}
    assert compare({"a": Wanted(DIRECTORY)}, found, lambda _path: True) == []


def test_a_directory_that_is_replaced_takes_all_with_it():
    """Entries below a directory that becomes a file are not listed separately."""
    found = {"a": Found(DIRECTORY), "a/x": OLD}
    changes = compare({"a": memory(b"")}, found, lambda _path: True, delete=True, overwrite=True)
    assert [(change.path, change.what) for change in changes] == [("a", (KIND,))]


def test_parents_come_first():
    """A directory comes before its entries, whatever other names sort between."""
    tree = below({"a-b": memory(b""), "a/b": memory(b""), "a": Wanted(DIRECTORY)}, "")
    assert [change.path for change in compare(tree, {}, lambda _path: True)] == ["a", "a/b", "a-b"]


def test_a_tree_elsewhere():
    """A tree below a directory includes the parents, which keep their attributes."""
    assert below({"c": memory(b"")}, "a/b").keys() == {"a", "a/b", "a/b/c"}
    assert below({"c": memory(b"")}, "a/b")["a"] == Wanted(DIRECTORY)


def test_attributes_of_a_task():
    """A task's owner and mode override the source's, with separate modes for files and directories."""
    tree = {"d": Wanted(DIRECTORY, 0o700, 1, 1), "f": Wanted(FILE, 0o600, 1, 1)}
    got = with_attributes(tree, Attributes(uid=5, mode=0o644))
    assert got == {"d": Wanted(DIRECTORY, 0o700, 5, 1), "f": Wanted(FILE, 0o644, 5, 1)}


def test_owners_of_what_is_new():
    """With ``owned``, existing entries keep their owners, and new ones get the given owners."""
    (wanted,) = owned({"f": Wanted(FILE, 0o600, 1, 1, 3)}, 7, 8).values()
    assert compare({"f": wanted}, {"f": Found(FILE, 0o600, 3, 3, 3)}, lambda _path: True) == []
    assert settled(wanted, None, (CREATE,)).uid == 7
    assert settled(wanted, Found(FILE, 0o600, 3, 4, 3), (CONTENT,)).gid == 4


@pytest.mark.parametrize(
    ("found", "what", "settled_as"),
    [
        (None, (CREATE,), (0, 0, 0o644)),
        (OLD, (CONTENT,), (1, 2, 0o640)),
        (Found(SYMLINK, 0o777, 8, 8), (KIND,), (0, 0, 0o644)),
    ],
)
def test_what_is_left_open(found, what, settled_as):
    """A rewritten file keeps its owner and mode; a new one gets the defaults."""
    got = settled(memory(b""), found, what)
    assert (got.uid, got.gid, got.mode) == settled_as


def test_setuid_is_left_behind():
    """Setuid and setgid are removed from modes, and nothing else; an unset mode stays unset."""
    tree = {"a": Wanted(FILE, mode=0o6755), "b": Wanted(DIRECTORY, usual_mode=0o3777), "c": Wanted(SYMLINK)}
    plain = without_setuid(tree)
    assert [(one.mode, one.usual_mode) for one in plain.values()] == [
        (0o755, None),
        (None, 0o1777),
        (None, None),
    ]
