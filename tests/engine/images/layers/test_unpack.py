# SPDX-License-Identifier: GPL-3.0-or-later
"""Unpacked entries, in cases where podman differs or fails."""

from __future__ import annotations

import os
import stat
import struct
import subprocess
import tarfile

import pytest

from _engine.errors import ArchiveBroken, HostLacks
from _engine.images.archive.open import open_archive
from _engine.images.layers.store import LayerStore
from _engine.kernel import libc, mounts

LINK = {"type": tarfile.LNKTYPE}
SYMLINK = {"type": tarfile.SYMTYPE}
ROOT = ("./", {"mode": 0o711})
ACL = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHI", *item)
    for item in ((1, 7, 2**32 - 1), (2, 7, 1234), (4, 5, 2**32 - 1), (16, 7, 2**32 - 1), (32, 5, 2**32 - 1))
)


@pytest.fixture
def unpacked(archives, ours, tmp_path):
    """Return a function that unpacks layers and yields a mount of them."""

    def unpacked(*layers):
        return ours(archives.docker(tmp_path / "image.tar", [archives.layer(*layer) for layer in layers]))

    return unpacked


def kinds(tree):
    """Return the kinds of all entries: d, f, l; files with their size."""
    letters = {stat.S_IFDIR: "d", stat.S_IFLNK: "l"}
    found = {
        os.fsdecode(name): (int(entry["mode"], 8), entry["content"]) for name, entry in tree.items() if name
    }
    return {name: letters.get(stat.S_IFMT(mode)) or content[0] for name, (mode, content) in found.items()}


REPLACED = {
    "file by file": ([("a", {"data": b"long"}), ("a", {"data": b"1"})], {"a": 1}),
    "file by directory": ([("a", {}), ("a/", {}), ("a/b", {})], {"a": "d", "a/b": 0}),
    "directory by file": ([("a/", {}), ("a/b/", {}), ("a/b/c", {}), ("a", {"data": b"1"})], {"a": 1}),
    "directory by itself": ([("a/", {}), ("a/b", {}), ("a/", {})], {"a": "d", "a/b": 0}),
    "link by directory": (
        [("b/", {}), ("a", {**SYMLINK, "linkname": "b"}), ("a/x", {}), ("a/", {}), ("a/y", {})],
        {"a": "d", "a/y": 0, "b": "d", "b/x": 0},
    ),
    "directory by a link to nothing": (
        [("a/", {}), ("a/b", {}), ("a", {**SYMLINK, "linkname": "nosuch"})],
        {"a": "l"},
    ),
    "file by hard link": (
        [("a", {"data": b"1"}), ("b", {}), ("b", {**LINK, "linkname": "a"})],
        {"a": 1, "b": 1},
    ),
    "file by a hard link to itself": ([("a", {"data": b"1"}), ("a", {**LINK, "linkname": "a"})], {"a": 1}),
    "directory, later a link, that was a parent": (
        [("a/b/", {}), ("a/b/c", {}), ("a", {**SYMLINK, "linkname": "d"}), ("d/b/", {}), ("a/b/e", {})],
        {"a": "l", "d": "d", "d/b": "d", "d/b/e": 0},
    ),
}


@pytest.mark.parametrize("case", REPLACED)
def test_later_entry_replaces(case, unpacked, listing):
    """The last of several entries with one name counts."""
    entries, expected = REPLACED[case]
    with unpacked([ROOT, *entries]) as top:
        assert kinds(listing(top)) == expected


def test_root(unpacked, listing):
    """The root has the owner, mode and time of its entry, else those of the layer below, else root's 0755."""
    listed = ("./", {"mode": 0o2751, "uid": 5, "gid": 6, "mtime": 77})
    for layers, expected in (
        ([[listed, ("a", {})]], (0o42751, 5, 6, 77)),
        ([[listed, ("a", {})], [("b", {})]], (0o42751, 5, 6, 77)),
        ([[("a", {})]], (0o40755, 0, 0, 0)),
    ):
        with unpacked(*layers) as top:
            found = os.stat(top)
        assert (found.st_mode, found.st_uid, found.st_gid, found.st_mtime) == expected


