# SPDX-License-Identifier: GPL-3.0-or-later
"""A stage of a build, as it is known again: by the image that it stands on, and a key of all that it is made of; pure."""

from __future__ import annotations

import hashlib
import json

from ...errors import InvalidOption

#: The label of an image that is a stage. It goes where the image goes, so a stage that was pulled is known as well.
STAGE = "slipway.oci.stage"


def digest(parent: str, key: object) -> str:
    """Return the value of the label: it tells nothing of the key, in which a secret may be. Raises InvalidOption("cache_key").

    ``parent`` is the id of the image below; ``key`` a text, a number, or lists and mappings of such.
    """
    text = json.dumps([parent.removeprefix("sha256:"), key], sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def check_key(option: str, key: object) -> object:
    """Return the key; raises InvalidOption for one that all stages of a parent would have."""
    if key is None or key in ("", [], {}):
        raise InvalidOption(
            option, key, "is empty", remedy="Write what the stage is made of: versions, contents of files"
        )
    return key
