# SPDX-License-Identifier: GPL-3.0-or-later
"""Read files of environment variables on the host (``env_file``, podman-run(1) ``--env-file``)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from ..._engine.errors import InvalidOption, Missing, unreadable
from ..._engine.kernel import untrusted_files

#: The variables and arguments of a process are limited to a quarter of its stack, 2 MiB of 8 (execve(2)).
LIMIT = 1024 * 1024
_OPTION = "env_file"
_REMEDY = "Copy the file to the host first, because it is a path on the host"


def missing_files(paths: Sequence[str]) -> tuple[Missing, ...]:
    """Return an error for each file that does not exist."""
    return tuple(_missing(path) for path in paths if not os.path.exists(path))


def _missing(path: str) -> Missing:
    return Missing(_OPTION, path, "does not exist on the host", remedy=_REMEDY)


def read_env_files(paths: Sequence[str]) -> dict[str, str]:
    """Return the variables of all files; later files override earlier ones.

    Raises InvalidOption if a file is missing, not regular, larger than 1 MiB, not UTF-8, or has a line that
    is not ``NAME=VALUE``.
    """
    variables: dict[str, str] = {}
    for path in paths:
        variables.update(parse(path, _read(path)))
    return variables


def parse(path: str, text: str) -> Iterator[tuple[str, str]]:
    """Yield the variables of a file's text. Empty lines and lines that begin with ``#`` are ignored.

    Quotes are kept, as in podman. A name without a value, which podman takes from its own environment, is
    refused.
    """
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.lstrip(" \t").rstrip("\r")
        if not line or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals or not name or name != name.strip() or " " in name:
            raise InvalidOption(
                _OPTION, path, f"has no NAME=VALUE in line {number}", remedy="Write one variable per line"
            )
        yield name, value


def _read(path: str) -> str:
    try:
        with open(untrusted_files.open_file(path), "rb") as stream:
            content = stream.read(LIMIT + 1)
    except OSError as error:
        raise unreadable(_OPTION, path, error, remedy=_REMEDY) from error
    if len(content) > LIMIT:
        raise InvalidOption(_OPTION, path, "is larger than 1 MiB, the limit for variables of a process")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidOption(_OPTION, path, f"is not valid UTF-8 at byte {error.start}") from None
