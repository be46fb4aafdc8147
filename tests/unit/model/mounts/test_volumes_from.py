# SPDX-License-Identifier: GPL-3.0-or-later
"""Mounts taken from other containers, and the image's volumes."""

from __future__ import annotations

import pytest

from _engine.model.mounts import volumes_from
from _engine.model.mounts.mount import Mount

CANONICAL = {
    ("a",): ("a",),
    ("a", "b:ro", "a"): ("a", "b:ro"),
    ("b", "a"): ("b", "a"),
    ("a:z,ro", "b:rw,z,z"): ("a:ro,z", "b:rw,z"),
    ("a" * 64,): ("a" * 64,),
}


@pytest.mark.parametrize("values", CANONICAL, ids=",".join)
def test_canonical(values):
    """The order of containers is significant, that of words is not."""
    found = volumes_from.parse("volumes_from", values)
    assert found == CANONICAL[values]
    assert volumes_from.parse("volumes_from", found) == found


@pytest.mark.parametrize("values", [["a", "a:ro"], ["a:ro", "b", "a:rw"]])
def test_one_container_twice(refused, values):
    """A container that is named twice with different words is refused."""
    assert refused(volumes_from.parse, "volumes_from", values).fields["value"] == "a"


@pytest.mark.parametrize("value", ["", ":ro", "a:", "a:ro,", "a:Z", "a:ro,rw", "a:ro:z", "-a", "/a", None])
def test_what_is_none(refused, value):
    """Invalid names, unknown words, and contradicting words are refused."""
    refused(lambda option, one: volumes_from.parse(option, [one]), "volumes_from", value)


@pytest.mark.parametrize(
    ("value", "canonical"),
    [
        ("", "anonymous"),
        ("bind", "anonymous"),
        ("anonymous", "anonymous"),
        ("tmpfs", "tmpfs"),
        ("ignore", "ignore"),
    ],
)
def test_image_volume(value, canonical):
    """The word bind is an alias of anonymous."""
    assert volumes_from.parse_image_volume("image_volume", value) == canonical


def test_what_is_no_image_volume(refused):
    """Other words are refused."""
    refused(volumes_from.parse_image_volume, "image_volume", "volume")


#: A mount of the other container, the words, and the mount of this one.
TAKEN = (
    (Mount("bind", "/s", "/d", ("noexec",)), (), Mount("bind", "/s", "/d", ("noexec",))),
    (Mount("bind", "/s", "/d", ("noexec",)), ("ro",), Mount("bind", "/s", "/d", ("noexec", "ro"))),
    (Mount("bind", "/s", "/d", ("Z", "rro")), ("rw", "z"), Mount("bind", "/s", "/d", ("z",))),
    (Mount("bind", "/s", "/d", ("ro",)), ("z",), Mount("bind", "/s", "/d", ("ro", "z"))),
    (Mount("volume", "", "/d", ("ro",)), ("rw",), Mount("volume", "name", "/d")),
    (Mount("volume", "name", "/d", ("subpath=a",)), (), Mount("volume", "name", "/d", ("subpath=a",))),
    (Mount("bind", "/s", "/d", ("O",)), (), None),
    (Mount("volume", "name", "/d", ("O", "upperdir=/u", "workdir=/w")), ("ro",), None),
    (Mount("tmpfs", "", "/d"), (), None),
    (Mount("image", "x", "/d"), (), None),
    (Mount("devpts", "", "/d"), ("ro",), None),
)


@pytest.mark.parametrize("case", TAKEN, ids=str)
def test_taken(case):
    """The words change access and label; overlays and other private mounts are not taken."""
    mount, words, wanted = case
    assert volumes_from.taken(mount, "name", words) == wanted
