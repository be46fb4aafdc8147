# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest

from _engine.errors import HostLacks
from _engine.rootfs import overlay, support


def test_a_fitting_place_passes_and_stays_empty(place):
    """A directory that does not exist yet, on a suitable disk, passes; nothing is created or mounted."""
    support.probe(str(place / "not" / "there" / "yet"))
    assert os.listdir(place) == []


def test_a_root_inside_a_container_is_refused(place, container, layers):
    """An engine root on an overlay is detected without a test mount."""
    overlay.mount(container, layers({"a": "1"}))
    with pytest.raises(HostLacks) as caught:
        support.probe(f"{container.merged}/var/lib/slipway")
    assert caught.value.fields["fstype"] == "overlay"
    assert container.merged in caught.value.message
