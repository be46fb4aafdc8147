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
      - The registry, for example V(registry.example:5000). With a path (V(registry.example/team)), the credentials
        apply only to repositories below it.
      - The default is the first registry to search for names without one, C(docker.io) unless O(registries_conf) sets
        another.
    type: str
  username:
    description:
      - User name at the registry.
      - If O(username) and O(password) are unset, the credentials in the file are verified, and nothing is written.
    type: str
  password:
    description:
      - Password of the user, or a token that the registry accepts instead.
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
