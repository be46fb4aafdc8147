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
  - Writes images to an archive or a directory on the host, in a format that M(slipway.oci.image_load), podman, Docker
    and skopeo read. The options are named as in M(containers.podman.podman_save).
  - The same images always produce the same bytes. Images and layers keep their IDs and digests. A pulled image also
    keeps its manifest and blobs, and so its digest, if O(format) matches the type of its manifest, V(docker-dir) for a
    Docker manifest, V(oci-archive) or V(oci-dir) for an OCI manifest.
  - Nothing changes if O(dest) already has that format, contains exactly these images under these names, and all of its
    blobs match their digests. To find out, the file is only read; nothing is written or compressed.
  - The archive appears at its path only when it is complete. A failed or killed task leaves the previous content.
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
      - Names or IDs of the images. An image is saved under the names that are given here, or without a name if it is
        given by its ID.
    type: list
    elements: str
    required: true
    aliases: [name]
  dest:
    description:
      - File or directory to write. Its parent directory must exist.
      - A new file or directory is readable only by root unless O(mode) is set. An existing one keeps its owner and
        mode.
      - A directory is replaced as a whole. If it contains anything other than saved images, it is left alone, and the
        task fails.
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
      - V(docker-archive) is a single file with uncompressed layers. Docker and podman can load several images from it.
      - V(oci-archive) and V(oci-dir) are an OCI image layout, as a file or a directory, with layers compressed with
        gzip. podman loads only those with one image and one name.
      - V(docker-dir) is a directory with one image, a Docker manifest, and the layers as they were pulled, otherwise
        uncompressed. It does not contain names.
    type: str
    choices: [docker-archive, oci-archive, oci-dir, docker-dir]
    default: docker-archive
  compress:
    description:
      - Compress layers with gzip. V(true) is not supported with V(docker-archive). Layers that were pulled compressed
        are kept as they are.
      - With V(false), no layer is compressed, and a new manifest is written.
      - If unset, it depends on O(format).
    type: bool
  force:
    description:
      - Update an existing file or directory. With V(false), it is left alone, whatever its content.
    type: bool
    default: true
  multi_image_archive:
    description:
      - Has no effect. Each item of O(image) is an image, and several names of one image are saved together.
    type: bool
  parcel:
    description:
      - Set by the action plugin. Not for playbooks.
    type: dict
  unsafe_writes:
    description:
      - Has no effect. The file is always replaced atomically.
notes:
  - A layer that was unpacked by an older version of the collection can be saved only after its image is loaded or
    pulled again.
seealso:
  - module: slipway.oci.image_load
  - module: slipway.oci.image_tag
"""

EXAMPLES = r"""
- name: Save an image
  slipway.oci.image_save:
    image: localhost/app:1
    dest: /srv/app-saved.tar

- name: Save two images as an OCI archive that a group can read
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
  description: The images in the file or directory, before and after the task.
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
