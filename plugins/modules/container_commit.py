#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make images of containers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_commit
short_description: Make an image of a container
version_added: 0.1.0
description:
  - Makes an image of what a container has written, as one more layer over the image that it was made from,
    whether it runs or not. Options have the names of C(podman commit).
  - The same content that says the same under the same name is no change, so a second run changes nothing.
  - Volumes, directories of the host and other file systems that are mounted in the container are not part of the image, nor are
    the empty files and directories that were made for something to be mounted on.
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
      - Name or id of the container.
    type: str
    required: true
  image:
    description:
      - Name of the image. A name without a registry is prefixed with C(localhost/). The default tag is C(latest).
      - An image that had the name before loses it, but is not removed.
      - Unset makes an image without a name.
    type: str
    aliases: [name]
  author:
    description:
      - Who has made the image. Unset leaves what the image says that the container was made from.
    type: str
  commit_message:
    description:
      - Comment in the history of the image, C(--message) of podman. Ansible keeps the name C(message) for itself.
    type: str
  changes:
    description:
      - What the image says of command, environment and so on, over what O(config) brings. Each is a line of a Dockerfile, or a
        mapping from its first word to the rest.
      - Words are C(CMD), C(ENTRYPOINT), C(ENV), C(EXPOSE), C(LABEL), C(STOPSIGNAL), C(USER), C(VOLUME) and
        C(WORKDIR).
    type: list
    elements: raw
    aliases: [change]
  config:
    description:
      - V(container) takes over the container's own command, entrypoint, environment, labels, user, working directory, ports and
        anonymous volumes, as podman does. An environment variable that holds a secret is in the image then,
        for everybody to read.
      - V(image) says what the image says that the container was made from.
    type: str
    choices: [container, image]
    default: container
  pause:
    description:
      - Whether a running container is paused while it is read. With V(false), files that are written meanwhile may be torn.
    type: bool
    default: true
  squash:
    description:
      - Make an image of one layer, which holds what the layers below hold, too.
    type: bool
    default: false
  include_volumes:
    description:
      - Declare all places of volumes and of directories of the host as volumes of the image.
      - With O(config=image) it has no effect.
    type: bool
    default: false
  timestamp:
    description:
      - Time of the image and of all files of its new layer, in seconds since 1970, as C(buildah commit) has it. The same files
        give the same image then, on every host and at any time.
      - Unset is now for the image, and for each file its own time.
    type: int
  cache_key:
    description:
      - What this stage of a build is made of, as a text, or a list or mapping of anything. M(slipway.oci.image_cache) finds the
        image again by the image below and this key, so that the stage is not built once more.
      - A digest of both is kept in the image's label C(slipway.oci.stage).
    type: raw
seealso:
  - module: slipway.oci.image_cache
  - module: slipway.oci.container
  - module: slipway.oci.container_export
"""

EXAMPLES = r"""
- name: Make an image of a container
  slipway.oci.container_commit:
    container: app
    image: localhost/app:2
    commit_message: with a plugin
    changes:
      - CMD ["/bin/server", "--port", "8080"]
      - ENV: MODE=production

- name: Make one of a single layer that says what the image below says
  slipway.oci.container_commit:
    container: app
    image: localhost/app-whole:2
    config: image
    squash: true

- name: Make one that is known again as the stage of a build
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
    History:
      description: How the image was built, step by step.
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
