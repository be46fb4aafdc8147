#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Load images from archives."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_load
short_description: Load images from an archive
version_added: 0.1.0
description:
  - Loads every image of an OCI archive, a docker archive, or a directory as C(podman save --format oci-dir) and
    C(podman save --format docker-dir) make it, plain or compressed with gzip, bzip2, xz or zstd. Options have the names of
    M(containers.podman.podman_load).
  - Of an image for several platforms the host's is loaded. Signatures, attestations and SBOMs beside images are passed over.
  - Every blob is checked against its digest, also where what it holds is there already. An archive that is cut short,
    altered, or would write outside of its layer is refused, and nothing of it stays.
  - Images that are there already, under the same names, are no change.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.podman
  - slipway.oci.attributes
author:
  - Slipway authors (@slipway)
options:
  input:
    description:
      - Path of the archive, or of the directory, on the host.
    type: path
    required: true
    aliases: [path]
  name:
    description:
      - What the image is called on the host, in place of the names that it has in the archive. The archive must have
        one image then, or O(reference) name one.
      - A name without a registry is prefixed with C(localhost/). The default tag is C(latest).
      - Unset, it gets the archive's own names, which are taken away from images that have them.
    type: str
  reference:
    description:
      - Which of the archive's images to load, by a name that it has there, its id (12 digits or more) or the digest of its
        manifest. Named by its name, it gets that name alone.
      - Unset, all are loaded.
    type: str
seealso:
  - module: slipway.oci.image_import
  - module: slipway.oci.image_info
"""

EXAMPLES = r"""
- name: Load an image
  slipway.oci.image_load:
    input: /srv/app.tar

- name: Load it under a name of one's own, so that no other is taken away
  slipway.oci.image_load:
    input: /srv/app.tar
    name: trial/app:1
"""

RETURN = r"""
image:
  description: The first image of the archive in the shape of C(podman image inspect).
  returned: success
  type: dict
  contains:
    Id:
      description: Id of the image, the digest of its configuration.
      type: str
      returned: always
    RepoTags:
      description: Names of the image.
      type: list
      elements: str
      returned: always
    Created:
      description: When the image was built.
      type: str
      returned: always
    Architecture:
      description: CPU architecture of the image.
      type: str
      returned: always
    Config:
      description: "Configuration of the image: command, environment, user and more."
      type: dict
      returned: always
    RootFS:
      description: Digests of the layers, lowest first.
      type: dict
      returned: always
  sample:
    Id: 8e1d60d6b6fdc2b1b8a1a1e1a5f5c0a7e7d3b9f6c1a2b3c4d5e6f708192a3b4c
    RepoTags: ["localhost/app:1"]
    Architecture: amd64
    Os: linux
    Config: {Cmd: [/bin/server], Env: [PATH=/bin], WorkingDir: /}
images:
  description: All images of the archive, in its order.
  returned: success
  type: list
  elements: dict
  sample: []
actions:
  description: Actions taken, in order. In check mode, the actions that would be taken.
  returned: success
  type: list
  elements: str
  sample: ["loaded image localhost/app:1"]
diff:
  description: Differences by option, before and after the task.
  returned: success
  type: dict
  sample: {before: {}, after: {}, before_header: "", after_header: ""}
plan:
  description: The same differences, with what each change requires. C(cost) is empty or C(live).
  returned: success
  type: dict
  sample: {cost: "", changes: []}
timings:
  description: Duration of each step in seconds.
  returned: always
  type: dict
  sample: {image_check: 0.0712, image_unpack: 0.2113}
error:
  description: Stable code of the error. What the error concerns is returned under keys of its own.
  returned: failure
  type: str
  sample: digest_mismatch
"""

from ..module_utils._entry.task import run_task


def main() -> None:
    """Run the module."""
    run_task("image_load")


if __name__ == "__main__":
    main()
