# SPDX-License-Identifier: GPL-3.0-or-later
"""Convert the options of module ``volume_content`` into the engine's request; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..._engine.errors import InvalidOption
from ..._engine.lifecycle.files.volume_content import ContentRequest, InlineFile, check_path
from ..._engine.model.values.modes import PRESERVE, parse_mode
from ..._engine.model.values.names import check_name
from ..._engine.model.values.text import plain_text
from ..options import ArgumentSpec

ARGUMENTS: ArgumentSpec = {
    "name": {"type": "str", "required": True, "aliases": ["volume"]},
    "src": {"type": "str"},
    "remote_src": {"type": "bool", "default": False},
    "files": {
        "type": "list",
        "elements": "dict",
        "options": {
            "path": {"type": "str", "required": True},
            "content": {"type": "raw"},
            "template": {"type": "str"},
            "owner": {"type": "str"},
            "group": {"type": "str"},
            "mode": {"type": "raw"},
        },
    },
    "dest": {"type": "str", "default": "/"},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "mode": {"type": "raw"},
    "directory_mode": {"type": "raw"},
    "exclude": {"type": "list", "elements": "str"},
    "delete": {"type": "bool", "default": False},
    "overwrite": {"type": "bool", "default": False},
    "local_follow": {"type": "bool", "default": False},
    "parcel": {"type": "path"},
}


def to_volume_content(params: Mapping[str, Any]) -> ContentRequest:
    """Return the task's request. Raises InvalidOption, naming the option."""
    if params["src"] is None and not params["files"]:
        raise InvalidOption("src", None, "is required unless files is set", remedy="Set at least one of them")
    _check_host_path(params)
    return ContentRequest(
        volume=check_name("name", params["name"]),
        src=params["src"],
        remote_src=params["remote_src"],
        files=_files(params["files"] or (), sent=params["parcel"] is not None),
        dest=f"/{plain_text('dest', params['dest']).strip('/')}",
        parcel=params["parcel"],
        owner=_word("owner", params["owner"]),
        group=_word("group", params["group"]),
        mode=parse_mode("mode", params["mode"], preserve=True),
        directory_mode=parse_mode("directory_mode", params["directory_mode"]),
        keep_modes=params["mode"] in (None, PRESERVE),
        exclude=tuple(plain_text("exclude", pattern) for pattern in params["exclude"] or ()),
        delete=params["delete"],
        overwrite=params["overwrite"],
        local_follow=params["local_follow"],
    )


def _check_host_path(params: Mapping[str, Any]) -> None:
    if params["src"] is None or (params["parcel"] is not None and not params["remote_src"]):
        return
    if not params["remote_src"]:
        raise InvalidOption(
            "remote_src", False, "requires the action plugin", remedy="Run the module as a task of a playbook"
        )
    if not plain_text("src", params["src"]).startswith("/"):
        raise InvalidOption("src", params["src"], "is not an absolute path", remedy="Begin it with /")


def _files(given: Sequence[Mapping[str, Any]], *, sent: bool) -> tuple[InlineFile, ...]:
    found = tuple(_file(one, sent=sent) for one in given)
    paths = [one.path for one in found]
    twice = next((path for path in paths if paths.count(path) > 1), None)
    if twice is not None:
        raise InvalidOption("files", twice, "occurs twice", remedy="Remove one of them")
    return found


def _file(given: Mapping[str, Any], *, sent: bool) -> InlineFile:
    content = given["content"]
    if not sent and not isinstance(content, str):
        raise InvalidOption(
            "files", given["path"], "has no content that is a string", remedy="Set content to a string"
        )
    return InlineFile(
        check_path("files", plain_text("files", given["path"])),
        None if sent else content.encode("utf-8", "surrogateescape"),
        _word("owner", given["owner"]),
        _word("group", given["group"]),
        parse_mode("mode", given["mode"]),
    )


def _word(option: str, value: str | None) -> str | None:
    return None if value is None else plain_text(option, value)
