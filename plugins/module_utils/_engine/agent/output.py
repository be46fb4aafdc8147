# SPDX-License-Identifier: GPL-3.0-or-later
"""Say to a person what a verb has to say; errors in the words of the command line, not in those of a task."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Collection

from ..errors import EngineError, Setting
from ..model import utf8

#: What an option of a task is called here, where that is not its name with a hyphen.
_FLAGS = {"delete_depend": "--depend", "force_delete": "--force", "stop_time": "--time", "import": "--import"}
#: What stands here for the words of a task that are no options of a verb.
_WORDS = {
    "become": "sudo before it",
    "name": "NAME",
    "container": "NAME",
    "slipway.oci.image_load": "slipway load",
}


def take_any_name() -> None:
    """Let a name that is no UTF-8 be written, its bytes as they are, in any locale."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="surrogateescape")


def write(text: str) -> None:
    """Write a line at once, so that whoever reads sees each thing as it is done."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def write_json(found: object) -> None:
    sys.stdout.write(as_json(found, indent=2) + "\n")


def as_json(found: object, *, indent: int | None = None) -> str:
    """Return JSON that every reader takes."""
    return json.dumps(utf8.whole(found), indent=indent)


def complain(error: EngineError | OSError, flags: Collection[str]) -> None:
    """Write an error; ``flags`` are the options of the verb."""
    sys.stderr.write(f"slipway: {told(error, flags)}\n")
    sys.stderr.flush()


def told(error: EngineError | OSError, flags: Collection[str]) -> str:
    """Return an error in words; what no option of the verb says is said of the container's task."""
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error)
    return error.told(lambda setting: _written(setting, flags))


def _written(setting: Setting, flags: Collection[str]) -> str:
    flag = _FLAGS.get(setting.name, f"--{setting.name.replace('_', '-')}")
    if flag in flags:
        return flag if setting.value in (None, True) else f"{flag} {setting.value}"
    if setting.name in _WORDS:
        return _WORDS[setting.name]
    return str(setting) if setting.value is None else f"{setting} in its task"
