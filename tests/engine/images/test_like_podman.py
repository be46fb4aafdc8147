# SPDX-License-Identifier: GPL-3.0-or-later
"""A tree unpacked by this engine equals, entry by entry, what podman mounts for the same archive."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import tarfile

import pytest

LINK, SYMLINK, CHAR, BLOCK, FIFO = (
    {"type": kind}
    for kind in (tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE)
)
CAPABILITY = struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0)  # cap_net_bind_service, version 2
ACL = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHI", *item)
    for item in ((1, 6, 2**32 - 1), (2, 4, 1234), (4, 4, 2**32 - 1), (16, 4, 2**32 - 1), (32, 4, 2**32 - 1))
)


def xattr(**values):
    """Give the pax records of extended attributes; __ stands for the dot."""
    records = {f"SCHILY.xattr.{key.replace('__', '.')}": value for key, value in values.items()}
    return {"pax_headers": {key: value.decode("utf-8", "surrogateescape") for key, value in records.items()}}


def records(**values):
    """Give the pax records of an entry."""
    return {"pax_headers": values}


ROOT = ("./", {"mode": 0o711})
LONG = "/".join(["a-long-directory-name" * 5] * 4)

SCENARIOS = {
    "owners, modes and times": [
        [
            ROOT,
            ("plain", {"data": b"1"}),
            ("owned", {"uid": 1000, "gid": 4_000_000_000, "mode": 0o640}),
            ("suid", {"uid": 7, "gid": 8, "mode": 0o6755, "data": b"x"}),
            ("sticky/", {"mode": 0o1777, "uid": 3}),
            ("inherit/", {"mode": 0o2775, "gid": 50}),
            ("inherit/file", {"gid": 0}),
            ("inherit/below/", {"gid": 0}),
            ("nanoseconds", {"mtime": 1234567890.123456789}),
            ("far", {"mtime": 9_000_000_000}),
            ("no access", {"mode": 0}),
            ("late/", {"mtime": 1_100_000_000}),
            ("late/child", {}),
        ],
    ],
    "every type": [
        [
            ROOT,
            ("file", {"data": b"content" * 1000}),
            ("empty", {}),
            ("link", {**LINK, "linkname": "file"}),
            ("dir/", {}),
            ("dir/link", {**LINK, "linkname": "./file"}),
            ("symlink", {**SYMLINK, "linkname": "/etc/passwd", "uid": 5}),
            ("symlink-link", {**LINK, "linkname": "symlink", "uid": 5}),
            ("char", {**CHAR, "devmajor": 1, "devminor": 5, "mode": 0o620}),
            ("block", {**BLOCK, "devmajor": 259, "devminor": 70000, "mode": 0o660, "gid": 6}),
            ("fifo", {**FIFO, "mode": 0o622}),
        ],
    ],
    "odd names": [
        [
            ROOT,
            ("not utf-8 \udcff\udc80", {"data": b"1"}),
            ("ümlaut", {}),
            ("new\nline", {}),
            ("blank ", {}),
            ("-dash", {}),
            ("back\\slash", {}),
            *((f"{LONG[:end]}/", {}) for end in (105, 211, 317, 423)),
            (f"{LONG}/{'f' * 200}", {"data": b"deep"}),
            ("link", {**LINK, "linkname": f"{LONG}/{'f' * 200}"}),
            ("symlink", {**SYMLINK, "linkname": "t" * 1000}),
            ("/absolute", {"data": b"is relative"}),
            (".whale", {}),
        ],
    ],
    "extended attributes": [
        [
            ROOT,
            ("capable", {"data": b"x", "mode": 0o755, **xattr(security__capability=CAPABILITY)}),
            ("owned", {"data": b"x", "uid": 9, **xattr(security__capability=CAPABILITY)}),
            ("user", {"data": b"x", **xattr(user__note=b"text", user__bytes=b"\xff\x00=\n")}),
            ("directory/", xattr(user__on__directory=b"1")),
            ("acl", {"data": b"x", **xattr(system__posix_acl_access=ACL)}),
            ("default/", xattr(system__posix_acl_default=ACL)),
        ],
    ],
    "whiteouts": [
        [
            ROOT,
            ("gone", {"data": b"1"}),
            ("dir/", {"mode": 0o750}),
            ("dir/gone", {}),
            ("dir/stays", {}),
            ("all/", {}),
            ("all/of", {}),
            ("all/it", {}),
            ("emptied/", {}),
            ("emptied/a", {}),
            ("emptied/b/", {}),
            ("emptied/b/c", {}),
        ],
        [
            ROOT,
            (".wh.gone", {}),
            ("dir/", {"mode": 0o750}),
            ("dir/.wh.gone", {}),
            ("dir/new", {}),
            (".wh.all", {}),
            ("emptied/", {"mode": 0o701}),
            ("emptied/.wh..wh..opq", {}),
            ("emptied/d", {}),
            (".wh..wh.plnk/", {}),
            (".wh..wh.aufs", {}),
        ],
        [
            ROOT,
            ("gone", {"data": b"again"}),
            ("all", {"data": b"now a file"}),
            ("emptied/", {}),
            ("emptied/a", {}),
        ],
    ],
    "kinds that change": [
        [
            ROOT,
            ("file", {"data": b"1"}),
            ("dir/", {}),
            ("dir/below", {}),
            ("symlink", {**SYMLINK, "linkname": "dir"}),
            ("to-link/", {}),
            ("to-link/x", {}),
        ],
        [
            ROOT,
            ("file/", {"mode": 0o700}),
            ("file/below", {"data": b"2"}),
            ("dir", {"data": b"3"}),
            ("symlink/", {"uid": 4}),
            ("symlink/y", {}),
            ("to-link", {**SYMLINK, "linkname": "file"}),
        ],
        [ROOT, ("file", {"data": b"4"}), ("dir/", {}), ("dir/other", {})],
    ],
    "a link of the same layer is followed inside it": [
        [
            ROOT,
            ("usr/", {}),
            ("usr/bin/", {}),
            ("bin", {**SYMLINK, "linkname": "usr/bin"}),
            ("bin/tool", {"data": b"x"}),
            ("bin/sub/", {"mode": 0o750}),
            ("bin/sub/x", {}),
        ],
    ],
    "usrmerge: a listed directory hides the link below": [
        [
            ROOT,
            ("usr/", {}),
            ("usr/bin/", {}),
            ("usr/bin/sh", {"data": b"sh", "mode": 0o755}),
            ("bin", {**SYMLINK, "linkname": "usr/bin"}),
        ],
        [ROOT, ("bin/", {}), ("bin/foo", {"data": b"foo"})],
    ],
    "links are resolved with the layer as their root": [
        [
            ROOT,
            ("run/", {}),
            ("var/", {}),
            ("var/run", {**SYMLINK, "linkname": "/run"}),
            ("var/run/app.pid", {"data": b"7"}),
            ("var/run/app/", {"mode": 0o750}),
            ("var/run/app/below", {"data": b"1"}),
            ("var/up", {**SYMLINK, "linkname": "../../../run"}),
            ("var/up/climbed", {"data": b"2"}),
            ("top", {**SYMLINK, "linkname": "../.."}),
            ("top/at the top", {"data": b"3"}),
            ("two", {**SYMLINK, "linkname": "/var/up/.."}),
            ("two/of two", {"data": b"4"}),
            ("hard", {**LINK, "linkname": "var/run/app.pid"}),
            ("late", {**SYMLINK, "linkname": "/made"}),
            ("made/", {}),
            ("late/x", {"data": b"5"}),
        ],
        [
            ROOT,
            ("run/", {}),
            ("lnk", {**SYMLINK, "linkname": "/run"}),
            ("lnk/.wh.app.pid", {}),
            ("lnk/app/", {"mode": 0o700}),
            ("lnk/app/.wh..wh..opq", {}),
        ],
    ],
    "names with dots that stay inside": [
        [
            ROOT,
            ("app/", {}),
            ("gone", {}),
            ("app/../app/f", {"data": b"1"}),
            ("nowhere/../g", {"data": b"2"}),
            ("app/./../app/d/../e/", {"mode": 0o700}),
            ("hard", {**LINK, "linkname": "app/../app/f"}),
            ("/a/../absolute", {"data": b"3"}),
        ],
        [ROOT, ("app/../.wh.gone", {})],
    ],
    "records without a value": [
        [
            ROOT,
            ("f", {"data": b"1", "uid": 5, "gid": 6, **records(path="", size="", mtime="", uid="", gid="")}),
            ("l", {**SYMLINK, "linkname": "to", **records(linkpath="")}),
            ("x", records(**{"SCHILY.xattr.user.gone": "", "SCHILY.xattr.user.kept": "1"})),
        ],
    ],
    "attributes of other systems": [
        [
            ROOT,
            ("f", records(**{"SCHILY.xattr.com.apple.provenance": "1", "SCHILY.xattr.user.kept": "1"})),
            ("d/", records(**{"SCHILY.xattr.system.nfs4_acl": "1", "SCHILY.xattr.user.kept": "1"})),
            ("l", {**SYMLINK, "linkname": "f", **records(**{"SCHILY.xattr.com.apple.x": "1"})}),
        ],
    ],
    "hundreds of directories deep": [
        [
            ROOT,
            *(("/".join("d" * depth) + "/", {}) for depth in range(1, 301)),
            (f"{'d/' * 300}f", {"data": b"1"}),
        ],
        [ROOT, *(("/".join("d" * depth) + "/", {}) for depth in range(1, 301)), (f"{'d/' * 300}.wh.f", {})],
    ],
    "hard links over layers": [
        [ROOT, ("a", {"data": b"1"}), ("b", {**LINK, "linkname": "a"}), ("c", {**LINK, "linkname": "a"})],
        [ROOT, ("b", {"data": b"2"}), ("d", {**LINK, "linkname": "b"}), (".wh.c", {})],
    ],
}


def assert_same(found, expected):
    """Fail if two listings differ, and say in what; podman gives every root a mode of its own."""
    assert sorted(found) == sorted(expected)
    differing = {
        (name, key): (value, expected[name][key])
        for name, entry in found.items()
        for key, value in entry.items()
        if value != expected[name][key] and name != b""
    }
    assert differing == {}


@pytest.fixture
def assert_like_podman(listing, ours, podman):
    """Return a function that compares what we make of one archive with what podman makes of the other."""

    def assert_like_podman(archive, reference):
        """Fail unless our tree of the one is podman's of the other."""
        with ours(archive) as top:
            found = listing(top)
        with podman(reference) as top:
            assert_same(found, listing(top))

    return assert_like_podman


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenario(scenario, archives, assert_like_podman, tmp_path):
    """Each kind of content is the same as under podman."""
    layers = [archives.layer(*layer) for layer in SCENARIOS[scenario]]
    archive = archives.docker(tmp_path / "image.tar", layers)
    assert_like_podman(archive, archive)


