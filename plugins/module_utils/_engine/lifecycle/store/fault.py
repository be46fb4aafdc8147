# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be wrong with the store, and what a check found."""

from __future__ import annotations

from typing import Any

from ...frozen import dataclass

#: Rows of images that say what can't be; they are made again from what lies beside.
CONFIG, LAYERS, MANIFEST = "image_config", "image_layers", "image_manifest"
#: What lies beside images: written anew, taken up, or removed.
NOTE, UNKNOWN_IMAGE = "image_note", "image_unknown"
IMAGE_GONE = "image_gone"
BLOB_MISSING, BLOB_ALTERED, BLOB_UNUSED = "blob_missing", "blob_altered", "blob_unused"
LAYER_MISSING, LAYER_ALTERED, LAYER_UNUSED = "layer_missing", "layer_altered", "layer_unused"
#: Left by who was killed, or put there by somebody else.
LEFT, STRANGE = "left", "strange"


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: ``subject`` is a chain id, a digest, an image's id or a path.

    ``mend`` is what a repair does about it, "" where it can do nothing; ``remedy`` is what is left to do then, or after.
    """

    kind: str
    subject: str
    text: str
    mend: str = ""
    remedy: str = ""

    def shape(self, *, mended: bool) -> dict[str, Any]:
        """Return what a task tells of it."""
        return {
            "kind": self.kind,
            "subject": self.subject,
            "text": self.text,
            "remedy": self.remedy,
            "mended": mended,
        }
