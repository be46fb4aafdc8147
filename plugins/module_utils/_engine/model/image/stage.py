# SPDX-License-Identifier: GPL-3.0-or-later
"""The identity of a build stage: its parent image, and a key of all its inputs; pure."""

from __future__ import annotations

import hashlib
import json

from ...errors import InvalidOption

#: The label of an image that is a stage. It is part of the image, so a pulled stage is recognized too.
STAGE = "slipway.oci.stage"


def digest(parent: str, key: object) -> str:
    """Return the value of the label. It does not reveal the key, which may contain a secret.

    ``parent`` is the ID of the parent image; ``key`` a string, a number, or lists and mappings of these.
    """
    text = json.dumps([parent.removeprefix("sha256:"), key], sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def check_key(option: str, key: object) -> object:
    """Return the key. Raises InvalidOption if it is empty, because all stages of a parent would share it."""
    if key is None or key in ("", [], {}):
        raise InvalidOption(
            option, key, "is empty", remedy="Name the inputs of the stage: versions, contents of files"
        )
    return key