def make_tree(top):
    """Make a tree of what GNU tar stores in its own ways."""
    top.mkdir(mode=0o755)
    with open(top / "sparse", "wb") as file:
        for part in range(40):  # more than the 21 that one block of the old format holds
            file.seek(part * 1_000_000)
            file.write(b"%d" % part * 100)
        file.truncate(50_000_000)
    (top / "hole").touch()
    os.truncate(top / "hole", 10_000_000)
    (top / ("n" * 200)).write_text("long name")
    os.symlink("t" * 300, top / "long-link")
    os.link(top / "sparse", top / "sparse-link")
    (top / "capable").write_text("x")
    os.setxattr(top / "capable", "security.capability", CAPABILITY)
    os.setxattr(top / "capable", "user.note", b"\xffnote")
    os.mkfifo(top / "fifo")
    os.chown(top / "capable", 3_000_000, 3_000_000)
    os.setxattr(top / "capable", "security.capability", CAPABILITY)


FORMATS = {
    "old GNU": ["--format=gnu", "--sparse"],
    "pax, sparse 0.0": [
        "--format=posix",
        "--sparse",
        "--sparse-version=0.0",
        "--xattrs",
        "--xattrs-include=*",
    ],
    "pax, sparse 0.1": [
        "--format=posix",
        "--sparse",
        "--sparse-version=0.1",
        "--xattrs",
        "--xattrs-include=*",
    ],
    "pax, sparse 1.0": [
        "--format=posix",
        "--sparse",
        "--sparse-version=1.0",
        "--xattrs",
        "--xattrs-include=*",
    ],
}


