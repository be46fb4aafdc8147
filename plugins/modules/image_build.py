#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Report that building images is not implemented, and what to use instead."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_build
short_description: Not implemented yet; reports what to use instead
version_added: 0.1.0
description:
  - Always fails, with a message that says how to build an image from a Containerfile (Dockerfile).
  - Build it with C(buildah) and load the result with M(slipway.oci.image_load), or build an image from roles in a play
    with M(slipway.oci.container_commit).
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.attributes
author:
  - Slipway authors (@slipway)
options:
  name:
    description:
      - Name of the image.
    type: str
  path:
    description:
      - Directory of the build context.
    type: path
  file:
    description:
      - Path of the Containerfile.
    type: path
    aliases: [containerfile, dockerfile]
  args:
    description:
      - Build arguments.
    type: dict
    aliases: [build_args, buildargs]
  target:
    description:
      - Build stage to stop at.
    type: str
seealso:
  - module: slipway.oci.container_commit
  - module: slipway.oci.image_load
"""

EXAMPLES = r"""
- name: Find out how to build an image from a Containerfile
  slipway.oci.image_build:
    name: localhost/app:1
    path: /srv/app
  register: refused
  failed_when: refused.error != 'not_built_yet'
"""

RETURN = r"""
msg:
  description: How to build the image instead.
  returned: failure
  type: str
  sample: "building an image from a Containerfile is not implemented yet. Build it with `buildah build --tag NAME
    DIRECTORY` ..."
timings:
  description: Duration of each step in seconds.
  returned: always
  type: dict
  sample: {}
error:
  description: Stable code of the error.
  returned: failure
  type: str
  sample: not_built_yet
"""

from ..module_utils._entry.task import run_task


def main() -> None:
    """Run the module."""
    run_task("image_build")


if __name__ == "__main__":
    main()
