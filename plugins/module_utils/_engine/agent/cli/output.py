# SPDX-License-Identifier: GPL-3.0-or-later
"""Print the output and errors of verbs; errors name command-line options, not options of a task."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Collection

from ...errors import EngineError, InvalidOption, Setting, typed
from ...model.values import utf8

#: The flag for an option of a task, if that is not the option's name with hyphens.
_FLAGS = {
    "delete_depend": "--depend",
    "force_delete": "--force",
    "stop_time": "--time",
    "import": "--import",
    "auth_file": "--authfile",
    "ca_cert_dir": "--cert-dir",
}
#: The wording on the command line for options and modules of a task that are not flags of a verb.
_WORDS = {
    "become": "sudo before the command",
    "name": "NAME",
    "container": "NAME",
    "image": "IMAGE",
    "target_names": "NAME",
    "dest": "DESTINATION",
    "registry": "REGISTRY",
    "slipway.oci.image_load": "slipway load",
}


#: Control characters except tab and newline, undecodable bytes in their range, and bidirectional formatting characters.
_COMMANDS = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069\\udc80-\\udc9f]")


def take_any_name() -> None:
    """Make both streams accept names that are not UTF-8, byte for byte; terminals get harmless text only."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper) and not isinstance(stream, Screen):
            stream.reconfigure(errors="surrogateescape")
            if stream.isatty():
                encoding = stream.encoding
                screen = Screen(
                    stream.detach(), encoding=encoding, errors="surrogateescape", line_buffering=True
                )
                setattr(sys, name, screen)


class Screen(io.TextIOWrapper):
    """A stream to a terminal that neutralizes control characters in names and logs."""

    def write(self, text: str) -> int:
        """Write the text with its control characters made visible."""
        return super().write(harmless(text))

    def command(self, text: str) -> None:
        """Write a control sequence to the terminal."""
        super().write(text)


def command(text: str) -> None:
    """Write a control sequence to the standard output."""
    if isinstance(sys.stdout, Screen):
        sys.stdout.command(text)
    else:
        sys.stdout.write(text)


def harmless(text: str) -> str:
    """Return the text with control and bidirectional characters made visible, as in ``^[``."""
    return _COMMANDS.sub(_written_out, text.replace("\r\n", "\n"))


def _written_out(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20 or code == 0x7F:
        return f"^{chr(code ^ 0x40)}"
    return f"\\x{code & 0xFF:02x}" if code < 0x100 or code >= 0xDC80 else f"\\u{code:04x}"


def write(text: str) -> None:
    """Write a line and flush, so that the reader sees each result as it is done."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def write_json(found: object) -> None:
    """Write an object as indented JSON and a line end."""
    sys.stdout.write(as_json(found, indent=2) + "\n")


def as_json(found: object, *, indent: int | None = None) -> str:
    """Return valid JSON for any text in the object, UTF-8 or not."""
    return json.dumps(utf8.whole(found), indent=indent)


def is_misuse(error: EngineError | OSError, flags: Collection[str]) -> bool:
    """Return whether an error is about a written option value of the verb, so that nothing was done."""
    option = str(error.fields.get("option", "")) if isinstance(error, InvalidOption) else ""
    return bool(option) and f"--{option.lstrip('-').replace('_', '-')}" in flags


def complain(error: EngineError | OSError, flags: Collection[str]) -> None:
    """Print an error; ``flags`` are the options of the verb."""
    sys.stderr.write(f"slipway: {told(error, flags)}\n")
    sys.stderr.flush()


def told(error: EngineError | OSError, flags: Collection[str]) -> str:
    """Return an error's text; a setting that no flag of the verb covers is written as a task's option."""
    return typed(error).told(lambda setting: _written(setting, flags))


def _written(setting: Setting, flags: Collection[str]) -> str:
    flag = _FLAGS.get(setting.name, f"--{setting.name.replace('_', '-')}")
    if flag in flags:
        return flag if setting.value in (None, True) else f"{flag} {setting.value}"
    if setting.name in _WORDS:
        return _WORDS[setting.name]
    return str(setting) if setting.value is None else f"{setting} in its task"