@pytest.mark.parametrize("form", FORMATS)
def test_gnu_tar(form, archives, listing, ours, tmp_path):
    """What GNU tar writes comes out as GNU tar itself unpacks it, in each of its formats; holes stay holes.

    podman refuses the oldest of them.
    """
    tree, unpacked = tmp_path / "tree", tmp_path / "unpacked"
    make_tree(tree)
    unpacked.mkdir()
    made = subprocess.run(
        ["tar", "--numeric-owner", *FORMATS[form], "-C", tree, "-c", "."], capture_output=True, check=True
    )
    extract = ["tar", "--numeric-owner", "--xattrs", "--xattrs-include=*", "-C", unpacked, "-xp"]
    subprocess.run(extract, input=made.stdout, check=True)
    with ours(archives.docker(tmp_path / "image.tar", [made.stdout])) as top:
        assert_same(listing(top), listing(unpacked))
        blocks = {name: os.stat(f"{top}/{name}").st_blocks for name in ("sparse", "hole")}
    assert blocks == {name: os.stat(tree / name).st_blocks for name in ("sparse", "hole")}


def run_into(target, *command):
    """Run a program with its output into a file."""
    with target.open("wb") as output:
        subprocess.run(command, stdout=output, check=True)


def make_form(form, docker, target):
    """Turn a docker archive into another form with the tools that people use."""
    if form in COPIES:
        kind, *options = COPIES[form]
        command = ["skopeo", "copy", "--quiet", *options, f"docker-archive:{docker}", f"{kind}:{target}:x:1"]
        subprocess.run(command, check=True)
    else:
        run_into(target, form.rpartition(" ")[2], "-q", "-c", docker)
    return target


COPIES = {
    "OCI archive": ["oci-archive"],
    "OCI layout": ["oci"],
    "OCI layout, plain layers": ["oci", "--dest-decompress"],
    "OCI layout, zstd layers": ["oci", "--dest-compress-format=zstd"],
    "docker archive with links": ["docker-archive"],
}
WHOLE = ["docker archive, gzip", "docker archive, bzip2", "docker archive, xz", "docker archive, zstd"]


@pytest.mark.parametrize("form", [*COPIES, *WHOLE])
def test_form(form, archives, assert_like_podman, need, tmp_path):
    """The same image comes out of an archive whatever its form and compression."""
    for program in ("skopeo", "xz", "bzip2", "zstd"):
        need(shutil.which(program), program)
    layers = [archives.layer(*layer) for name in ("every type", "whiteouts") for layer in SCENARIOS[name]]
    docker = archives.docker(tmp_path / "image.tar", layers)
    assert_like_podman(make_form(form, docker, tmp_path / "form"), docker)
