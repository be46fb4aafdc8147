# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes as asked for."""

from __future__ import annotations

import json

from _engine.model.volume.spec import VolumeRecord, VolumeSpec


def test_the_json_form_has_every_field():
    """What is stored of a volume's spec makes the same spec again."""
    spec = VolumeSpec("data", {"tier": "db"}, "local", {"o": "x"})
    assert VolumeSpec(**json.loads(json.dumps(spec.encode()))) == spec


def test_a_new_volume_awaits_its_content():
    """A new volume is a named one, holds nothing of an image yet, and no two share their labels."""
    first, second = VolumeRecord(VolumeSpec("a"), 1), VolumeRecord(VolumeSpec("b"), 1)
    assert (first.needs_copy_up, first.populated, first.anonymous, first.removing) == (
        True,
        None,
        False,
        False,
    )
    assert first.spec.labels is not second.spec.labels