def test_implied_directory(unpacked, listing):
    """A directory that a layer implies keeps all metadata of the layer below, also through whiteouts."""
    attributes = {"pax_headers": {"SCHILY.xattr.user.note": "kept"}, "uid": 5, "gid": 6, "mtime": 42}
    lowest = [
        ROOT,
        ("a/", {"mode": 0o1750, **attributes}),
        ("a/b/", {"mode": 0o700, **attributes}),
        ("hidden/", {"mode": 0o700, **attributes}),
        ("opaque/", {"mode": 0o700, **attributes}),
        ("opaque/below/", {"mode": 0o700, **attributes}),
        ("file/", {"mode": 0o700}),
    ]
    middle = [ROOT, ("a/b/c", {}), (".wh.file", {})]
    top = [
        ROOT,
        ("a/b/d", {}),
        (".wh.hidden", {}),
        ("hidden/x", {}),
        ("opaque/.wh..wh..opq", {}),
        ("opaque/below/x", {}),
        ("file/x", {}),
        ("new/x", {}),
    ]
    with unpacked(lowest, middle, top) as merged:
        tree = listing(merged)
    found = {os.fsdecode(name): entry for name, entry in tree.items()}
    kept = {"owner": (5, 6), "mtime": 42 * 10**9, "xattrs": {"user.note": b"kept"}}
    plain = {"owner": (0, 0), "mtime": 0, "xattrs": {}}
    for name, mode, expected in (
        ("a", "0o41750", kept),
        ("a/b", "0o40700", kept),
        ("hidden", "0o40755", plain),
        ("opaque", "0o40700", kept),
        ("opaque/below", "0o40755", plain),
        ("file", "0o40755", plain),
        ("new", "0o40755", plain),
    ):
        assert {**expected, "mode": mode}.items() <= found[name].items(), name


@pytest.mark.parametrize("hide", [["d/.wh..wh..opq"], [".wh.d"], [".wh.d", "d/"]])
def test_implied_directory_below_a_hidden_one(hide, unpacked):
    """Metadata that a layer in between has hidden does not apply to a directory implied above it."""
    lowest = [ROOT, ("d/", {}), ("d/below/", {"mode": 0o700})]
    with unpacked(lowest, [ROOT, *((name, {}) for name in hide)], [ROOT, ("d/below/x", {})]) as top:
        assert oct(os.stat(f"{top}/d/below").st_mode) == "0o40755"


@pytest.mark.parametrize("order", [1, -1])
def test_removed_and_made_again(order, unpacked, listing):
    """A whiteout and its namesake in one layer, in any order, give an entry without any lower content."""
    lower = [ROOT, ("a/", {}), ("a/old", {}), ("f", {"data": b"old"})]
    upper = [(".wh.a", {}), ("a/", {}), ("a/new", {}), (".wh.f", {}), ("f", {"data": b"newer"})]
    with unpacked(lower, [ROOT, *upper[::order]]) as top:
        assert kinds(listing(top)) == {"a": "d", "a/new": 0, "f": 5}


@pytest.mark.parametrize("mark", ["d/.wh.f", "d/.wh..wh..opq", "d/sub/.wh.f", "d/sub/.wh..wh..opq"])
@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("kept", [(), ("kept/", "kept/sub/")])
def test_marks_below_what_was_a_directory(mark, order, kept, unpacked, listing):
    """Whiteouts for the former content of a directory that is now a link or file hide nothing at the link's target."""
    names = [f"{top}/{name}" for top in ("d", "kept", "file") for name in ("", "f", "sub/", "sub/f")]
    upper = [
        ("d", {**SYMLINK, "linkname": "kept"}),
        (mark, {}),
        ("file", {"data": b"1"}),
        (f"file{mark[1:]}", {}),
    ]
    with unpacked(
        [ROOT, *((name, {}) for name in names)], [ROOT, *((name, {}) for name in kept), *upper[::order]]
    ) as top:
        found = kinds(listing(top))
    assert found == {"d": "l", "file": 1, "kept": "d", "kept/f": 0, "kept/sub": "d", "kept/sub/f": 0}


