#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return information about images."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_info
short_description: Return information about images
version_added: 0.1.0
description:
  - Returns all images of the engine, or the named ones in the order given.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.podman
  - slipway.oci.attributes.info
author:
  - Slipway authors (@slipway)
options:
  name:
    description:
      - Names or IDs of the images to return. One that does not exist is left out.
      - If unset, all are returned. An empty list returns none.
    type: list
    elements: str
  label:
    description:
      - Return only images that have all of these labels, each C(NAME) or C(NAME=VALUE), as with C(podman images
        --filter label).
    type: list
    elements: str
    aliases: [labels]
  reference:
    description:
      - Return only images that have a name matching one of these patterns, as with C(podman images --filter reference).
      - C(*) matches any text and C(?) any character. A pattern without a registry or a tag matches any registry or tag.
    type: list
    elements: str
  dangling:
    description:
      - If V(true), return only images without a name. An image loses its name when a newer image gets it. If V(false),
        return only images with a name.
    type: bool
seealso:
  - module: slipway.oci.image_prune
  - module: slipway.oci.image_load
"""

EXAMPLES = r"""
- name: Get information about all images
  slipway.oci.image_info:
  register: everything

- name: Get information about one image
  slipway.oci.image_info:
    name: localhost/app:1
  register: found

- name: Get information about a team's production images
  slipway.oci.image_info:
    reference: "registry.example/team/*"
    label: stage=production
  register: ours

- name: Get information about images without a name
  slipway.oci.image_info:
    dangling: true
  register: left
"""

RETURN = r"""
images:
  description:
    - The images, in the format of C(podman image inspect).
    - An unknown value is null.
  returned: success
  type: list
  elements: dict
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
    - Id: 8e1d60d6b6fdc2b1b8a1a1e1a5f5c0a7e7d3b9f6c1a2b3c4d5e6f708192a3b4c
      RepoTags: ["localhost/app:1"]
      Architecture: amd64
      Os: linux
      Config: {Cmd: [/bin/server], Env: [PATH=/bin], WorkingDir: /}
timings:
  description: Duration of each step in seconds.
  returned: always
  type: dict
  sample: {}
error:
  description: Stable code of the error. What the error concerns is returned under keys of its own.
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
