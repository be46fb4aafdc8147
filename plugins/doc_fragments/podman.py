# SPDX-License-Identifier: GPL-3.0-or-later
"""Document the options of containers.podman's modules that have no meaning here, and are refused with a remedy."""

from __future__ import annotations


class ModuleDocFragment:
    """Options about podman itself: its program, its unit files, its registries."""

    DOCUMENTATION = r"""
options:
  executable:
    description: Refused. Names podman's program; O(runtime) names the OCI runtime here.
    type: str
"""

    LOGIN = r"""
options:
  secret:
    description: Refused. Name of a secret of podman's; write O(password), out of a vault.
    type: str
"""

    DEBUG = r"""
options:
  debug:
    description: Refused when true. Shows podman's commands; here RV(ignore:actions) tells what was done.
    type: bool
"""

    QUADLET = r"""
options:
  quadlet_dir:
    description: Refused. Directory of podman's unit files; the engine writes none.
    type: path
  quadlet_filename:
    description: Refused. Name of podman's unit file; the engine writes none.
    type: str
  quadlet_file_mode:
    description: Refused. Mode of podman's unit file; the engine writes none.
    type: raw
  quadlet_options:
    description: Refused. Lines of podman's unit file; the engine writes none.
    type: list
    elements: str
"""

    CONTAINER = r"""
options:
  generate_systemd:
    description: Refused. How podman writes a unit file; here the boot unit of role P(slipway.oci.host#role) does its work.
    type: dict
  cmd_args:
    description: Refused. Words for podman's command line; each has an option here.
    type: list
    elements: str
"""

    VOLUME = r"""
options:
  volume:
    description: Refused. Names a volume; M(slipway.oci.volume_export) and M(slipway.oci.volume_import) are for volumes.
    type: str
"""

    BUILD = r"""
options:
  path:
    description: Refused. Where to build an image; no Containerfile is read here.
    type: path
  build:
    description: Refused. How to build an image; no Containerfile is read here.
    type: dict
    aliases: [build_args, buildargs]
  pull_extra_args:
    description: Refused. Words for podman's command line; each has an option here.
    type: str
  push:
    description: Refused when true. Whether to push the image; a task of its own does.
    type: bool
  push_args:
    description: Refused. How to push; a task of its own does.
    type: dict
"""

    IMAGE = r"""
options:
  state:
    description: Refused but for V(absent), which this module is about.
    type: str
  tag:
    description: Refused. The tag is a part of O(name) here.
    type: str
  pull:
    description: Refused when true. Whether to pull the image; this module removes.
    type: bool
  arch:
    description: Refused. Architecture of the image to pull; this module removes.
    type: str
  auth_file:
    description: Refused. File with the credentials of registries; this module removes.
    type: path
    aliases: [authfile]
  ca_cert_dir:
    description: Refused. Directory of the certificates of registries; this module removes.
    type: path
  username:
    description: Refused. User of a registry; this module removes.
    type: str
  password:
    description: Refused. Password of a registry; this module removes.
    type: str
  validate_certs:
    description: Refused when true. Whether a registry's certificate is verified; this module removes.
    type: bool
    aliases: [tlsverify, tls_verify]
"""
