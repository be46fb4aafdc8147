# SPDX-License-Identifier: GPL-3.0-or-later
"""Symlinks of paths in an image, resolved by its layers."""

from __future__ import annotations

import pytest

from _engine.images.layers.symlink_targets import landings


@pytest.fixture
def layers(tmp_path):
    """Return two layers, the upper first: a link replaced in the upper, one in the lower, a loop, one that leaves the root."""
    upper, lower = tmp_path / "upper", tmp_path / "lower"
    for path in (upper / "srv", lower / "srv", lower / "var", lower / "data"):
        path.mkdir(parents=True)
    (upper / "srv/www").symlink_to("../data")
    (lower / "srv/www").symlink_to("/elsewhere")
    (lower / "var/run").symlink_to("/run")
    (lower / "loop").symlink_to("loop")
    (lower / "out").symlink_to("../../../etc")
    (lower / "file").write_bytes(b"")
    (lower / "grows").symlink_to("grows/" + "a/" * 2000)
    return [str(upper), str(lower)]


@pytest.mark.parametrize(
    ("path", "leads"),
    [
        ("/data", "/data"),
        ("/srv/www", "/data"),
        ("/srv/www/x", "/data/x"),
        ("/var/run/app/x", "/run/app/x"),
        ("/not/there", "/not/there"),
        ("/out/passwd", "/etc/passwd"),
        ("/file/x", "/file/x"),
        ("/var/run/../x", "/x"),
        ("/loop/x", "/loop/x"),
    ],
)
def test_landings(layers, path, leads):
    """Symlinks are followed inside the root, the upper layer's first; dangling ones stay as written."""
    assert landings(layers, [path]) == {path: leads}


def test_no_end(layers):
    """A link that makes its path ever longer does not loop forever."""
    assert landings(layers, ["/grows"])["/grows"].startswith("/grows/a")
