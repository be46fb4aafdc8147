# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from _engine.model.values.labels import match, owner

LABELS = {"slipway.oci.owner": "tests", "tier": "db", "empty": ""}
WANTED = {
    "none": ([], True),
    "a name": (["tier"], True),
    "a name and its value": (["tier=db"], True),
    "several": (["tier=db", "empty"], True),
    "one of several is another": (["tier=db", "tier=web"], False),
    "another name": (["Tier"], False),
    "another value": (["tier=d"], False),
    "an empty value": (["empty="], True),
    "an empty value of one that has some": (["tier="], False),
    "a value with an equals sign": (["tier=db=1"], False),
}


@pytest.mark.parametrize("case", WANTED)
def test_match(case):
    """All filters must match, with the value if it is given."""
    wanted, found = WANTED[case]
    assert match(LABELS, wanted) is found


def test_owner():
    """Only the owner label of a container is inherited by its volumes."""
    assert owner(LABELS) == {"slipway.oci.owner": "tests"}
    assert owner({"tier": "db"}) == owner(None) == {}
