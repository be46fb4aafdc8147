#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create images from containers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_commit
short_description: Create an image from a container
version_added: 0.1.0
description:
  - Creates an image from a container, running or not. What the container has written becomes one more layer on top of
    its image. The options are named as in C(podman commit).
  - If the image of that name already has the same content and configuration, nothing changes.
  - Volumes, bind mounts and other file systems mounted in the container are not part of the image, nor are the empty
    files and directories that were created as mount points.
  - Owners are recorded as the container sees them. Extended attributes, file capabilities, ACLs, hard links, sparse
    files, devices and timestamps are preserved. Sockets are left out.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.attributes
author:
  - Slipway authors (@slipway)
options:
  container:
    description:
      - Name or ID of the container.
    type: str
    required: true
  image:
    description:
      - Name of the image. A name without a registry is prefixed with C(localhost/). The default tag is C(latest).
      - An image that had the name before loses it, but is not removed.
      - If unset, the image has no name.
    type: str
    aliases: [name]
  author:
    description:
      - Author of the image. If unset, the author of the container's image.
    type: str
  commit_message:
    description:
      - Comment in the history of the image, podman's C(--message). The name C(message) is reserved by Ansible.
    type: str
  changes:
    description:
      - Changes to the image's configuration, such as its command and environment, applied on top of O(config). Each is
        a Dockerfile instruction, or a mapping from its keyword to its arguments.
      - The supported instructions are C(CMD), C(ENTRYPOINT), C(ENV), C(EXPOSE), C(LABEL), C(STOPSIGNAL), C(USER),
        C(VOLUME) and C(WORKDIR).
    type: list
    elements: raw
    aliases: [change]
  config:
    description:
      - V(container) uses the container's command, entrypoint, environment, labels, user, working directory, ports and
        anonymous volumes, as podman does. A secret in an environment variable then ends up in the image, readable by
        anyone who has the image.
      - V(image) uses the configuration of the container's image.
    type: str
    choices: [container, image]
    default: container
  pause:
    description:
      - Pause a running container while its files are read. With V(false), files that are written meanwhile may be
        inconsistent.
    type: bool
    default: true
  squash:
    description:
      - Create an image with a single layer, which includes the content of the layers below.
    type: bool
    default: false
  include_volumes:
    description:
      - Declare the mount points of all volumes and bind mounts as volumes of the image.
      - With O(config=image) it has no effect.
    type: bool
    default: false
  timestamp:
    description:
      - Time of the image and of all files in its new layer, in seconds since 1970, as in C(buildah commit). The same
        files then produce the same image, on every host and at any time.
      - If unset, the image has the current time, and each file keeps its own.
    type: int
  cache_key:
    description:
      - Key of this build stage, a string, list or mapping of everything that the stage depends on.
        M(slipway.oci.image_cache) finds the image by its parent image and this key, so that the stage is not built
        again.
      - A digest of both is stored in the image's label C(slipway.oci.stage).
    type: raw
seealso:
  - module: slipway.oci.image_cache
  - module: slipway.oci.container
  - module: slipway.oci.container_export
"""

EXAMPLES = r"""
- name: Create an image from a container
  slipway.oci.container_commit:
    container: app
    image: localhost/app:2
    commit_message: with a plugin
    changes:
      - CMD ["/bin/server", "--port", "8080"]
      - ENV: MODE=production

- name: Create an image with a single layer and the configuration of the container's image
  slipway.oci.container_commit:
    container: app
    image: localhost/app-whole:2
    config: image
    squash: true

- name: Create an image that can be found again as a build stage
  slipway.oci.container_commit:
    container: app
    image: localhost/app-stage:1
    timestamp: 1700000000
    cache_key: [plugin, "1.4"]
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
    History:
      description: Build history of the image, step by step.
      type: list
      elements: dict
      returned: always
  sample:
    Id: 8e1d60d6b6fdc2b1b8a1a1e1a5f5c0a7e7d3b9f6c1a2b3c4d5e6f708192a3b4c
    RepoTags: ["localhost/app:2"]
    Architecture: amd64
    Os: linux
    Config: {Cmd: [/bin/server], Env: [PATH=/bin], WorkingDir: /}
actions:
  description: Actions taken, in order. In check mode, the actions that would be taken.
  returned: success
  type: list
  elements: str
  sample: ["committed image localhost/app:2"]
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
  sample: {commit_read: 0.0388, image_unpack: 0.1041}
error:
  description: Stable code of the error. What the error concerns is returned under keys of its own.
  returned: failure
  type: str
  sample: not_found
"""

from ..module_utils._entry.task import run_task


def main() -> None:
    """Run the module."""
    run_task("container_commit")


if __name__ == "__main__":
    main()
