# SPDX-License-Identifier: GPL-3.0-or-later
"""Mounts that the engine prepares, and their owners."""

from __future__ import annotations

import pytest

from _engine.errors import InvalidOption
from _engine.model.mounts.mount import BIND, IMAGE, TMPFS, VOLUME, Mount
from _engine.model.values.idmap import IdMap, Range
from _engine.plan.prepared_mounts import owner, prepared, shift

#: A container's user namespace: its ids are those of the host from 100000 on.
PRIVATE = IdMap((Range(0, 100000, 65536),), (Range(0, 200000, 65536),))
ALL = (Range(0, 0, 2**32 - 1),)
CASES = {
    "bind": (Mount(BIND, "/a", "/d"), False),
    "bind with words for the runtime": (Mount(BIND, "/a", "/d", ("bind", "noexec", "ro", "rshared")), False),
    "overlay": (Mount(BIND, "/a", "/d", ("O",)), True),
    "overlay with directories": (Mount(BIND, "/a", "/d", ("O", "upperdir=/u", "workdir=/w")), True),
    "chown": (Mount(VOLUME, "v", "/d", ("U",)), True),
    "idmap": (Mount(BIND, "/a", "/d", ("idmap",)), True),
    "idmap with ids": (Mount(VOLUME, "v", "/d", ("idmap=uids=0-1-1;gids=0-1-1",)), True),
    "part of a volume": (Mount(VOLUME, "v", "/d", ("nocopy", "subpath=a/b")), True),
    "volume": (Mount(VOLUME, "v", "/d", ("nocopy",)), False),
    "image": (Mount(IMAGE, "i", "/d"), True),
    "tmpfs that is given away, which its options do": (Mount(TMPFS, "", "/d", ("U",)), False),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_prepared(case):
    """The engine prepares exactly the mounts that OCI runtimes do not support."""
    mount, wanted = CASES[case]
    assert prepared([mount]) == ((mount,) if wanted else ())


def test_order():
    """Mounts are numbered by destination, so that numbers are the same at each start."""
    mounts = [Mount(IMAGE, "i", path) for path in ("/b", "/a/c", "/a")]
    assert [mount.destination for mount in prepared(mounts)] == ["/a", "/a/c", "/b"]


SHIFTS = {
    "not asked for": ((), PRIVATE, None),
    "the container's": (("idmap",), PRIVATE, PRIVATE),
    "own ids": (("idmap=uids=0-5-1;gids=0-6-1",), None, IdMap((Range(0, 5, 1),), (Range(0, 6, 1),))),
    "only uids": (("idmap=uids=0-5-1",), None, IdMap((Range(0, 5, 1),), ALL)),
    "only uids in a user namespace": (("idmap=uids=0-5-1",), PRIVATE, IdMap((Range(0, 5, 1),), PRIVATE.gids)),
}


@pytest.mark.parametrize("case", SHIFTS)
def test_shift(case):
    """Owners are mapped by the mount's own mapping, otherwise by the container's user namespace."""
    options, mapping, wanted = SHIFTS[case]
    assert shift(Mount(BIND, "/a", "/d", options), mapping) == wanted


def test_nothing_to_shift_to():
    """In the host's user namespace, idmap requires a mapping."""
    with pytest.raises(InvalidOption, match="userns"):
        shift(Mount(BIND, "/a", "/d", ("idmap",)), None)


OWNERS = {
    "host": (None, None, (7, 8)),
    "user namespace": (PRIVATE, None, (100007, 200008)),
    "shown with the same ids": (PRIVATE, PRIVATE, (7, 8)),
    "shown with other ids": (None, IdMap((Range(0, 5, 10),), (Range(0, 5, 10),)), (2, 3)),
}


@pytest.mark.parametrize("case", OWNERS)
def test_owner(case):
    """Files get the owner on disk that the mount shows as the container's user."""
    mapping, shifted, wanted = OWNERS[case]
    assert owner((7, 8), mapping, shifted) == wanted
