#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log out of registries."""

from __future__ import annotations

DOCUMENTATION = r"""
module: logout
short_description: Log out of a registry
version_added: 0.1.0
description:
  - Removes the credentials of a registry, or all of them, from the file where M(slipway.oci.login) and C(podman login)
    store them. The options are named as in M(containers.podman.podman_logout).
  - If the file has none, nothing changes. If it names a credential helper for the registry, the credentials are removed
    from the helper.
  - No registry is contacted.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.podman
  - slipway.oci.attributes
author:
  - Slipway authors (@slipway)
options:
  registry:
    description:
      - The registry, as given to M(slipway.oci.login).
      - The default is the first registry to search for names without one, C(docker.io) unless O(registries_conf) sets
        another.
    type: str
  all:
    description:
      - Remove all credentials of the file.
    type: bool
    default: false
  auth_file:
    description:
      - Path of the credentials file on the host.
      - The default is C($REGISTRY_AUTH_FILE), or else C(/run/containers/UID/auth.json).
    type: path
    aliases: [authfile]
  registries_conf:
    description:
      - Path on the host of the registries' configuration, which lists the registries to search for names without one.
      - The default is C(/etc/slipway/registries.json), which need not exist.
    type: path
  ignore_docker_credentials:
    description:
      - Do not fail if another file, such as C(~/.docker/config.json), still has credentials for O(registry), which
        remain in use. Without this option, that is an error unless O(auth_file) is set.
    type: bool
    default: false
seealso:
  - module: slipway.oci.login
"""

EXAMPLES = r"""
- name: Log out of a registry
  slipway.oci.logout:
    registry: registry.example

- name: Remove all credentials of a file
  slipway.oci.logout:
    all: true
    auth_file: /srv/auth.json
"""

RETURN = r"""
registry:
  description: The registry. Empty with O(all).
  returned: success
  type: str
  sample: registry.example
auth_file:
  description: The file that had the credentials.
  returned: success
  type: str
  sample: /run/containers/0/auth.json
actions:
  description: Actions taken, in order. In check mode, the actions that would be taken.
  returned: success
  type: list
  elements: str
  sample: ["logged out of registry.example"]
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
  sample: invalid_option
"""

from ..module_utils._entry.task import run_task


def main() -> None:
    """Run the module."""
    run_task("logout")


if __name__ == "__main__":
    main()
