# SPDX-License-Identifier: GPL-3.0-or-later
"""Convert the options of module ``container_file`` into the engine's request; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._engine.errors import InvalidOption
from ..._engine.lifecycle.files.copy import CopyRequest
from ..._engine.lifecycle.files.file import ABSENT, DIRECTORY_STATE, PRESENT, FileRequest
from ..._engine.model.values.modes import PRESERVE, parse_mode
from ..._engine.model.values.text import plain_text
from ..options import ArgumentSpec
from .container_copy import host_path, inner_path

ARGUMENTS: ArgumentSpec = {
    "container": {"type": "str", "required": True, "aliases": ["name"]},
    "path": {"type": "str", "required": True, "aliases": ["dest"]},
    "state": {"type": "str", "choices": [PRESENT, ABSENT, DIRECTORY_STATE], "default": PRESENT},
    "content": {"type": "str"},
    "src": {"type": "str"},
    "template": {"type": "str"},
    "remote_src": {"type": "bool", "default": False},
    "force": {"type": "bool", "default": True},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "mode": {"type": "raw"},
    "follow": {"type": "bool", "default": False},
    "parcel": {"type": "path"},
}
_CONTENTS = ("content", "src", "template")


def to_file(params: Mapping[str, Any]) -> FileRequest:
    """Return the task's request. Raises InvalidOption, naming the option."""
    state, parcel = params["state"], params["parcel"]
    path = inner_path("path", params["path"])
    if state == PRESENT:
        _check_contents(params, path)
    mode = parse_mode("mode", params["mode"], preserve=state == PRESENT)
    content = params["content"]
    request = CopyRequest(
        container=plain_text("container", params["container"]),
        src=host_path("src", params["src"] or "file", sent=parcel is not None or params["src"] is None),
        dest=path,
        parcel=parcel,
        follow=params["follow"],
        owner=None if params["owner"] is None else plain_text("owner", params["owner"]),
        group=None if params["group"] is None else plain_text("group", params["group"]),
        mode=mode,
        directory_mode=mode if state == DIRECTORY_STATE else None,
        keep_modes=params["mode"] == PRESERVE,
        force=params["force"],
    )
    encoded = None if content is None else content.encode("utf-8", "surrogateescape")
    return FileRequest(request, state, encoded)


def _check_contents(params: Mapping[str, Any], path: str) -> None:
    given = [name for name in _CONTENTS if params[name] is not None]
    if params["parcel"] is None and len(given) != 1:
        why = (
            f"is mutually exclusive with {' and '.join(given[1:])}"
            if given
            else "is required unless src or template is set"
        )
        raise InvalidOption(
            given[0] if given else "content", None, why, remedy="Set exactly one of content, src and template"
        )
    if path.endswith("/"):
        raise InvalidOption("path", path, "is not the path of a file", remedy="Remove the trailing slash")
    needs_us = params["template"] is not None or (params["src"] is not None and not params["remote_src"])
    if params["parcel"] is None and needs_us:
        raise InvalidOption(
            "remote_src", False, "requires the action plugin", remedy="Run the module as a task of a playbook"
        )
