# SPDX-License-Identifier: GPL-3.0-or-later
"""Reach a volume's content on the host, whether a container has it at the moment or not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..model.volume import VolumeRecord
from .engine import Engine


@contextmanager
def opened(engine: Engine, record: VolumeRecord) -> Iterator[str]:
    """Give the host path of the volume's content; the caller holds the volume's lock."""
    yield engine.layout.volume_data(record.spec.name)
