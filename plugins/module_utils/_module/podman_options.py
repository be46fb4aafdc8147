# SPDX-License-Identifier: GPL-3.0-or-later
"""Refuse the options of containers.podman's modules that concern podman itself, each with a remedy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .._engine.errors import InvalidOption
from .options import ArgumentSpec


class Foreign(NamedTuple):
    """An option of containers.podman: its argument spec, why it does not apply, and the remedy."""

    argument: Mapping[str, Any]
    why: str
    remedy: str


_TEXT, _BOOL, _PATH = {"type": "str"}, {"type": "bool"}, {"type": "path"}
_LIST = {"type": "list", "elements": "str"}
_NO_QUADLET = "is for systemd unit files, which the engine does not write"
_BOOT = "Leave it out. restart_policy and the boot unit of role slipway.oci.host start containers at boot"
_NO_REGISTRY = "is for pulling, and this module only removes images"
_LOAD = "Leave it out. Use image or image_load to get an image"
_BUILD = "is for builds, and building from a Containerfile is not implemented"
_BUILD_BY = "Build the image with buildah or in a play (docs/building.md), then use image_load or image"

_OPTIONS = {
    "executable": Foreign(
        _TEXT,
        "is the path of podman, which the engine does not use",
        "Leave it out. Use runtime to select crun or runc",
    ),
    "debug": Foreign(
        _BOOL,
        "shows podman's commands, and the engine runs none",
        "Leave it out; the result's actions and timings show what was done",
    ),
    "cmd_args": Foreign(
        _LIST,
        "is for podman's command line, which the engine does not use",
        "Leave it out, and set the module's options instead",
    ),
    "generate_systemd": Foreign({"type": "dict"}, _NO_QUADLET, _BOOT),
    "quadlet_dir": Foreign(_PATH, _NO_QUADLET, _BOOT),
    "quadlet_filename": Foreign(_TEXT, _NO_QUADLET, _BOOT),
    "quadlet_file_mode": Foreign({"type": "raw"}, _NO_QUADLET, _BOOT),
    "quadlet_options": Foreign(_LIST, _NO_QUADLET, _BOOT),
    "volume": Foreign(
        _TEXT,
        "is the name of a volume, which this module does not handle",
        "Use volume_export and volume_import",
    ),
    "state": Foreign(_TEXT, "is not supported by this module", "Leave it out. The module removes images"),
    "tag": Foreign(
        _TEXT, "is not supported by this module", "Add the tag to the name, for example localhost/app:1"
    ),
    "path": Foreign(_PATH, _BUILD, _BUILD_BY),
    "build": Foreign({"type": "dict", "aliases": ["build_args", "buildargs"]}, _BUILD, _BUILD_BY),
    "pull": Foreign(_BOOL, _NO_REGISTRY, _LOAD),
    "pull_extra_args": Foreign(
        _TEXT, "is for podman's command line, and none is run", "Set the module's options instead"
    ),
    "push": Foreign(
        _BOOL,
        "is for pushing, which this module does not do",
        "Leave it out. Use image_push to push the image",
    ),
    "push_args": Foreign(
        {"type": "dict"}, "is about pushing, which is a task of its own", "Leave it out; image_push pushes"
    ),
    "secret": Foreign(
        {**_TEXT, "no_log": False},
        "is the name of a podman secret, which the engine cannot read",
        "Set password, with a value from Ansible Vault",
    ),
    "arch": Foreign(_TEXT, _NO_REGISTRY, _LOAD),
    "auth_file": Foreign({**_PATH, "aliases": ["authfile"]}, _NO_REGISTRY, _LOAD),
    "ca_cert_dir": Foreign(_PATH, _NO_REGISTRY, _LOAD),
    "username": Foreign(_TEXT, _NO_REGISTRY, _LOAD),
    "password": Foreign({**_TEXT, "no_log": True}, _NO_REGISTRY, _LOAD),
    "validate_certs": Foreign({**_BOOL, "aliases": ["tlsverify", "tls_verify"]}, _NO_REGISTRY, _LOAD),
}

#: The options that the modules refuse which have a counterpart in containers.podman.
PROGRAM = ("executable",)
QUADLET = (*PROGRAM, "debug", "quadlet_dir", "quadlet_filename", "quadlet_file_mode", "quadlet_options")
CONTAINER = (*QUADLET, "generate_systemd", "cmd_args")
IMAGE = (
    tuple(name for name in _OPTIONS if name not in (*CONTAINER, "volume", "secret"))
    + QUADLET[:1]
    + QUADLET[2:]
)
LOGGED_IN = (*PROGRAM, "secret")
#: The options of podman_image that module ``image`` refuses: builds, pushes, and podman's own.
PULLED = (*PROGRAM, *QUADLET[2:], "path", "build", "pull_extra_args", "push", "push_args")


def foreign_options(names: Sequence[str]) -> ArgumentSpec:
    """Return the argument spec of these options."""
    return {name: _OPTIONS[name].argument for name in names}


def refuse_foreign(names: Sequence[str], params: Mapping[str, Any]) -> None:
    """Raise InvalidOption if one of the options is set; false and empty values are allowed."""
    for name in names:
        if params.get(name) and (name, params[name]) != ("state", "absent"):
            told = None if _OPTIONS[name].argument.get("no_log") else params[name]
            raise InvalidOption(name, told, _OPTIONS[name].why, remedy=_OPTIONS[name].remedy)
