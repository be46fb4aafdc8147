# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse how a container's output is logged: the driver, and the options of each driver."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...errors import InvalidOption, Setting, Words
from ..values import quantities
from ..values.text import absolute_path, plain_text

FILE, JOURNAL = "k8s-file", "journald"
#: The drivers that a task may name; the last is podman's alias of the first.
DRIVERS = (FILE, JOURNAL, "json-file")
#: The options, as Ansible's argument spec has them.
ARGUMENTS = {
    "max_size": {"type": "str"},
    "max_file": {"type": "int"},
    "path": {"type": "str"},
    "tag": {"type": "str"},
}
#: The largest max_file; reading the log looks at each file.
_MOST_FILES = 99
_ONLY = {FILE: ("max_size", "max_file", "path"), JOURNAL: ("tag",)}
_WHY = {
    "max_size": "the journal has its own limits, in journald.conf",
    "max_file": "the journal has its own limits, in journald.conf",
    "path": "the journal has its own location",
    "tag": "a file needs no tag",
}
#: A placeholder in a tag for a value of the container, as in Go's templates.
_VALUE = re.compile(r"\{\{\s*\.(\w+)\s*\}\}")
TAG_VALUES = ("ID", "Name", "Image", "ImageName")


def parse_driver(option: str, value: object) -> str:
    """Return the driver under its canonical name."""
    if value not in DRIVERS:
        raise InvalidOption(option, value, "is not a log driver", remedy=f"Write {FILE} or {JOURNAL}")
    return JOURNAL if value == JOURNAL else FILE


def parse_options(option: str, value: Any) -> dict[str, str]:
    """Return the options in canonical form; ``check`` verifies that the driver has them."""
    known = {key: item for key, item in value.items() if item is not None}
    if "max_size" in known:
        known["max_size"] = str(quantities.size(f"{option}.max_size", known["max_size"]))
    if "max_file" in known:
        known["max_file"] = str(_files(f"{option}.max_file", known["max_file"]))
        if "max_size" not in known:
            raise InvalidOption(
                f"{option}.max_file",
                known["max_file"],
                "requires max_size",
                remedy=Words("Write ", Setting("max_size", "10m")),
            )
    if "path" in known:
        known["path"] = absolute_path(f"{option}.path", known["path"])
    if "tag" in known:
        known["tag"] = _tag(f"{option}.tag", known["tag"])
    return known


def check(driver: str, options: Mapping[str, str]) -> None:
    """Check that the options belong to the driver. Raises InvalidOption for one of another driver."""
    for other, names in _ONLY.items():
        found = next((name for name in names if other != driver and name in options), None)
        if found is not None:
            raise InvalidOption(
                f"log_opt.{found}",
                options[found],
                f"is invalid with log_driver {driver}: {_WHY[found]}",
                remedy="Leave it out",
            )


def expand(tag: str, values: Mapping[str, str]) -> str:
    """Replace the placeholders in a tag; ``values`` has a value for each of TAG_VALUES."""
    return _VALUE.sub(lambda found: values[found[1]], tag)


def _files(option: str, value: object) -> int:
    number = quantities.integer(option, value)
    if not 1 <= number <= _MOST_FILES:
        raise InvalidOption(
            option, value, "is out of range", remedy=f"Write a number from 1 to {_MOST_FILES}"
        )
    return number


def _tag(option: str, value: object) -> str:
    text = plain_text(option, value)
    if not text or not text.isprintable():
        raise InvalidOption(
            option, value, "is not a valid tag", remedy="Write printable characters on one line"
        )
    if "{{" in _VALUE.sub("", text) or {*_VALUE.findall(text)} - {*TAG_VALUES}:
        known = ", ".join(f"{{{{.{name}}}}}" for name in TAG_VALUES)
        raise InvalidOption(option, value, "has an unknown placeholder", remedy=f"Known: {known}")
    return text
