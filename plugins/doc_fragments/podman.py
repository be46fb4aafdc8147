# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation fragment: the options of containers.podman's modules that do not apply and are refused."""

from __future__ import annotations


class ModuleDocFragment:
    """Options about podman itself: its executable, its unit files, its registries."""

    DOCUMENTATION = r"""
options:
  executable:
    description: Refused. Path of podman's executable. Use O(runtime) to select the OCI runtime.
    type: str
"""

    LOGIN = r"""
options:
  secret:
    description: Refused. Name of a podman secret. Use O(password) with a value from Ansible Vault.
    type: str
"""

    DEBUG = r"""
options:
  debug:
    description: Refused if V(true). Shows podman's commands. RV(ignore:actions) lists the actions taken.
    type: bool
"""

    QUADLET = r"""
options:
  quadlet_dir:
    description: Refused. Directory of podman's unit files. The engine does not write any.
    type: path
  quadlet_filename:
    description: Refused. Name of podman's unit file. The engine does not write one.
    type: str
  quadlet_file_mode:
    description: Refused. Mode of podman's unit file. The engine does not write one.
    type: raw
  quadlet_options:
    description: Refused. Lines of podman's unit file. The engine does not write one.
    type: list
    elements: str
"""

    CONTAINER = r"""
options:
  generate_systemd:
    description: Refused. Generates a systemd unit with podman. Use the boot unit of the role P(slipway.oci.host#role)
      instead.
    type: dict
  cmd_args:
    description: Refused. Arguments for podman's command line. Use the module's options instead.
    type: list
    elements: str
"""

    VOLUME = r"""
options:
  volume:
    description: Refused. Name of a volume. Use M(slipway.oci.volume_export) and M(slipway.oci.volume_import) for
      volumes.
    type: str
"""

    BUILD = r"""
options:
  path:
    description: Refused. Directory of the build context. Building from a Containerfile is not implemented.
    type: path
  build:
    description: Refused. Build options. Building from a Containerfile is not implemented.
    type: dict
    aliases: [build_args, buildargs]
  pull_extra_args:
    description: Refused. Arguments for podman's command line. Use the module's options instead.
    type: str
  push:
    description: Refused if V(true). Pushes the image. Use a task of M(slipway.oci.image_push) instead.
    type: bool
  push_args:
    description: Refused. Options of the push. Use a task of M(slipway.oci.image_push) instead.
    type: dict
"""

    IMAGE = r"""
options:
  state:
    description: Refused unless V(absent), because this module only removes images.
    type: str
  tag:
    description: Refused. Write the tag in O(name) instead.
    type: str
  pull:
    description: Refused if V(true). Pulls the image. This module only removes images.
    type: bool
  arch:
    description: Refused. Architecture of the image to pull. This module only removes images.
    type: str
  auth_file:
    description: Refused. File with registry credentials. This module only removes images.
    type: path
    aliases: [authfile]
  ca_cert_dir:
    description: Refused. Directory of registry certificates. This module only removes images.
    type: path
  username:
    description: Refused. User name at the registry. This module only removes images.
    type: str
  password:
    description: Refused. Password at the registry. This module only removes images.
    type: str
  validate_certs:
    description: Refused if V(true). Verifies the registry's certificate. This module only removes images.
    type: bool
    aliases: [tlsverify, tls_verify]
"""
