# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of faults of the store, and a fault that a check has found."""

from __future__ import annotations

from typing import Any

from ...frozen import dataclass

#: Inconsistent rows of images: restored from the image's sidecar file, or the manifest is dropped.
CONFIG, LAYERS, MANIFEST = "image_config", "image_layers", "image_manifest"
#: Notes of images: rewritten, adopted, or removed.
NOTE, UNKNOWN_IMAGE = "image_note", "image_unknown"
IMAGE_GONE = "image_gone"
BLOB_MISSING, BLOB_ALTERED, BLOB_UNUSED = "blob_missing", "blob_altered", "blob_unused"
LAYER_MISSING, LAYER_ALTERED, LAYER_UNUSED = "layer_missing", "layer_altered", "layer_unused"
#: Files left by a killed process, or put there by something else.
LEFT, STRANGE = "left", "strange"


@dataclass(frozen=True)
class Fault:
    """A fault; ``subject`` is a chain id, a digest, an image's id or a path.

    ``mend`` says what a repair does about it, "" if it can do nothing; ``remedy`` says what is left for the user to do.
    """

    kind: str
    subject: str
    text: str
    mend: str = ""
    remedy: str = ""

    def shape(self, *, mended: bool) -> dict[str, Any]:
        """Return the fault in the shape of a task's result."""
        return {
            "kind": self.kind,
            "subject": self.subject,
            "text": self.text,
            "remedy": self.remedy,
            "mended": mended,
        }
