# SPDX-License-Identifier: GPL-3.0-or-later
"""Answer the options of containers.podman's modules that are about podman itself: each with what to do instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .._engine.errors import InvalidOption
from .options import ArgumentSpec


class Foreign(NamedTuple):
    """An option of theirs: its type there, why it is none here, and what to do."""

    argument: Mapping[str, Any]
    why: str
    remedy: str


_TEXT, _BOOL, _PATH = {"type": "str"}, {"type": "bool"}, {"type": "path"}
_LIST = {"type": "list", "elements": "str"}
_NO_QUADLET = "is about unit files for systemd, and the engine writes none"
_BOOT = "Leave it out; restart_policy and the boot unit of role slipway.oci.host start containers at boot"
_NO_REGISTRY = "is about pulling, and this module removes"
_LOAD = "Leave it out; image and image_load bring images"
_BUILD = "is about builds, and no Containerfile is read here"
_BUILD_BY = "Build it with buildah or in a play (docs/building.md); image_load and image bring it"

_OPTIONS = {
    "executable": Foreign(
        _TEXT,
        "names podman's program, and there is no podman here",
        "Leave it out; runtime names crun or runc",
    ),
    "debug": Foreign(
        _BOOL,
        "shows podman's commands, and none is run",
        "Leave it out; the result's actions and timings tell what was done",
    ),
    "cmd_args": Foreign(
        _LIST,
        "is for podman's command line, and none is run",
        "Leave it out, and write what it says as options",
    ),
    "generate_systemd": Foreign({"type": "dict"}, _NO_QUADLET, _BOOT),
    "quadlet_dir": Foreign(_PATH, _NO_QUADLET, _BOOT),
    "quadlet_filename": Foreign(_TEXT, _NO_QUADLET, _BOOT),
    "quadlet_file_mode": Foreign({"type": "raw"}, _NO_QUADLET, _BOOT),
    "quadlet_options": Foreign(_LIST, _NO_QUADLET, _BOOT),
    "volume": Foreign(
        _TEXT, "names a volume, and this module is for others", "Use volume_export and volume_import"
    ),
    "state": Foreign(_TEXT, "is none that this module brings about", "Leave it out: it removes images"),
    "tag": Foreign(_TEXT, "is a part of the name here", "Write it there, as in localhost/app:1"),
    "path": Foreign(_PATH, _BUILD, _BUILD_BY),
    "build": Foreign({"type": "dict", "aliases": ["build_args", "buildargs"]}, _BUILD, _BUILD_BY),
    "pull": Foreign(_BOOL, _NO_REGISTRY, _LOAD),
    "pull_extra_args": Foreign(
        _TEXT, "is for podman's command line, and none is run", "Write what it says as options"
    ),
    "push": Foreign(_BOOL, "is about pushing, which is a task of its own", "Leave it out; image_push pushes"),
    "push_args": Foreign(
        {"type": "dict"}, "is about pushing, which is a task of its own", "Leave it out; image_push pushes"
    ),
    "secret": Foreign(
        {**_TEXT, "no_log": False},
        "names a secret of podman's, and there is no podman here",
        "Write password, out of a vault",
    ),
    "arch": Foreign(_TEXT, _NO_REGISTRY, _LOAD),
    "auth_file": Foreign({**_PATH, "aliases": ["authfile"]}, _NO_REGISTRY, _LOAD),
    "ca_cert_dir": Foreign(_PATH, _NO_REGISTRY, _LOAD),
    "username": Foreign(_TEXT, _NO_REGISTRY, _LOAD),
    "password": Foreign({**_TEXT, "no_log": True}, _NO_REGISTRY, _LOAD),
    "validate_certs": Foreign({**_BOOL, "aliases": ["tlsverify", "tls_verify"]}, _NO_REGISTRY, _LOAD),
}

#: What the modules refuse that have a twin there.
PROGRAM = ("executable",)
QUADLET = (*PROGRAM, "debug", "quadlet_dir", "quadlet_filename", "quadlet_file_mode", "quadlet_options")
CONTAINER = (*QUADLET, "generate_systemd", "cmd_args")
IMAGE = (
    tuple(name for name in _OPTIONS if name not in (*CONTAINER, "volume", "secret"))
    + QUADLET[:1]
    + QUADLET[2:]
)
LOGGED_IN = (*PROGRAM, "secret")
#: What module ``image`` refuses of podman_image: builds, pushes, and words for podman's program.
PULLED = (*PROGRAM, *QUADLET[2:], "path", "build", "pull_extra_args", "push", "push_args")


def foreign_options(names: Sequence[str]) -> ArgumentSpec:
    """Return the argument spec of these options."""
    return {name: _OPTIONS[name].argument for name in names}


def refuse_foreign(names: Sequence[str], params: Mapping[str, Any]) -> None:
    """Raise InvalidOption for one that is set; what is off or empty asks for nothing."""
    for name in names:
        if params.get(name) and (name, params[name]) != ("state", "absent"):
            told = None if _OPTIONS[name].argument.get("no_log") else params[name]
            raise InvalidOption(name, told, _OPTIONS[name].why, remedy=_OPTIONS[name].remedy)
