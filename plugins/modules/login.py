#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log in to registries."""

from __future__ import annotations

DOCUMENTATION = r"""
module: login
short_description: Log in to a registry
version_added: 0.1.0
description:
  - Verifies a user and password with a registry, and stores them on the host in the credentials file that podman and
    skopeo use as well. The options are named as in M(containers.podman.podman_login).
  - Nothing changes if the file already has these credentials and the registry still accepts them. The file is replaced
    atomically and readable only by its owner. Its other entries are kept. An invalid file is not overwritten.
  - If the file names a credential helper for the registry (C(credHelpers), C(credsStore)), the helper stores the
    credentials.
  - In check mode, the credentials are verified with the registry, but nothing is written.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.podman
  - slipway.oci.podman.login
  - slipway.oci.attributes
author:
  - Slipway authors (@slipway)
options:
  registry:
    description:
      - The registry, as in V(registry.example:5000); a path below it (V(registry.example/team)) makes the credentials
        count for what is there alone.
      - "Unset, the first one for names without a registry: C(docker.io), or what O(registries_conf) says."
    type: str
  username:
    description:
      - User of the registry.
      - Unset, with O(password) unset too, the credentials that the file has are verified, and nothing is written.
    type: str
  password:
    description:
      - Password of that user, or a token that the registry takes in its place.
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
seealso:
  - module: slipway.oci.logout
  - module: slipway.oci.image
  - module: slipway.oci.image_push
"""

EXAMPLES = r"""
- name: Log in to a registry
  slipway.oci.login:
    registry: registry.example
    username: bob
    password: "{{ registry_password }}"

- name: Store the credentials of a team in a separate file
  slipway.oci.login:
    registry: registry.example/team
    username: bob
    password: "{{ registry_password }}"
    auth_file: /srv/auth.json
"""

RETURN = r"""
registry:
  description: The registry, as recorded in the file.
  returned: success
  type: str
  sample: registry.example
username:
  description: The user that is logged in. Empty if the file has a token instead of a user.
  returned: success
  type: str
  sample: bob
auth_file:
  description: The file that has the credentials, or that names the credential helper.
  returned: success
  type: str
  sample: /run/containers/0/auth.json
actions:
  description: Actions taken, in order. In check mode, the actions that would be taken.
  returned: success
  type: list
  elements: str
  sample: ["logged in to registry.example as bob"]
diff:
  description: Always empty, because credentials are not shown.
  returned: success
  type: dict
  sample: {before: {}, after: {}, before_header: "", after_header: ""}
plan:
  description: Always empty.
  returned: success
  type: dict
  sample: {cost: "", changes: []}
timings:
  description: Duration of each step in seconds.
  returned: always
  type: dict
  sample: {}
error:
  description: Stable code of the error. What the error concerns is returned under keys of its own.
  returned: failure
  type: str
  sample: registry_denied
"""

from ..module_utils._entry.task import run_task


def main() -> None:
    """Run the module."""
    run_task("login")


if __name__ == "__main__":
    main()