def test_whiteout_of_nothing(unpacked, load, listing, archives, tmp_path):
    """A whiteout without anything to hide leaves no trace in a listing of its directory."""
    layers = [[ROOT, ("x", {})], [ROOT, ("new/", {}), ("new/.wh.nothing", {}), ("a", {}), (".wh.a", {})]]
    with unpacked(*layers) as top:
        assert kinds(listing(top)) == {"x": 0, "new": "d", "a": 0}
        assert os.listdir(f"{top}/new") == []


@pytest.mark.parametrize("order", [1, -1])
def test_opaque_top(order, unpacked, listing):
    """An opaque marker at the top hides all lower layers, though overlayfs merges roots even if opaque."""
    lower = [ROOT, ("a", {}), ("d/", {}), ("d/old", {}), ("e/", {}), ("e/old", {}), (".whale", {})]
    upper = [(".wh..wh..opq", {}), ("d/", {}), ("d/new", {}), ("b", {})]
    with unpacked(lower, [ROOT, *upper[::order]], [ROOT, ("e/", {}), ("e/newer", {})]) as top:
        assert kinds(listing(top)) == {"b": 0, "d": "d", "d/new": 0, "e": "d", "e/newer": 0}


@pytest.mark.parametrize("hide", [["d/.wh..wh..opq"], [".wh.d", "d/"], [".wh..wh..opq"]])
@pytest.mark.parametrize("order", [1, -1])
def test_whiteout_in_what_is_hidden(hide, order, unpacked, listing):
    """Whiteouts in a directory that shows no lower content leave no trace either."""
    upper = [(name, {}) for name in (*hide, "d/.wh.gone", "d/sub/.wh.gone", "d/new")]
    lower = [ROOT, ("d/", {}), ("d/gone", {}), ("d/sub/", {}), ("d/sub/gone", {})]
    with unpacked(lower, [ROOT, *upper[::order]]) as top:
        assert kinds(listing(top)) == {"d": "d", "d/new": 0, "d/sub": "d"}


def test_hard_link_to_a_lower_layer(unpacked, listing):
    """A hard link to a file that only a lower layer has gives one file with both names, as on an overlay mount."""
    attributes = {"uid": 5, "mode": 0o4755, "mtime": 42, "pax_headers": {"SCHILY.xattr.user.note": "kept"}}
    lower = [ROOT, ("dir/", {"mode": 0o700}), ("dir/file", {"data": b"content", **attributes})]
    lower += [("dir/link", {**SYMLINK, "linkname": "file"})]
    middle = [ROOT, ("dir/other", {})]
    upper = [ROOT, ("new", {**LINK, "linkname": "dir/file", **attributes})]
    upper += [("new-link", {**LINK, "linkname": "dir/link"})]
    with unpacked(lower, middle, upper) as top:
        found = listing(top)
    assert found[b"new"]["linked with"] == found[b"dir/file"]["linked with"] == b"dir/file"
    assert found[b"dir/file"]["content"] == found[b"new"]["content"]
    assert found[b"dir/file"]["mode"] == "0o104755"
    assert found[b"dir/file"]["xattrs"] == {"user.note": b"kept"}
    assert found[b"dir"]["mode"] == "0o40700"
    assert found[b"new-link"]["content"] == b"file"


def test_lower_link_is_hidden_by_an_implied_directory(unpacked, listing):
    """A path through a link that only a lower layer has implies a directory, as under podman's overlay driver."""
    lower = [ROOT, ("usr/bin/", {}), ("usr/bin/sh", {}), ("bin", {**SYMLINK, "linkname": "usr/bin"})]
    with unpacked(lower, [ROOT, ("bin/foo", {})]) as top:
        assert kinds(listing(top)) == {"usr": "d", "usr/bin": "d", "usr/bin/sh": 0, "bin": "d", "bin/foo": 0}


