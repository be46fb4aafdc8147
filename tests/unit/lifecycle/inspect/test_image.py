# SPDX-License-Identifier: GPL-3.0-or-later
"""An image in the shape of ``podman image inspect``."""

from __future__ import annotations

import pytest

from _engine.frozen import replace
from _engine.lifecycle.inspect.image import image_shape

DIGEST = "sha256:" + "d" * 64
OTHER = "sha256:" + "e" * 64


def test_image(image):
    """The image's own values are shown as they are; sizes are sums over the layers."""
    run = {"Env": ["A=1"], "Cmd": ["b"], "User": "7", "Labels": {"x": "y"}, "ExposedPorts": {"80/tcp": {}}}
    history = [{"created_by": "one", "comment": "first"}, {"created_by": "two", "comment": "last"}]
    record = image(
        run, author="me", os="linux", architecture="amd64", created="2024-02-03T04:05:06.7Z", history=history
    )
    shape = image_shape(record)
    told = {key: shape[key] for key in ("Author", "Os", "Architecture", "Created", "Comment", "Size", "User")}
    assert told == {
        "Author": "me",
        "Os": "linux",
        "Architecture": "amd64",
        "Created": "2024-02-03T04:05:06.7Z",
        "Comment": "first",
        "Size": 200,
        "User": "7",
    }
    assert {key: shape["Config"][key] for key in run} == run
    assert shape["History"] == history
    assert shape["RootFS"]["Layers"] == [layer.diff_id for layer in record.layers]


def test_silent_image(image):
    """A minimal image has podman's empty values, and null for unknown ones."""
    shape = image_shape(replace(image(), manifest_digest=None))
    unknown = ("Digest", "Created", "Annotations", "ManifestType", "NamesHistory")
    assert {shape[key] for key in unknown} == {None}
    assert (shape["RepoDigests"], shape["Labels"], shape["Comment"]) == ([], {}, "")
    assert (shape["Config"]["Cmd"], shape["Config"]["Volumes"]) == ([], {})


NAMES = [
    ((), [], []),
    (("localhost/app:1",), ["localhost/app:1"], [f"localhost/app@{DIGEST}"]),
    (
        ("host:5000/a/b:1", "host:5000/a/b:2"),
        ["host:5000/a/b:1", "host:5000/a/b:2"],
        [f"host:5000/a/b@{DIGEST}"],
    ),
    ((f"q.io/a@{OTHER}",), [], [f"q.io/a@{DIGEST}", f"q.io/a@{OTHER}"]),
    ((f"q:5/a@{OTHER}",), [], [f"q:5/a@{DIGEST}", f"q:5/a@{OTHER}"]),
]


@pytest.mark.parametrize(("names", "tags", "digests"), NAMES)
def test_names(image, names, tags, digests):
    """Names with a tag are tags; each repository has the digest once; names with a digest are digests."""
    shape = image_shape(image(names=names))
    assert (shape["RepoTags"], shape["RepoDigests"]) == (tags, digests)
