#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Save images to archives."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_save
short_description: Save images to an archive or a directory
version_added: 0.1.0
description:
  - Writes images of the host to an archive or a directory on it, which M(slipway.oci.image_load), podman, Docker and skopeo read.
    Options have the names of M(containers.podman.podman_save).
  - The same images give the same bytes, whenever they are saved. Images and layers keep their ids and digests. An image that was
    pulled keeps its manifest and blobs, and so its own digest, in a format of the manifest's kind. That is V(docker-dir) for
    Docker's, and V(oci-archive) and V(oci-dir) for OCI's.
  - What is there is no change when it is of that format, holds these images under these names and no others, and each of its
    blobs has its digest. To know that it is read, and nothing is written or compressed.
  - The archive is put in its place when it is whole. A failed or killed task leaves what was there.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.podman
  - slipway.oci.attributes
  - ansible.builtin.files
author:
  - Slipway authors (@slipway)
options:
  image:
    description:
      - Names or ids of the images. An image is saved under the names that it has here, without a name where it is
        here by its id.
    type: list
    elements: str
    required: true
    aliases: [name]
  dest:
    description:
      - The file or directory to write. The directory that it is in has to be there.
      - What is new can be read by root alone unless O(mode) says otherwise. What is there keeps owner and mode.
      - A directory is replaced as a whole. One that holds anything but saved images is left alone, and the task fails.
    type: path
    required: true
    aliases: [path]
  dest_on:
    description:
      - The machine that O(dest) is a path of, the V(host) or the V(controller).
      - A file of the controller is compared there with the images of the host. Only when it differs, the host writes the
        archive to a temporary file, which is fetched.
      - V(controller) takes the formats that are one file, and of the options for files O(mode) alone, in octal. A task in the
        background (C(async)) can't fetch.
    type: str
    choices: [host, controller]
    default: host
  format:
    description:
      - V(docker-archive) is one file, with layers that are not compressed. Docker and podman load several images of it.
      - V(oci-archive) and V(oci-dir) are an OCI image layout, as a file or a directory, with layers compressed by gzip. podman
        loads those of one image and one name.
      - V(docker-dir) is a directory with one image, its manifest in Docker's form and its layers as they came, else not
        compressed. It holds no names.
    type: str
    choices: [docker-archive, oci-archive, oci-dir, docker-dir]
    default: docker-archive
  compress:
    description:
      - Whether layers are compressed by gzip; V(docker-archive) takes no V(true). Those that came compressed stay as they came.
      - With V(false) none is, and the manifest is made anew.
      - Unset, O(format) decides.
    type: bool
  force:
    description:
      - Bring what is there up to date. With V(false) it is left alone, whatever it holds.
    type: bool
    default: true
  multi_image_archive:
    description:
      - Of no effect. Each word of O(image) is an image, and names of one image go together.
    type: bool
  parcel:
    description:
      - Set by the action plugin. Not for playbooks.
    type: dict
  unsafe_writes:
    description:
      - Has no effect. The file is always replaced atomically.
notes:
  - A layer that an older version of the collection has unpacked can be saved once its image was loaded again, or pulled again.
seealso:
  - module: slipway.oci.image_load
  - module: slipway.oci.image_tag
"""

EXAMPLES = r"""
- name: Save an image
  slipway.oci.image_save:
    image: localhost/app:1
    dest: /srv/app-saved.tar

- name: Save two as an OCI archive, for a group to read
  slipway.oci.image_save:
    image:
      - localhost/app:1
      - localhost/tree:1
    dest: /srv/site.tar
    format: oci-archive
    mode: "0640"

- name: Save an image to a file of the controller
  slipway.oci.image_save:
    image: localhost/app:1
    dest: "{{ inventory_hostname }}-app.tar"
    dest_on: controller
"""

RETURN = r"""
dest:
  description: Path of the file or directory, with symlinks resolved.
  returned: success
  type: str
  sample: /srv/app-saved.tar
images:
  description: The images, in the format of C(podman image inspect), as with M(slipway.oci.image_load).
  returned: success
  type: list
  elements: dict
  sample: [{RepoTags: ["localhost/app:1"]}]
actions:
  description: Actions taken. In check mode, the actions that would be taken.
  returned: success
  type: list
  elements: str
  sample: ["saved image localhost/app:1 to /srv/app-saved.tar"]
diff:
  description: The images in what was there, before and after.
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
  sample: {image_check: 0.0021, image_save: 0.2113}
error:
  description: Stable code of the error. What the error concerns is returned under keys of its own.
  returned: failure
  type: str
  sample: not_found
"""

from ..module_utils._entry.task import run_task


def main() -> None:
    """Run the module."""
    run_task("image_save")


if __name__ == "__main__":
    main()
