# SPDX-License-Identifier: GPL-3.0-or-later
"""Say to a person what a verb has to say; errors in the words of the command line, not in those of a task."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Collection

from ...errors import EngineError, InvalidOption, Setting, typed
from ...model.values import utf8

#: What an option of a task is called here, where that is not its name with a hyphen.
_FLAGS = {
    "delete_depend": "--depend",
    "force_delete": "--force",
    "stop_time": "--time",
    "import": "--import",
    "auth_file": "--authfile",
    "ca_cert_dir": "--cert-dir",
}
#: What stands here for the words of a task that are no options of a verb.
_WORDS = {
    "become": "sudo before it",
    "name": "NAME",
    "container": "NAME",
    "image": "IMAGE",
    "target_names": "NAME",
    "dest": "DESTINATION",
    "registry": "REGISTRY",
    "slipway.oci.image_load": "slipway load",
}


#: Control characters but tab and newline, as bytes that are no text too, and those that turn the direction of a text.
_COMMANDS = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069\\udc80-\\udc9f]")


def take_any_name() -> None:
    """Let a name that is no UTF-8 be written, its bytes as they are, in any locale; and to a terminal what is harmless there."""
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
    """Writes to a terminal: what a name or a log holds does not command it."""

    def write(self, text: str) -> int:
        """Write the text without what would command the terminal."""
        return super().write(harmless(text))

    def command(self, text: str) -> None:
        """Write what is to command the terminal."""
        super().write(text)


def command(text: str) -> None:
    """Command the terminal, if it is one."""
    if isinstance(sys.stdout, Screen):
        sys.stdout.command(text)
    else:
        sys.stdout.write(text)


def harmless(text: str) -> str:
    """Return a text with what would command a terminal, or turn the order of what is seen, written out, as in ``^[``."""
    return _COMMANDS.sub(_written_out, text.replace("\r\n", "\n"))


def _written_out(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20 or code == 0x7F:
        return f"^{chr(code ^ 0x40)}"
    return f"\\x{code & 0xFF:02x}" if code < 0x100 or code >= 0xDC80 else f"\\u{code:04x}"


def write(text: str) -> None:
    """Write a line at once, so that whoever reads sees each thing as it is done."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def write_json(found: object) -> None:
    """Write what was found as indented JSON and a line end."""
    sys.stdout.write(as_json(found, indent=2) + "\n")


def as_json(found: object, *, indent: int | None = None) -> str:
    """Return JSON that every reader takes."""
    return json.dumps(utf8.whole(found), indent=indent)


def is_misuse(error: EngineError | OSError, flags: Collection[str]) -> bool:
    """Tell whether an error is about the value of an option of the verb, as it is written: nothing was tried then."""
    option = str(error.fields.get("option", "")) if isinstance(error, InvalidOption) else ""
    return bool(option) and f"--{option.lstrip('-').replace('_', '-')}" in flags


def complain(error: EngineError | OSError, flags: Collection[str]) -> None:
    """Write an error; ``flags`` are the options of the verb."""
    sys.stderr.write(f"slipway: {told(error, flags)}\n")
    sys.stderr.flush()


def told(error: EngineError | OSError, flags: Collection[str]) -> str:
    """Return an error in words; what no option of the verb says is said of the container's task."""
    return typed(error).told(lambda setting: _written(setting, flags))


def _written(setting: Setting, flags: Collection[str]) -> str:
    flag = _FLAGS.get(setting.name, f"--{setting.name.replace('_', '-')}")
    if flag in flags:
        return flag if setting.value in (None, True) else f"{flag} {setting.value}"
    if setting.name in _WORDS:
        return _WORDS[setting.name]
    return str(setting) if setting.value is None else f"{setting} in its task"
