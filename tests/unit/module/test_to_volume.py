# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of module volume become a request of the engine."""

from __future__ import annotations

import pytest
from ansible_collections.slipway.oci.plugins.module_utils._engine.errors import InvalidOption, NotBuiltYet
from ansible_collections.slipway.oci.plugins.module_utils._module.to_volume import to_volume

UNSET = {"state": "present", "label": None, "driver": None, "options": None, "recreate": False}


def test_labels_become_texts():
    """A label that YAML reads as a number is the text that was written."""
    request = to_volume({**UNSET, "name": "data", "label": {"tier": 1}, "driver": "local", "options": []})
    assert (request.spec.name, request.spec.labels, request.state) == ("data", {"tier": "1"}, "present")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"driver": "nfs"}, "driver: nfs: not built yet"),
        ({"options": ["type=tmpfs"]}, "options: not built yet"),
        ({"recreate": True, "options": ["o=1"]}, "options, recreate: not built yet"),
    ],
)
def test_what_is_not_built_is_refused(options, told):
    """Drivers, their options, and making a volume anew are refused by name."""
    with pytest.raises(NotBuiltYet, match=told):
        to_volume({**UNSET, "name": "data", **options})


@pytest.mark.parametrize(
    ("options", "option"), [({"name": "../x"}, "name"), ({"label": {"a": None}}, "label.a")]
)
def test_a_wrong_value_is_refused_by_option(options, option):
    """The error names the option."""
    with pytest.raises(InvalidOption) as caught:
        to_volume({**UNSET, "name": "data", **options})
    assert caught.value.fields["option"] == option
