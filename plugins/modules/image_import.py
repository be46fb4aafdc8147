#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create images from directory trees."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_import
short_description: Create an image from a directory or a tar archive
version_added: 0.1.0
description:
  - Creates an image with one layer from a directory tree or a tar archive on the host.
  - The same files and the same O(changes) produce the same image, so a second run changes nothing.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.podman
  - slipway.oci.podman.volume
  - slipway.oci.attributes
author:
  - Slipway authors (@slipway)
options:
  src:
    description:
      - Path of the directory or tar archive (plain or compressed with gzip or zstd) on the host.
    type: path
    required: true
  name:
    description:
      - Name of the image. A name without a registry is prefixed with C(localhost/). The default tag is C(latest).
    type: str
    required: true
  changes:
    description:
      - Configuration of the image, such as its command and environment. Each item is a Dockerfile instruction, or a
        mapping from its keyword to its arguments.
      - The supported instructions are C(CMD), C(ENTRYPOINT), C(ENV), C(EXPOSE), C(LABEL), C(STOPSIGNAL), C(USER),
        C(VOLUME) and C(WORKDIR).
    type: list
    elements: raw
    aliases: [change]
  commit_message:
    description:
      - Comment in the history of the image.
    type: str
seealso:
  - module: slipway.oci.image_load
"""

EXAMPLES = r"""
- name: Create an image from a directory
  slipway.oci.image_import:
    src: /srv/tree
    name: localhost/tree:1
    changes:
      - CMD ["/bin/server", "--port", "8080"]
      - ENV PATH=/bin MODE=production
      - WORKDIR: /data
"""

RETURN = r"""
image:
  description: The image, in the format of C(podman image inspect).
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
actions:
  description: Actions taken, in order. In check mode, the actions that would be taken.
  returned: success
  type: list
  elements: str
  sample: ["imported image localhost/tree:1"]
diff:
  description: Differences by option, before and after the task.
  returned: success
  type: dict
  sample: {before: {}, after: {}, before_header: "localhost/tree:1", after_header: "localhost/tree:1"}
plan:
  description: The same differences, with what each change requires. C(cost) is empty or C(live).
  returned: success
  type: dict
  sample: {cost: "", changes: []}
timings:
  description: Duration of each step in seconds.
  returned: always
  type: dict
  sample: {image_read: 0.0388, image_unpack: 0.1041}
error:
  description: Stable code of the error. What the error concerns is returned under keys of its own.
  returned: failure
  type: str
  sample: archive_broken
"""

from ..module_utils._entry.task import run_task


def main() -> None:
    """Run the module."""
    run_task("image_import")


if __name__ == "__main__":
    main()
