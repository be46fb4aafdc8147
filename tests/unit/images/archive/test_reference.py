# SPDX-License-Identifier: GPL-3.0-or-later
"""Image names: canonical spelling, look-up order, ids."""

from __future__ import annotations

import pytest

from _engine.errors import InvalidOption
from _engine.images.archive import reference

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("app", "localhost/app:latest"),
        ("app:1", "localhost/app:1"),
        ("team/app:V1.0_x-y", "localhost/team/app:V1.0_x-y"),
        ("localhost/app", "localhost/app:latest"),
        ("localhost:5000/app", "localhost:5000/app:latest"),
        ("quay.io/a/b/c:2", "quay.io/a/b/c:2"),
        ("REGISTRY.example/app", "REGISTRY.example/app:latest"),
        ("[::1]:5000/app", "[::1]:5000/app:latest"),
        ("host:5000/a-b__c.d/e--f", "host:5000/a-b__c.d/e--f:latest"),
        ("docker.io/busybox", "docker.io/library/busybox:latest"),
        ("docker.io/user/app", "docker.io/user/app:latest"),
        (f"app@{DIGEST}", f"localhost/app@{DIGEST}"),
        (f"quay.io/app:1@{DIGEST}", f"quay.io/app@{DIGEST}"),
    ],
)
def test_normalize(name, canonical):
    """A name is completed, and a full one is unchanged."""
    assert reference.normalize(name) == canonical
    assert reference.normalize(canonical) == canonical


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "/app",
        "app/",
        "a//b",
        "App",
        "app:",
        "app:a/b:",
        "app:-x",
        "app:" + "t" * 129,
        "app@sha256:abc",
        "app@",
        "a b",
        "-app",
        "app-",
        "a..b",
        "a___b",
        "../etc",
        "bad_host.io:x/app",
        "host:port/app",
        "quay.io/",
        "app\n",
        "ä",
        "a" * 256,
    ],
)
def test_invalid(name):
    """A name that violates the grammar is an error with the option's name and a remedy."""
    with pytest.raises(InvalidOption) as caught:
        reference.normalize(name)
    assert caught.value.fields == {"option": "image", "value": name}
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("name", "tries"),
    [
        ("app", ("localhost/app:latest", "docker.io/library/app:latest", "docker.io/app:latest")),
        ("team/app:2", ("localhost/team/app:2", "docker.io/team/app:2")),
        ("quay.io/app", ("quay.io/app:latest",)),
        ("docker.io/app", ("docker.io/library/app:latest",)),
        (
            f"app@{DIGEST}",
            tuple(
                f"{where}@{DIGEST}" for where in ("localhost/app", "docker.io/library/app", "docker.io/app")
            ),
        ),
    ],
)
def test_candidates(name, tries):
    """A short name is looked up locally first, then on Docker Hub; a full one as it is."""
    assert reference.candidates(name) == tries


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0123456789ab", True),
        ("0" * 64, True),
        (DIGEST, True),
        ("sha256:0123456789ab", True),
        ("0123456789a", False),
        ("0" * 65, False),
        ("0123456789AB", False),
        ("0123456789xy", False),
        ("0123456789ab\n", False),
        ("app", False),
    ],
)
def test_is_id(text, expected):
    """An id has 12 to 64 hex digits, optionally after sha256:."""
    assert reference.is_id(text) is expected
