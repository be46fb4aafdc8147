# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``image_save``: its options and its implementation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._engine.errors import InvalidOption
from ..._engine.images.save.image import DOCKER_ARCHIVE, FORMS
from ..._engine.lifecycle.image.save import SaveRequest, save
from ..._engine.model.values.text import plain_text
from ..options import ArgumentSpec
from ..podman_options import PROGRAM
from ..runner import run

ARGUMENTS: ArgumentSpec = {
    "image": {"type": "list", "elements": "str", "required": True, "aliases": ["name"]},
    "dest": {"type": "path", "required": True, "aliases": ["path"]},
    "format": {"type": "str", "choices": [*FORMS], "default": DOCKER_ARCHIVE},
    "compress": {"type": "bool"},
    "force": {"type": "bool", "default": True},
    "multi_image_archive": {"type": "bool"},
    "dest_on": {"type": "str", "choices": ["host", "controller"], "default": "host"},
    "parcel": {"type": "dict"},
}


def to_save(params: Mapping[str, Any]) -> SaveRequest:
    """Return the request of an ``image_save`` task. Raises InvalidOption, naming the option."""
    if not params["image"]:
        raise InvalidOption("image", params["image"], "is empty", remedy="Name at least one image")
    dest = plain_text("dest", params["dest"])
    describes = params["parcel"] is not None
    if params["dest_on"] != "host" and not describes:
        why = "is done by the module's own action plugin"
        raise InvalidOption("dest_on", params["dest_on"], why, remedy="Run it as a task that is not async")
    form = params["format"]
    return SaveRequest(tuple(params["image"]), dest, form, params["compress"], params["force"], describes)


def main() -> None:
    """Run the module."""
    run(
        ARGUMENTS,
        to_save,
        save,
        otherwise="saved images to {dest}",
        result={"dest": "{dest}", "images": []},
        files=True,
        foreign=PROGRAM,
    )
