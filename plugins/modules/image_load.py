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
  - Loads the images of an OCI archive, a docker archive, or a directory as written by C(podman save --format oci-dir)
    or C(podman save --format docker-dir). An archive may be plain or compressed with gzip, bzip2, xz or zstd. The
    options are named as in M(containers.podman.podman_load).
  - Of a multi-platform image, the variant for the host's platform is loaded. Signatures, attestations and SBOMs are
    skipped.
  - Every blob is verified against its digest, even if its content already exists on the host. An archive that is
    truncated, altered, or would write outside its layer is refused, and nothing of it remains.
  - Images that already exist under the same names are no change.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.podman
  - slipway.oci.attributes
author:
  - Slipway authors (@slipway)
options:
  input:
    description:
      - Path of the archive or directory on the host.
    type: path
    required: true
    aliases: [path]
  name:
    description:
      - Name of the image on the host, instead of its names in the archive. The archive must then contain one image, or
        O(reference) must select one.
      - A name without a registry is prefixed with C(localhost/). The default tag is C(latest).
      - If unset, the images get their names from the archive. Other images that have these names lose them.
    type: str
  reference:
    description:
      - Image of the archive to load, given by a name in the archive, its ID (at least 12 digits) or the digest of its
        manifest. An image given by name gets only that name.
      - If unset, all images are loaded.
    type: str
seealso:
  - module: slipway.oci.image_import
  - module: slipway.oci.image_info
"""

EXAMPLES = r"""
- name: Load an image
  slipway.oci.image_load:
    input: /srv/app.tar

- name: Load it under a different name, so that no other image loses its name
  slipway.oci.image_load:
    input: /srv/app.tar
    name: trial/app:1
"""

RETURN = r"""
image:
  description: The first image of the archive, in the format of C(podman image inspect).
  returned: success
  type: dict
  contains:
    Id:
      description: ID of the image, the digest of its configuration.
      type: str
      returned: always
    RepoTags:
      description: Names of the image.
      type: list
      elements: str
      returned: always
    Created:
      description: Time when the image was built.
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
  description: All loaded images, in the order of the archive.
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
