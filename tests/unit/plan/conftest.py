# SPDX-License-Identifier: GPL-3.0-or-later
"""Specs and records for plans."""

from __future__ import annotations

import pytest

from _engine.model.container.spec import ContainerSpec
from _engine.model.engine.record import ContainerRecord


@pytest.fixture
def spec():
    """Return a function that creates specs."""

    def make(**options):
        return ContainerSpec.parse({"name": "web", "image": "app:1", "network": ["none"], **options})

    return make


@pytest.fixture
def record(spec):
    """Return a function that creates records of a container with image ``i1``; ``options`` are those of its spec."""

    def make(status="configured", options=None, **fields):
        return ContainerRecord(
            "f" * 64, spec(**(options or {})), 1, **{"image_id": "i1", "status": status, **fields}
        )

    return make
