# SPDX-License-Identifier: GPL-3.0-or-later
"""What layers hold, by name: each a list of layers, and a layer a list of entries for Archives.layer."""

from __future__ import annotations

import struct
import tarfile

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
#: What podman makes otherwise in some place (docs/compat.md, "Trees of images").
ODD = {
    "marks in odd places": [
        [
            ROOT,
            *((f"{top}/", {}) for top in ("late", "made", "implied", "again", "all")),
            *(
                (f"{top}/{name}", {"data": b"1"})
                for top in ("late", "made", "implied", "again", "all")
                for name in "ab"
            ),
            ("implied/deep/", {"mode": 0o700}),
            ("implied/deep/a", {}),
        ],
        [
            ROOT,
            ("late/", {}),
            ("late/new", {"data": b"2"}),
            ("late/.wh..wh..opq", {}),
            ("fresh/", {}),
            ("fresh/.wh..wh..opq", {}),
            ("fresh/x", {}),
            (".wh.nothing", {}),
            ("again/", {}),
            ("again/.wh.a", {}),
            ("again/a", {"data": b"2"}),
            (".wh.made", {}),
            ("made/", {"mode": 0o711}),
            ("made/c", {}),
        ],
        [
            ROOT,
            ("late/", {}),
            ("late/.wh.new", {}),
            (".wh.fresh", {}),
            ("all/", {}),
            ("all/.wh.a", {}),
            ("all/.wh.b", {}),
        ],
        [ROOT, ("all/", {}), ("all/a", {"data": b"3"})],
    ],
    "all is hidden": [
        [ROOT, ("gone", {}), ("d/", {}), ("d/gone", {}), ("new", {"data": b"1"})],
        [ROOT, (".wh..wh..opq", {}), ("d/", {}), ("d/new", {}), ("new", {"data": b"2"})],
    ],
}
