# SPDX-License-Identifier: GPL-3.0-or-later
"""Options populate and populate_from of module volume become a request of the engine."""

from __future__ import annotations

import pytest
from ansible_collections.slipway.oci.plugins.module_utils._engine.errors import InvalidOption
from ansible_collections.slipway.oci.plugins.module_utils._engine.model.volume.spec import (
    PopulateFrom,
    Refill,
)
from ansible_collections.slipway.oci.plugins.module_utils._module.tasks.volume_fill import to_refill

SOURCE = {"image": "app:1", "path": "/etc/./app/"}


def read(state="present", populate=None, source=None):
    """Read the options as the module has them."""
    return to_refill({"state": state, "populate": populate, "populate_from": source})


@pytest.mark.parametrize(
    ("populate", "source", "wanted"),
    [
        (None, None, None),
        ("again", None, Refill(again=True)),
        ("again", SOURCE, Refill(True, PopulateFrom("app:1", "/etc/app"))),
        ("once", SOURCE, Refill(False, PopulateFrom("app:1", "/etc/app"))),
    ],
)
def test_what_is_asked_for(populate, source, wanted):
    """Nothing, once from a place, again from the same or another."""
    assert read(populate=populate, source=source) == wanted


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"populate": "once"}, "belong together"),
        ({"source": SOURCE}, "belong together"),
        (
            {"populate": "once", "source": {"image": "a", "path": "etc"}},
            "populate_from.path: 'etc' is not an absolute path",
        ),
    ],
)
def test_what_does_not_fit_is_refused(words, told):
    """An incomplete request is refused."""
    with pytest.raises(InvalidOption, match=told):
        read(**words)