def test_default_acl_is_not_inherited(unpacked, listing):
    """A directory's default ACL does not affect the entries that the layer creates in it."""
    acl = {"pax_headers": {"SCHILY.xattr.system.posix_acl_default": ACL.decode("utf-8", "surrogateescape")}}
    with unpacked([ROOT, ("a/", acl), ("a/file", {}), ("a/dir/", {"mode": 0o700})]) as top:
        found = listing(top)
    assert found[b"a"]["xattrs"] == {"system.posix_acl_default": ACL}
    assert (found[b"a/file"]["mode"], found[b"a/file"]["xattrs"]) == ("0o100644", {})
    assert (found[b"a/dir"]["mode"], found[b"a/dir"]["xattrs"]) == ("0o40700", {})


def test_orders_to_overlayfs_are_not_content(load, archives, tmp_path):
    """An image cannot redirect a directory, nor set labels of this host's policy."""
    records = {
        "SCHILY.xattr.trusted.overlay.redirect": "/etc",
        "SCHILY.xattr.user.overlay.opaque": "y",
        "SCHILY.xattr.security.selinux": "system_u:object_r:shadow_t:s0",
        "SCHILY.xattr.trusted.note": "kept",
    }
    layer = archives.layer(("a/", {"pax_headers": records}), ("f", {"pax_headers": records}))
    (diff,) = load(archives.docker(tmp_path / "image.tar", [layer]))
    assert {name: os.listxattr(f"{diff}/{name}") for name in "af"} == {
        "a": ["trusted.note"],
        "f": ["trusted.note"],
    }


def test_user_attributes_belong_to_files(load, archives, tmp_path):
    """User attributes of links and devices, which the kernel cannot store, are left out."""
    records = {"pax_headers": {"SCHILY.xattr.user.note": "1", "SCHILY.xattr.trusted.note": "kept"}}
    layer = archives.layer(("link", {**SYMLINK, "linkname": "x", **records}))
    (diff,) = load(archives.docker(tmp_path / "image.tar", [layer]))
    assert os.listxattr(f"{diff}/link", follow_symlinks=False) == ["trusted.note"]


def test_directory_that_became_a_link(unpacked, listing):
    """A directory's metadata is not applied to the target of a link that replaced it."""
    entries = [("e/", {"mode": 0o711}), ("d/", {"mode": 0o700}), ("d", {**SYMLINK, "linkname": "e"})]
    with unpacked([ROOT, *entries]) as top:
        assert listing(top)[b"e"]["mode"] == "0o40711"


@pytest.mark.parametrize(
    "seconds", ["-5.25", "-3000000000", "10413792000", "999999999999", str(2**63 - 1), f"-{2**63 - 1}.5"]
)
def test_far_times(seconds, unpacked, tmp_path):
    """A time is stored as it is, or as the nearest that the file system supports; podman stores 1970."""
    far = {"pax_headers": {"mtime": seconds}}
    with unpacked([ROOT, ("f", far), ("d/", far), ("l", {**SYMLINK, "linkname": "f", **far})]) as top:
        found = {os.stat(f"{top}/{name}", follow_symlinks=False).st_mtime_ns for name in "fdl"}
    whole, _point, fraction = seconds.partition(".")
    nanos = int(fraction.ljust(9, "0")) if fraction else 0
    wanted = int(whole) * 10**9 + (-nanos if whole.startswith("-") else nanos)
    (tmp_path / "nearest").touch()
    os.utime(tmp_path / "nearest", ns=(wanted, wanted))
    assert found == {os.stat(tmp_path / "nearest").st_mtime_ns}


def test_link_to_what_a_lower_layer_has(unpacked, listing):
    """A link to a directory of a lower layer implies that directory, with its owner and mode. podman fails."""
    lower = [ROOT, ("run/", {"mode": 0o751, "uid": 5}), ("run/old", {}), ("a/b/c/", {})]
    upper = [ROOT, ("var/", {}), ("var/run", {**SYMLINK, "linkname": "/run"}), ("var/run/new", {})]
    upper += [("x", {**SYMLINK, "linkname": "a/y/../b"}), ("x/c/new", {})]
    upper += [("b", {**SYMLINK, "linkname": "var/run"}), ("b/more", {})]
    with unpacked(lower, upper) as top:
        found = listing(top)
    assert {b"run/old", b"run/new", b"run/more", b"a/b/c/new"} <= set(found)
    assert (found[b"run"]["mode"], found[b"run"]["owner"]) == ("0o40751", (5, 0))


