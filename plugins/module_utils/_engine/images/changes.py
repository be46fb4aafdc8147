# SPDX-License-Identifier: GPL-3.0-or-later
"""Dockerfile instructions that set an image's defaults, as in `podman import --change`; pure."""

from __future__ import annotations

import copy
import posixpath
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from ..errors import InvalidOption
from ..model.values import jsontext
from ..model.values.accounts import is_number, number
from ..model.values.quantities import signal_number
from ..model.values.text import normal_path

#: The "config" object of an OCI image configuration.
RunConfig = dict[str, Any]

_PORTS = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?(?:/(tcp|udp|sctp))?")
_SHELL = ["/bin/sh", "-c"]


def parse(changes: Sequence[str], base: Mapping[str, Any] = MappingProxyType({})) -> RunConfig:
    """Turn changes such as ``CMD ["/bin/app"]`` or ``ENV A=1 B=2`` into a run configuration.

    Later changes override or extend earlier ones, as in a Dockerfile, and all of them ``base``, which is not altered.
    Raises InvalidOption("changes", ...).
    """
    config: RunConfig = copy.deepcopy({**base})
    for change in changes:
        word, value = _split(change)
        apply = _WORDS.get(word)
        if apply is None:
            raise _invalid(
                change, "starts with an unknown instruction", remedy=f"Use one of {', '.join(_WORDS)}"
            )
        if not value or "\0" in value:
            raise _invalid(change, "has no value")
        try:
            apply(config, value)
        except ValueError as error:
            raise _invalid(change, str(error)) from error
    return config


def _split(change: str) -> tuple[str, str]:
    # podman also accepts CMD=/bin/app, provided that the text has no blank.
    word, _blank, value = change.strip().partition(" ")
    if not value:
        word, _equals, value = word.partition("=")
    return word.upper(), value.strip()


def _invalid(change: str, why: str, *, remedy: str = "") -> InvalidOption:
    return InvalidOption("changes", change, why, remedy=remedy)


def _texts(value: str) -> list[str] | None:
    """Parse a JSON list of strings; return None if the value is not a list."""
    if not value.startswith("["):
        return None
    try:
        items = jsontext.parse(value)
    except ValueError:
        raise ValueError("starts with [ but is not a JSON list") from None
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise ValueError("is not a JSON list of strings")
    return items


def _command(value: str) -> list[str]:
    items = _texts(value)
    return [*_SHELL, value] if items is None else items


def _words(value: str) -> list[str]:
    try:
        return shlex.split(value)
    except ValueError as error:
        raise ValueError(f"has unbalanced quotes: {error}") from None


def _pairs(value: str) -> list[tuple[str, str]]:
    # "KEY VALUE with blanks" is the older form; it holds a single pair.
    first = value.split(None, 1)
    if "=" not in first[0]:
        if len(first) < 2:
            raise ValueError("has no value")
        return [(first[0], first[1])]
    pairs = [word.partition("=") for word in _words(value)]
    if not all(key and equals for key, equals, _text in pairs):
        raise ValueError("is not KEY=VALUE")
    return [(key, text) for key, _equals, text in pairs]


def _cmd(config: RunConfig, value: str) -> None:
    config["Cmd"] = _command(value)


def _entrypoint(config: RunConfig, value: str) -> None:
    config["Entrypoint"] = _command(value)


def _env(config: RunConfig, value: str) -> None:
    env = dict(item.partition("=")[::2] for item in config.get("Env") or ())
    env.update(_pairs(value))
    config["Env"] = [f"{key}={text}" for key, text in env.items()]


def _label(config: RunConfig, value: str) -> None:
    config["Labels"] = {**(config.get("Labels") or {}), **dict(_pairs(value))}


def _expose(config: RunConfig, value: str) -> None:
    for word in _words(value):
        match = _PORTS.fullmatch(word)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if match is None or not 1 <= first <= last <= 65535:
            raise ValueError(f"has the port {word!r}, which is not PORT, PORT-PORT or PORT/PROTOCOL")
        ports: dict[str, Any] = {f"{port}/{match[3] or 'tcp'}": {} for port in range(first, last + 1)}
        config["ExposedPorts"] = {**(config.get("ExposedPorts") or {}), **ports}


def _stop_signal(config: RunConfig, value: str) -> None:
    try:
        signal_number("changes", value)
    except InvalidOption:
        raise ValueError("is not a signal name or number") from None
    config["StopSignal"] = value.upper()


def _user(config: RunConfig, value: str) -> None:
    if any(is_number(part) and number(part) is None for part in value.split(":")):
        raise ValueError("has a number that is too large for an id")
    config["User"] = value


def _volume(config: RunConfig, value: str) -> None:
    items = _texts(value)
    for path in _words(value) if items is None else items:
        if not path.startswith("/"):
            raise ValueError(f"has the volume {path!r}, which is not an absolute path")
        if normal_path(path) == "/":
            raise ValueError("has a volume that would cover the root file system")
        config["Volumes"] = {**(config.get("Volumes") or {}), path: {}}


def _working_dir(config: RunConfig, value: str) -> None:
    config["WorkingDir"] = posixpath.normpath(posixpath.join("/", config.get("WorkingDir") or "", value))


_WORDS: dict[str, Callable[[RunConfig, str], None]] = {
    "CMD": _cmd,
    "ENTRYPOINT": _entrypoint,
    "ENV": _env,
    "EXPOSE": _expose,
    "LABEL": _label,
    "STOPSIGNAL": _stop_signal,
    "USER": _user,
    "VOLUME": _volume,
    "WORKDIR": _working_dir,
}
