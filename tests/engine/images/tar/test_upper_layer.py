# SPDX-License-Identifier: GPL-3.0-or-later
"""An upper layer of overlayfs, as the tar of an image's layer."""

from __future__ import annotations

import io
import os
import shutil
import tarfile

import pytest

from _engine.images.tar import upper_layer
from _engine.kernel import libc, mounts


@pytest.fixture
def merged(tmp_path, need):
    """Return an overlay over two files and a directory with a file."""
    need(os.geteuid() == 0, "root")
    for name in ("lower/d", "upper", "work", "merged"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("a", "b", "d/old"):
        (tmp_path / "lower" / name).write_text(name)
    data = f"lowerdir={tmp_path}/lower,upperdir={tmp_path}/upper,workdir={tmp_path}/work"
    libc.mount("overlay", f"{tmp_path}/merged", "overlay", 0, data)
    yield tmp_path / "merged"
    mounts.unmount_below(str(tmp_path))


def test_what_is_deleted_becomes_marks(merged, tmp_path):
    """Deleted files (their whiteouts may be hard links) and a recreated directory become marks of a layer."""
    for name in ("a", "b"):
        (merged / name).unlink()
    shutil.rmtree(merged / "d")
    (merged / "d").mkdir()
    (merged / "d" / "new").write_text("new")
    stream = io.BytesIO(b"".join(upper_layer.chunks(str(tmp_path / "upper"))))
    with tarfile.open(fileobj=stream) as archive:
        found = {member.name: (member.type, member.size) for member in archive}
    mark = (tarfile.REGTYPE, 0)
    assert {name: what for name, what in found.items() if name != "."} == {
        ".wh.a": mark,
        ".wh.b": mark,
        "d": (tarfile.DIRTYPE, 0),
        "d/.wh..wh..opq": mark,
        "d/new": (tarfile.REGTYPE, 3),
    }