DEEP = "/".join("d" * 2000)


def test_as_deep_as_a_path_can_tell(load, archives, store, tmp_path):
    """Implied directories, also over those of a lower layer, may be as deep as a path can be long."""
    layers = [archives.layer((f"{DEEP}/f", {})), archives.layer((f"{DEEP}/g", {}), (f"{DEEP}/.wh.f", {}))]
    diffs = load(archives.docker(tmp_path / "image.tar", layers))
    before = len(os.listdir("/proc/self/fd"))  # those of other tests may await garbage collection
    top = os.open(diffs[0], os.O_RDONLY)
    try:
        deepest = libc.openat2(top, DEEP, os.O_RDONLY)
        found = sorted(
            (name, stat.S_ISCHR(os.stat(name, dir_fd=deepest).st_mode)) for name in os.listdir(deepest)
        )
        os.close(deepest)
        assert found == [("f", True), ("g", False)]
        assert len(os.listdir("/proc/self/fd")) < before + 100
    finally:
        os.close(top)
        for chain_id in store.list():  # pytest cannot remove such deep trees
            store.remove(chain_id)


def test_a_file_in_each_of_many_directories_in_each_other(unpacked):
    """Descriptors are closed on the way down and up again, whatever the entries at each depth."""
    names = ["/".join("d" * depth) for depth in range(1, 600)]
    layer = [(f"{name}/{file}", {}) for file, on in (("f", names), ("g", names[::-1])) for name in on]
    before = len(os.listdir("/proc/self/fd"))
    with unpacked(layer):
        assert len(os.listdir("/proc/self/fd")) < before + 10


def test_an_attribute_that_is_too_large(archives, tmp_path):
    """An attribute too large for the file system is an error with its name and size, not a full disk."""
    records = {"pax_headers": {"SCHILY.xattr.user.big": "y" * 50_000}}
    archive = archives.docker(tmp_path / "image.tar", [archives.layer(("f", records))])
    disk = tmp_path / "disk"
    with disk.open("wb") as file:
        file.truncate(32 << 20)
    subprocess.run(["mkfs.ext4", "-q", disk], check=True)
    place = tmp_path / "place"
    place.mkdir()
    subprocess.run(["mount", "-o", "loop", disk, place], check=True)
    try:
        with pytest.raises(HostLacks, match=r"entry f has the extended attribute user\.big of 50000 bytes"):
            add_first(archive, LayerStore(str(place / "layers"), str(place / "staging")), tmp_path)
    finally:
        mounts.unmount(str(place))


def add_first(archive, store, staging):
    """Add the first layer of an archive to a store."""
    with open_archive(str(archive), staging=str(staging)) as opened:
        (layer,) = opened.images[0].layers
        with opened.layer(layer) as chunks:
            return store.add(layer.chain_id, chunks, lowers=())


def test_attributes_that_are_left_out_are_told(archives, store, tmp_path):
    """The names of another system's attributes are reported when they are left out."""
    records = {"pax_headers": {"SCHILY.xattr.com.apple.provenance": "1", "SCHILY.xattr.user.kept": "1"}}
    archive = archives.docker(tmp_path / "image.tar", [archives.layer(("f", records), ("d/", records))])
    assert add_first(archive, store, tmp_path).left_out == ("com.apple.provenance",)


def test_control_characters_of_a_name(archives, load, tmp_path):
    """An error shows control characters of a name as escapes, and truncates a long name."""
    entry = f"\x1b]0;title\x07{'n' * 2000}"
    with pytest.raises(ArchiveBroken) as caught:
        load(archives.docker(tmp_path / "image.tar", [archives.layer((entry, {}))]))
    assert "\\x1b]0;title\\x07n" in str(caught.value)
    assert len(str(caught.value)) < 1200
