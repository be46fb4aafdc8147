#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell about images."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_info
short_description: Tell about images
version_added: 0.1.0
description:
  - Returns all images of the engine or those named, in the order asked for.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.podman
  - slipway.oci.attributes.info
author:
  - Slipway authors (@slipway)
options:
  name:
    description:
      - Names or ids of the images to tell about. One that is not there is left out.
      - Unset means all. An empty list asks for none.
    type: list
    elements: str
  label:
    description:
      - Only images that have all of these labels, each C(NAME) or C(NAME=VALUE), as with C(podman images --filter label).
    type: list
    elements: str
    aliases: [labels]
  reference:
    description:
      - Only images of which a name fits one of these patterns, as with C(podman images --filter reference).
      - C(*) and C(?) stand for any text and any character. A registry and a tag that a pattern leaves out may be any.
    type: list
    elements: str
  dangling:
    description:
      - If V(true), only images without a name, as they are left when their name goes to a newer one. If V(false), only
        those with one.
    type: bool
seealso:
  - module: slipway.oci.image_prune
  - module: slipway.oci.image_load
"""

EXAMPLES = r"""
- name: Tell about all images
  slipway.oci.image_info:
  register: everything

- name: Tell about one image
  slipway.oci.image_info:
    name: localhost/app:1
  register: found

- name: Tell about the images of one team that are for production
  slipway.oci.image_info:
    reference: "registry.example/team/*"
    label: stage=production
  register: ours

- name: Tell about images without a name
  slipway.oci.image_info:
    dangling: true
  register: left
"""

RETURN = r"""
images:
  description:
    - The images in the shape of C(podman image inspect).
    - What is not known is null.
  returned: success
  type: list
  elements: dict
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
      description: Architecture that the image is for.
      type: str
      returned: always
    Config:
      description: What the image says of command, environment, user and more.
      type: dict
      returned: always
    RootFS:
      description: The digests of the layers, lowest first.
      type: dict
      returned: always
  sample:
    - Id: 8e1d60d6b6fdc2b1b8a1a1e1a5f5c0a7e7d3b9f6c1a2b3c4d5e6f708192a3b4c
      RepoTags: ["localhost/app:1"]
      Architecture: amd64
      Os: linux
      Config: {Cmd: [/bin/server], Env: [PATH=/bin], WorkingDir: /}
timings:
  description: Seconds that each step took.
  returned: always
  type: dict
  sample: {}
error:
  description: Stable code of what went wrong. The things it is about stand beside it under their own keys.
  returned: failure
  type: str
  sample: state_corrupt
"""

from ..module_utils._entry.task import run_task


def main() -> None:
    """Run the module."""
    run_task("image_info", looks=True)


if __name__ == "__main__":
    main()
