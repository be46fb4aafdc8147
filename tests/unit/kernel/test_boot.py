# SPDX-License-Identifier: GPL-3.0-or-later
"""The marker of a boot."""

from __future__ import annotations

import stat

from _engine.kernel import boot


def test_marked_by_this_boot_alone(tmp_path):
    """A file marks this boot if it contains its ID, not if it is missing, truncated or older."""
    path = tmp_path / "boot"
    assert not boot.is_marked(str(path))
    for content in ("", boot.boot_id()[:20], "00000000-0000-4000-8000-000000000000\n"):
        path.write_text(content)
        assert not boot.is_marked(str(path))
    path.unlink()
    boot.mark(str(path))
    assert boot.is_marked(str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
