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
      - Name of the image, with a tag or a digest; with neither it has the tag C(latest).
      - Without a registry it is an image of this host (C(localhost/NAME)) if there is one. To be pulled, it is looked
        for at C(docker.io), or where O(registries_conf) says.
      - To remove an image, its id is taken too.
    type: str
    required: true
  src:
    description:
      - "Archive of the controller that the image is loaded from, in place of a registry: of any form that
        M(slipway.oci.image_load) takes, found as M(ansible.builtin.copy) finds it. Layers that the host has already are
        not sent."
      - An archive of one image gives it under O(name). Of several it is the one that has that name.
    type: path
  tag:
    description:
      - Tag of the image, where O(name) has none.
    type: str
  state:
    description:
      - V(present) has the image, as O(pull) says.
      - V(latest) is V(present) with O(pull=newer).
      - V(absent) removes the name, and with its last name the image. It fails when a container was made from the image,
        naming it.
    type: str
    default: present
    choices: [present, absent, latest]
  pull:
    description:
      - "When the registry is asked. V(missing): when the image is not there. V(newer): each time, by the digest alone,
        and what is new is pulled; where the registry can't be reached, the image that is there is good enough.
        V(always): each time, and the registry has to answer. V(never): never."
      - "A boolean is what it is in M(containers.podman.podman_image): V(true) is V(missing), V(false) is V(never)."
    type: str
    default: missing
  force:
    description:
      - With O(state=present), whether the registry is asked though the image is there, as O(pull=always) does.
      - With O(state=absent), whether all names of the image are removed, and so the image.
    type: bool
    default: false
  username:
    description:
      - User of the registry, in place of what the files of credentials have for it.
    type: str
  password:
    description:
      - Password of that user.
    type: str
  auth_file:
    description:
      - File on the host with the credentials of registries, as C(podman login) and M(slipway.oci.login) write it.
      - "Unset, the files that podman looks into: C($REGISTRY_AUTH_FILE), else C(/run/containers/UID/auth.json),
        C(~/.config/containers/auth.json) and C(~/.docker/config.json), and the credential helpers that they name."
    type: path
    aliases: [authfile]
  tls_verify:
    description:
      - Whether certificates of registries are verified. With V(false) a registry that speaks plain http is taken too.
      - Unset, they are, unless the file of registries calls one insecure.
    type: bool
    aliases: [tlsverify, validate_certs]
  ca_cert_dir:
    description:
      - Directory on the host with certificates of authorities (C(*.crt)) and of the client (C(*.cert) with C(*.key)).
      - Unset, C(/etc/containers/certs.d/REGISTRY) and C(/etc/docker/certs.d/REGISTRY).
    type: path
    aliases: [cert_dir, certdir]
  registries_conf:
    description:
      - "File on the host that says where registries are: mirrors, other places, which are insecure or blocked, and
        where names without a registry are looked for. It has the keys of containers-registries.conf(5), written as
        JSON."
      - Unset, C(/etc/slipway/registries.json), which need not be there.
    type: path
  retry:
    description:
      - How often what failed by the network or the registry is tried again.
      - Unset is V(3).
    type: int
  retry_delay:
    description:
      - Time between two tries, as in V(5s).
      - "Unset, it is longer each time: a second, two, four. Where the registry says when to come again, that is kept,
        two minutes at most."
    type: str
  arch:
    description:
      - Architecture of the image to pull, by Go's name for it (V(amd64), V(arm64)).
      - Unset is the host's.
    type: str
    aliases: [architecture]
  os:
    description:
      - Operating system of the image to pull.
      - Unset is V(linux).
    type: str
  variant:
    description:
      - Variant of the architecture of the image to pull.
    type: str
  platform:
    description:
      - The three in one word, as in V(linux/arm64/v8).
    type: str
  pull_on:
    description:
      - "Who asks the registry. V(host): the host itself. V(controller): the controller, once for all hosts of a task,
        into a cache of its own; each host is sent the layers that it lacks, compressed as they came, over its own
        connection. It needs neither Python's C(requests) nor a way to the registry then."
      - "V(auto): the host, and the controller where the host can't: nothing answers there, or it has no C(requests)."
      - Credentials, certificates and O(registries_conf) are those of the machine that asks.
      - The cache is C($XDG_CACHE_HOME/slipway), C(~/.cache/slipway) unless that is set, or C($SLIPWAY_CACHE). It holds
        20 GB at most, or as many bytes as C($SLIPWAY_CACHE_SIZE) says; what was used longest ago goes first.
    type: str
    default: auto
    choices: [auto, host, controller]
  parcel:
    description:
      - Set by the action plugin, which brings images from the controller. Not for playbooks.
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
      description: Id of the image, the digest of its configuration.
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
