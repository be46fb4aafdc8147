# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/results.md matches the code's shapes, options and error codes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from _engine import errors
from _engine.lifecycle.info.shape import container_shape
from _engine.lifecycle.inspect.image import image_shape
from _engine.lifecycle.inspect.volume import volume_shape
from _engine.lifecycle.inspect.volume_content import content_shape
from _engine.model.container.options import OPTIONS
from _engine.model.volume.spec import Populated, VolumeRecord, VolumeSpec

PAGE = Path(__file__).parents[4] / "docs/results.md"


@pytest.fixture
def example():
    """Return a reader of the JSON example below a heading."""

    def read(heading):
        text = PAGE.read_text()
        return json.loads(re.search(rf"\n## {heading}\n\n```json\n(.*?)```", text, re.DOTALL)[1])

    return read


def invented(example, real):
    """Return the example's keys that the real shape lacks; empty mappings are for the user's keys."""
    keys = set()
    for key, value in example.items():
        if key not in real:
            keys.add(key)
        elif isinstance(value, dict) and isinstance(real[key], dict) and real[key]:
            keys |= invented(value, real[key])
    return keys


def test_shapes(example, container, image, layout):
    """The examples have no key that is never returned."""
    record = container({"volume": ["data:/data"]}, volumes={"/data": "data"})
    volume = VolumeRecord(VolumeSpec("data"), 1, populated=Populated("c4", "/data", 1, 1, 1))
    assert invented(example("container"), container_shape(record, image(), layout)) == set()
    told = {**volume_shape(volume, layout), **content_shape(layout.volume("data"))}
    assert invented(example("volume"), told) == set()
    assert invented(example("image"), image_shape(image())) == set()


def test_spec(example):
    """The example of a spec only has rows of the option table."""
    assert set(example("spec")) <= {option.name for option in OPTIONS}


def test_codes():
    """Every error code of errors.py is on the page."""
    classes = (item for item in vars(errors).values() if isinstance(item, type))
    codes = {item.code for item in classes if issubclass(item, errors.EngineError)}
    assert {code for code in codes if f"`{code}`" not in PAGE.read_text()} == set()
