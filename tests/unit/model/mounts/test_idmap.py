# SPDX-License-Identifier: GPL-3.0-or-later
"""The ids of idmapped mounts."""

from __future__ import annotations

import pytest

from _engine.errors import InvalidOption
from _engine.model.mounts.idmap import parse
from _engine.model.values.idmap import IdMap, Range

#: The container has 100 ids: 0 to 49 are 1000 to 1049 of the host, 50 to 99 are 5000 to 5049.
OWN = IdMap((Range(0, 1000, 50), Range(50, 5000, 50)), (Range(0, 2000, 100),))
CASES = {
    "": (OWN.uids, OWN.gids),
    "uids=0-7-2": ((Range(0, 7, 2),), OWN.gids),
    "gids=5-6-1#0-7-2": (OWN.uids, (Range(0, 7, 2), Range(5, 6, 1))),
    "uids=0-7-2;gids=0-1-1": ((Range(0, 7, 2),), (Range(0, 1, 1),)),
    "uids=@0-60-10": ((Range(0, 5010, 10),), OWN.gids),
    "uids=20-7-2#@0-60-10;gids=@3-99-1": ((Range(0, 5010, 10), Range(20, 7, 2)), (Range(3, 2099, 1),)),
}


@pytest.mark.parametrize("value", CASES)
def test_resolved(value):
    """An unset mapping is the container's own, and relative ranges are mapped by it."""
    assert parse("volume", value).resolve("volume", OWN) == IdMap(*CASES[value])


def test_without_a_user_namespace():
    """In the host's user namespace, plain ranges are used, and idmap alone maps nothing."""
    assert parse("volume", "uids=0-7-2").resolve("volume", None) == IdMap((Range(0, 7, 2),), ())
    assert parse("volume", "").resolve("volume", None) == IdMap((), ())


@pytest.mark.parametrize("value", ["uids=@0-45-10", "uids=@0-100-1", "gids=@0-99-2", "uids=@0-7-1#0-9-1"])
def test_what_the_container_has_not(value):
    """Ranges that are unmapped, span two of the container's ranges, or overlap are refused."""
    with pytest.raises(InvalidOption) as caught:
        parse("volume", value).resolve("volume", OWN)
    assert caught.value.remedy


@pytest.mark.parametrize("value", CASES)
def test_one_form(value):
    """The canonical text means the same, and is its own canonical text."""
    ids = parse("volume", value)
    assert parse("volume", ids.text()) == ids
