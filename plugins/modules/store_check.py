#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look whether images are whole on the disk, and mend them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: store_check
short_description: Look whether images are whole on the disk, and mend them
version_added: 0.1.0
description:
  - Looks for layers that are missing or altered, for blobs that are missing or hold something else, for rows of the
    database without files and files without rows, and for what killed tasks have left.
  - With O(repair) it mends what it can. A layer is unpacked again from the blob that is kept of it, what nobody has is
    removed, and what the database says wrongly is taken from what lies beside the image. For the rest a warning says what to do.
  - A layer that a container has mounted is never touched, only told.
  - It may run while containers run, and while images are pulled.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.attributes
author:
  - Slipway authors (@slipway)
options:
  repair:
    description: Whether to mend what can be mended. In check mode the task only tells what that would be.
    type: bool
    default: false
  quick:
    description: Whether to leave unread what layers and blobs hold, so that only what is missing or too much is found.
    type: bool
    default: false
seealso:
  - module: slipway.oci.prune
"""

EXAMPLES = r"""
- name: Look whether the store is whole
  slipway.oci.store_check:
  register: store

- name: Mend what is not
  slipway.oci.store_check:
    repair: true
  register: store
"""

RETURN = r"""
faults:
  description: What was found to be wrong. Empty, when the store is whole.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description:
        - What it is. One of V(image_config), V(image_layers), V(image_manifest), V(image_note), V(image_unknown), V(image_gone),
          V(blob_missing), V(blob_altered), V(blob_unused), V(layer_missing), V(layer_altered), V(layer_unused), V(left),
          V(strange).
      type: str
      returned: always
    subject:
      description: The chain id of the layer, the digest of the blob, the id of the image, or a path.
      type: str
      returned: always
    text:
      description: The fault in words.
      type: str
      returned: always
    remedy:
      description: What is left to do, "" for nothing.
      type: str
      returned: always
    mended:
      description: Whether it was mended. In check mode, whether it would be.
      type: bool
      returned: always
  sample:
    - kind: blob_missing
      subject: sha256:8e1d60d6b6fdc2b1b8a1a1e1a5f5c0a7e7d3b9f6c1a2b3c4d5e6f708192a3b4c
      text: the blob sha256:8e1d60d6b6fd... of image localhost/app:1 is missing
      remedy: "Pull it again with pull: always, or load it again"
      mended: true
actions:
  description: What was mended, in order. In check mode, what would be.
  returned: success
  type: list
  elements: str
  sample: ["unpacked the layer 1f0b... again"]
diff:
  description: Always empty.
  returned: success
  type: dict
  sample: {before: {}, after: {}, before_header: "", after_header: ""}
plan:
  description: The same differences, with what each change requires.
  returned: success
  type: dict
  sample: {cost: "", changes: []}
timings:
  description: Duration of each step in seconds.
  returned: always
  type: dict
  sample: {store_check: 0.52}
error:
  description: Stable code of the error. What the error concerns is returned under keys of its own.
  returned: failure
  type: str
  sample: state_corrupt
"""

from ..module_utils._entry.task import run_task


def main() -> None:
    """Run the module."""
    run_task("store_check")


if __name__ == "__main__":
    main()
