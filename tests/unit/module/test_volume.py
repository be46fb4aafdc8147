# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of module volume become a request of the engine."""

from __future__ import annotations

import pytest
from ansible_collections.slipway.oci.plugins.module_utils._engine.errors import InvalidOption, NotBuiltYet
from ansible_collections.slipway.oci.plugins.module_utils._module.tasks.volume import to_volume

UNSET = {
    "name": "data",
    "state": "present",
    **dict.fromkeys(("label", "driver", "options", "uid", "gid", "mode")),
    "recreate": False,
    "force": False,
}


def test_labels_become_texts():
    """A label that YAML reads as a number becomes the string that was written."""
    request = to_volume({**UNSET, "label": {"tier": 1}, "driver": "local", "options": []})
    assert (request.spec.name, request.spec.labels, request.state) == ("data", {"tier": "1"}, "present")
    assert request.how.unset == set()


@pytest.mark.parametrize(
    "options",
    [
        ["type=nfs", "device=nas:/a", "o=vers=4.2,soft"],
        {"type": "nfs", "device": "nas:/a", "o": "soft,vers=4.2"},
        {"type": "nfs", "device": "nas:/a", "o": ["vers=4.2", "soft"]},
        {"type": "nfs", "device": "nas:/a", "o": {"vers": 4.2, "soft": True}},
    ],
)
def test_one_meaning_in_four_spellings(options):
    """A list, a mapping, and a mapping of lists or mappings are equivalent."""
    spec = to_volume({**UNSET, "options": options}).spec
    assert spec.options == {"type": "nfs", "device": "nas:/a", "o": "soft,vers=4.2"}


def test_one_text():
    """A single option may be a string."""
    assert to_volume({**UNSET, "options": "o=uid=5"}).spec.options == {"uid": "5"}


@pytest.mark.parametrize(
    ("state", "given", "unset"),
    [
        ("present", {}, {"options"}),
        ("mounted", {}, {"options", "labels"}),
        ("unmounted", {"options": [], "label": {}}, set()),
        ("present", {"uid": 5, "mode": "0700"}, {"options"}),
    ],
)
def test_what_is_unset(state, given, unset):
    """Unset options are kept; so are labels if the task only mounts or unmounts."""
    assert to_volume({**UNSET, "state": state, **given}).how.unset == unset


def test_another_driver_is_refused():
    """There is only one driver so far."""
    with pytest.raises(NotBuiltYet, match="driver: image: not implemented yet"):
        to_volume({**UNSET, "driver": "image"})


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"name": "../x"}, "name"),
        ({"label": {"a": None}}, "label.a"),
        ({"options": 5}, "options"),
        ({"options": {"o": {"nosuid": False}}}, "options"),
        ({"mode": 488}, "mode"),
        ({"uid": -1}, "uid"),
    ],
)
def test_a_wrong_value_is_refused_by_option(options, option):
    """The error names the option."""
    with pytest.raises(InvalidOption) as caught:
        to_volume({**UNSET, **options})
    assert caught.value.fields["option"] == option


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"state": "absent", "recreate": True}, "recreate: true has no effect with state: absent"),
        ({"state": "unmounted", "recreate": True}, "recreate: true has no effect with state: unmounted"),
        ({"state": "absent", "populate": "again"}, "populate has no effect with state: absent"),
        ({"state": "unmounted", "populate": "again"}, "populate has no effect with state: unmounted"),
    ],
)
def test_what_is_said_in_vain_is_told(given, told):
    """An option without effect in a state, for example from defaults, is ignored with a warning."""
    request = to_volume({**UNSET, "populate_from": None, **given})
    assert (request.remarks, request.how.recreate, request.refill) == ((told,), False, None)
