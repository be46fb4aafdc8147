#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pull and remove images."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image
short_description: Pull an image from a registry, or remove it
version_added: 0.1.0
description:
  - Pulls an image from a registry (OCI distribution, Docker Registry v2) to the host, or removes it. The options are
    named as in M(containers.podman.podman_image).
  - Two layers are downloaded at a time. Each is verified against its digest during the download, and unpacked while the
    next ones are downloaded. Layers that exist on the host are not downloaded again. An interrupted pull is resumed.
  - The host needs the Python package C(requests), which the role P(slipway.oci.host#role) installs.
  - In check mode, the registry is queried, and RV(actions) reports the digest that a real run would pull. Nothing is
    changed.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.podman
  - slipway.oci.podman.quadlet
  - slipway.oci.podman.build
  - slipway.oci.attributes
author:
  - Slipway authors (@slipway)
options:
  name:
    description:
      - Name of the image, with a tag or a digest. The default tag is C(latest).
      - A name without a registry refers to the image C(localhost/NAME) of the host if it exists. Otherwise it is pulled
        from C(docker.io), or from the registries that O(registries_conf) lists.
      - To remove an image, its ID can be given as well.
    type: str
    required: true
  src:
    description:
      - Archive on the controller to load the image from, instead of a registry, in any format that
        M(slipway.oci.image_load) accepts. It is searched for as in M(ansible.builtin.copy). Layers that the host
        already has are not sent.
      - If the archive contains one image, it is loaded under O(name). If it contains several, the one with that name is
        loaded.
    type: path
  tag:
    description:
      - Tag of the image, if O(name) has none.
    type: str
  state:
    description:
      - With V(present), the image is pulled according to O(pull).
      - V(latest) is the same as V(present) with O(pull=newer).
      - With V(absent), the name is removed, and with its last name the image. The task fails if a container uses the
        image. The message names the container.
    type: str
    default: present
    choices: [present, absent, latest]
  pull:
    description:
      - When to pull the image. With V(missing), it is pulled if it does not exist. With V(newer), the registry is asked
        for the digest each time, and a changed image is pulled. If the registry cannot be reached, the existing image
        is used. V(always) does the same, but fails if the registry cannot be reached. With V(never), the image must
        exist.
      - As in M(containers.podman.podman_image), V(true) means V(missing) and V(false) means V(never).
    type: str
    default: missing
  force:
    description:
      - With O(state=present), ask the registry even if the image exists, as with O(pull=always).
      - With O(state=absent), remove all names of the image, and so the image.
    type: bool
    default: false
  username:
    description:
      - User name at the registry, instead of the credentials in O(auth_file).
    type: str
  password:
    description:
      - Password of the user.
    type: str
  auth_file:
    description:
      - Path on the host of the file with registry credentials, as written by C(podman login) and M(slipway.oci.login).
      - "If unset, the same files as podman are used: C($REGISTRY_AUTH_FILE), or else C(/run/containers/UID/auth.json),
        C(~/.config/containers/auth.json) and C(~/.docker/config.json), and the credential helpers that they name."
    type: path
    aliases: [authfile]
  tls_verify:
    description:
      - Verify the certificates of registries. With V(false), plain HTTP is allowed as well.
      - If unset, certificates are verified unless O(registries_conf) marks the registry as insecure.
    type: bool
    aliases: [tlsverify, validate_certs]
  ca_cert_dir:
    description:
      - Directory on the host with CA certificates (C(*.crt)) and client certificates (C(*.cert) with C(*.key)).
      - The default is C(/etc/containers/certs.d/REGISTRY) and C(/etc/docker/certs.d/REGISTRY).
    type: path
    aliases: [cert_dir, certdir]
  registries_conf:
    description:
      - "Path on the host of the registries' configuration: mirrors, remapped locations, insecure and blocked
        registries, and the registries to search for names without one. The file is JSON with the keys of
        containers-registries.conf(5)."
      - The default is C(/etc/slipway/registries.json), which need not exist.
    type: path
  retry:
    description:
      - Number of retries after a failure of the network or the registry.
      - The default is V(3).
    type: int
  retry_delay:
    description:
      - Delay between retries, for example V(5s).
      - "If unset, the delay doubles each time: one second, two, four. If the registry requests a delay
        (C(Retry-After)), that is used, up to two minutes."
    type: str
  arch:
    description:
      - Architecture of the image to pull, as Go names it, for example V(amd64) or V(arm64).
      - The default is the host's architecture.
    type: str
    aliases: [architecture]
  os:
    description:
      - Operating system of the image to pull.
      - The default is V(linux).
    type: str
  variant:
    description:
      - Architecture variant of the image to pull.
    type: str
  platform:
    description:
      - O(os), O(arch) and O(variant) in one, for example V(linux/arm64/v8).
    type: str
  pull_on:
    description:
      - Machine that contacts the registry. With V(host), the host pulls the image itself. With V(controller), the
        controller pulls it into its cache, once for all hosts of the task, and sends each host the layers that it
        lacks, still compressed, over the host's connection. The host then needs neither the Python package C(requests)
        nor access to the registry.
      - With V(auto), the host pulls the image, or the controller if the host cannot, because it does not reach the
        registry or lacks C(requests).
      - Credentials, certificates and O(registries_conf) are read on the machine that contacts the registry.
      - The cache is C($SLIPWAY_CACHE), by default C($XDG_CACHE_HOME/slipway) or C(~/.cache/slipway). Its size is
        limited to C($SLIPWAY_CACHE_SIZE) bytes, by default 20 GB. The least recently used images are removed first.
    type: str
    default: auto
    choices: [auto, host, controller]
  parcel:
    description:
      - Set by the action plugin, which transfers images from the controller. Not for use in playbooks.
    type: dict
seealso:
  - module: slipway.oci.image_load
  - module: slipway.oci.image_info
  - module: slipway.oci.image_remove
"""

EXAMPLES = r"""
- name: Pull an image
  slipway.oci.image:
    name: registry.example/team/app:1

- name: Update the image to the current version of its tag
  slipway.oci.image:
    name: registry.example/team/app:edge
    state: latest

- name: Remove it
  slipway.oci.image:
    name: registry.example/team/app:1
    state: absent
"""

RETURN = r"""
image:
  description: The image, in the format of C(podman image inspect). Empty with O(state=absent).
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
  description: The same image as a list.
  returned: success
  type: list
  elements: dict
  sample: []
actions:
  description: Actions taken, in order. In check mode, the actions that would be taken.
  returned: success
  type: list
  elements: str
  sample: ["pulled image registry.example/team/app:1 (sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08)"]
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
  sample: {image_ask: 0.0712, image_unpack: 0.2113}
error:
  description: Stable code of the error. What the error concerns is returned under keys of its own.
  returned: failure
  type: str
  sample: registry_denied
"""

from ..module_utils._entry.task import run_task


def main() -> None:
    """Run the module."""
    run_task("image")


if __name__ == "__main__":
    main()
