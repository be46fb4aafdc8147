# SPDX-License-Identifier: GPL-3.0-or-later
"""Convert the options of module ``container_copy`` into the engine's request; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._engine.errors import InvalidOption
from ..._engine.lifecycle.files.copy import CopyRequest
from ..._engine.model.values.modes import parse_mode
from ..._engine.model.values.text import plain_text
from ..options import ArgumentSpec

ARGUMENTS: ArgumentSpec = {
    "container": {"type": "str", "required": True, "aliases": ["name"]},
    "src": {"type": "str", "required": True},
    "dest": {"type": "str", "required": True},
    "from_container": {"type": "bool", "default": False},
    "remote_src": {"type": "bool", "default": True},
    "archive": {"type": "bool", "default": True},
    "overwrite": {"type": "bool", "default": False},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "mode": {"type": "raw"},
    "directory_mode": {"type": "raw"},
    "follow": {"type": "bool", "default": False},
    "local_follow": {"type": "bool", "default": False},
    "keep_setuid": {"type": "bool", "default": False},
    "exclude": {"type": "list", "elements": "str"},
    "delete": {"type": "bool", "default": False},
    "parcel": {"type": "path"},
}


def to_copy(params: Mapping[str, Any]) -> CopyRequest:
    """Return the task's request. Raises InvalidOption, naming the option."""
    parcel = params["parcel"]
    if parcel is None and not params["remote_src"]:
        raise InvalidOption(
            "remote_src", False, "requires the action plugin", remedy="Run the module as a task of a playbook"
        )
    out = params["from_container"]
    return CopyRequest(
        container=plain_text("container", params["container"]),
        src=inner_path("src", params["src"])
        if out
        else host_path("src", params["src"], sent=parcel is not None),
        dest=host_path("dest", params["dest"], sent=parcel is not None)
        if out
        else inner_path("dest", params["dest"]),
        from_container=out,
        parcel=parcel,
        archive=params["archive"],
        overwrite=params["overwrite"],
        follow=params["follow"],
        local_follow=params["local_follow"],
        keep_setuid=params["keep_setuid"],
        owner=_word("owner", params["owner"]),
        group=_word("group", params["group"]),
        mode=parse_mode("mode", params["mode"], preserve=True),
        directory_mode=parse_mode("directory_mode", params["directory_mode"]),
        exclude=tuple(plain_text("exclude", pattern) for pattern in params["exclude"] or ()),
        delete=params["delete"],
    )


def inner_path(option: str, value: str) -> str:
    """Return a path in a container; it may be relative to the working directory, as for ``podman cp``."""
    text = plain_text(option, value)
    if not text:
        raise InvalidOption(option, value, "is not a path", remedy="Write a path, for example /etc/app.conf")
    return text


def host_path(option: str, value: str, *, sent: bool) -> str:
    """Return a path on the host, which must be absolute unless the file was ``sent``."""
    text = plain_text(option, value)
    if not sent and not text.startswith("/"):
        raise InvalidOption(
            option, value, "is not an absolute path", remedy="Begin it with /, or write remote_src: false"
        )
    return text


def _word(option: str, value: str | None) -> str | None:
    return None if value is None else plain_text(option, value)
