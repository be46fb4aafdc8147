# SPDX-License-Identifier: GPL-3.0-or-later
"""Specs of volumes."""

from __future__ import annotations

import json

from _engine.model.volume.spec import VolumeRecord, VolumeSpec


def test_the_json_form_has_every_field():
    """A volume's spec survives storing."""
    spec = VolumeSpec("data", {"tier": "db"}, "local", {"o": "x"})
    assert VolumeSpec(**json.loads(json.dumps(spec.encode()))) == spec


def test_a_new_volume_awaits_its_content():
    """A new volume is named, has no content from an image, and does not share its labels."""
    first, second = VolumeRecord(VolumeSpec("a"), 1), VolumeRecord(VolumeSpec("b"), 1)
    assert (first.needs_copy_up, first.populated, first.anonymous, first.removing) == (
        True,
        None,
        False,
        False,
    )
    assert first.spec.labels is not second.spec.labels
