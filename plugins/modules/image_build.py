#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say what builds images from Containerfiles."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_build
short_description: Not built yet, and what to use instead
version_added: 0.1.0
description:
  - Always fails, with a word on what builds an image from a Containerfile (Dockerfile), so that a task that asks for it
    ends with a way to go on.
  - C(buildah) builds it, and M(slipway.oci.image_load) loads what it has made. A play builds an image from roles with
    M(slipway.oci.container_commit).
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
      - Directory that is the context of the build.
    type: path
  file:
    description:
      - The Containerfile.
    type: path
    aliases: [containerfile, dockerfile]
  args:
    description:
      - Arguments of the build.
    type: dict
    aliases: [build_args, buildargs]
  target:
    description:
      - Stage to build.
    type: str
seealso:
  - module: slipway.oci.container_commit
  - module: slipway.oci.image_load
"""

EXAMPLES = r"""
- name: Learn what builds an image from a Containerfile
  slipway.oci.image_build:
    name: localhost/app:1
    path: /srv/app
  register: refused
  failed_when: refused.error != 'not_built_yet'
"""

RETURN = r"""
msg:
  description: What does it, and how.
  returned: failure
  type: str
  sample: "no image is built from a Containerfile: not built yet. `buildah build --tag NAME DIRECTORY` builds it ..."
timings:
  description: Seconds that each step took.
  returned: always
  type: dict
  sample: {}
error:
  description: Stable code of what went wrong.
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
