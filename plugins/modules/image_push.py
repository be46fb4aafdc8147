#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Push images to registries."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_push
short_description: Push an image to a registry
version_added: 0.1.0
description:
  - Pushes an image of the host to a registry. If the name in the registry already refers to this image, nothing
    changes.
  - Only blobs that the registry lacks are uploaded, two at a time. Blobs that another of its repositories has are
    mounted from there. An interrupted upload is resumed if the registry supports it.
  - A pulled image is pushed exactly as it was pulled, so it keeps its digest. For other images, a manifest is created
    and the layers are compressed with gzip. The same image always produces the same digest.
  - The host needs the Python package C(requests), which the role P(slipway.oci.host#role) installs.
  - In check mode, the registry is queried, but nothing is uploaded.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.podman
  - slipway.oci.attributes
author:
  - Slipway authors (@slipway)
options:
  name:
    description:
      - Name or ID of the image on the host.
    type: str
    required: true
  dest:
    description:
      - Name to push the image to, for example V(registry.example/team/app:1). It may begin with C(docker://).
      - V(oci-archive:/PATH), V(docker-archive:/PATH), V(oci:/DIRECTORY) and V(dir:/DIRECTORY) write the image to the
        host instead, as M(slipway.oci.image_save) does.
      - The default is the name in O(name).
    type: str
    aliases: [destination]
  force:
    description:
      - Push the image even if the name in the registry already refers to it.
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
seealso:
  - module: slipway.oci.image
  - module: slipway.oci.image_save
  - module: slipway.oci.login
"""

EXAMPLES = r"""
- name: Push an image to a repository of another team
  slipway.oci.image_push:
    name: registry.example/team/app:edge
    dest: registry.example/other/app:2
"""

RETURN = r"""
digest:
  description:
    - Digest of the manifest that the name refers to in the registry. In check mode, the digest of the manifest that the
      image was pulled with, if any.
  returned: success
  type: str
  sample: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
dest:
  description: The full name.
  returned: success
  type: str
  sample: registry.example/other/app:2
image:
  description: The image, in the shape of C(podman image inspect).
  returned: success
  type: dict
  sample: {Id: 8e1d60d6b6fdc2b1b8a1a1e1a5f5c0a7e7d3b9f6c1a2b3c4d5e6f708192a3b4c, RepoTags: ["registry.example/team/app:edge"]}
actions:
  description: Actions taken, in order. In check mode, the actions that would be taken.
  returned: success
  type: list
  elements: str
  sample: ["pushed image registry.example/team/app:edge to registry.example/other/app:2"]
diff:
  description: Always empty.
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
  sample: {image_ask: 0.0712, image_push: 1.2113}
error:
  description: Stable code of the error. What the error concerns is returned under keys of its own.
  returned: failure
  type: str
  sample: registry_denied
"""

from ..module_utils._entry.task import run_task


def main() -> None:
    """Run the module."""
    run_task("image_push")


if __name__ == "__main__":
    main()
