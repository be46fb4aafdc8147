# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from _engine.errors import InvalidOption
from _engine.rootfs import user_directory


def test_a_directory_is_used_where_it_lies(tmp_path):
    """The real path of a directory is returned."""
    (tmp_path / "root").mkdir()
    (tmp_path / "link").symlink_to("root")
    assert user_directory.check(str(tmp_path / "link")) == str(tmp_path / "root")


@pytest.mark.parametrize(
    ("name", "why"), [("file", "not a directory"), ("dangling", "not a directory"), ("absent", "not exist")]
)
def test_anything_else_is_refused(tmp_path, name, why):
    """Anything but a directory is refused; the error names the option and the path."""
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    with pytest.raises(InvalidOption, match=why) as caught:
        user_directory.check(str(tmp_path / name))
    assert caught.value.fields == {"option": "image", "value": str(tmp_path / name)}
