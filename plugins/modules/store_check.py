#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verify the image store on disk, and repair it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: store_check
short_description: Verify the images on disk, and repair them
version_added: 0.1.0
description:
  - Looks for missing or altered layers and blobs, for database entries without files, files without database entries,
    and leftovers of killed tasks.
  - With O(repair), faults are repaired where possible. A layer is unpacked again from its blob, unused files are
    removed, and wrong database entries are restored from the metadata stored with the image. For other faults, a
    warning says what to do.
  - A layer that is mounted by a container is reported but never touched.
  - The module can run while containers run and images are pulled.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.attributes
author:
  - Slipway authors (@slipway)
options:
  repair:
    description: Repair what can be repaired. In check mode, only report what would be repaired.
    type: bool
    default: false
  quick:
    description: Do not read the content of layers and blobs. Only missing and superfluous ones are then found.
    type: bool
    default: false
seealso:
  - module: slipway.oci.prune
"""

EXAMPLES = r"""
- name: Verify the image store
  slipway.oci.store_check:
  register: store

- name: Repair the image store
  slipway.oci.store_check:
    repair: true
  register: store
"""

RETURN = r"""
faults:
  description: Faults that were found. Empty if the store is intact.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description:
        - Type of the fault. One of V(image_config), V(image_layers), V(image_manifest), V(image_note),
          V(image_unknown), V(image_gone), V(blob_missing), V(blob_altered), V(blob_unused), V(layer_missing),
          V(layer_altered), V(layer_unused), V(left), V(strange).
      type: str
      returned: always
    subject:
      description: Chain ID of the layer, digest of the blob, ID of the image, or a path.
      type: str
      returned: always
    text:
      description: Description of the fault.
      type: str
      returned: always
    remedy:
      description: What remains to be done. Empty if nothing does.
      type: str
      returned: always
    mended:
      description: Whether the fault was repaired. In check mode, whether it would be.
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
