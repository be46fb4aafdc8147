# SPDX-License-Identifier: GPL-3.0-or-later
"""Records for the tests of shapes."""

from __future__ import annotations

import json

import pytest

from _engine.model.container.spec import ContainerSpec
from _engine.model.engine.layout import Layout
from _engine.model.engine.record import ContainerRecord, ImageRecord, LayerRecord

ID = "1f0a" * 16
IMAGE_ID = "c4" * 32
#: 2026-11-23T22:17:37.123456789Z
CREATED = 1_795_472_257_123_456_789


@pytest.fixture
def layout():
    """Return a layout with short paths."""
    return Layout("/ROOT", "/RUN")


@pytest.fixture
def image():
    """Return a factory of image records from the ``config`` part of an image configuration."""

    def make(run=None, *, names=("localhost/app:1",), **top):
        layers = tuple(LayerRecord(letter * 64, f"sha256:{letter * 64}", 100) for letter in "ab")
        rootfs = {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]}
        config = json.dumps({"config": run or {}, "rootfs": rootfs, **top}).encode()
        return ImageRecord(IMAGE_ID, config, CREATED, "sha256:" + "d" * 64, tuple(names), layers)

    return make


@pytest.fixture
def container():
    """Return a factory of container records from a task's options; ``of_record`` are the record's fields."""

    def make(options=None, **of_record):
        base = {"name": "app", "image": "localhost/app:1", "network": ["none"]}
        spec = ContainerSpec.parse({**base, **(options or {})})
        fields = {"image_id": None if spec.rootfs else IMAGE_ID, **of_record}
        return ContainerRecord(ID, spec, CREATED, **fields)

    return make
