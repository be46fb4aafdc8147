# SPDX-License-Identifier: GPL-3.0-or-later
"""Run CNI plugins: ADD, CHECK and DEL for a container in a network.

Source: the CNI specification, sections 2 to 4. Plugins act in the network namespace of the caller, which is the host's.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple, Optional

from ..errors import CommandFailed, EngineError, HostLacks, InvalidOption, Missing, unreadable
from ..kernel import command
from ..model.network import cni
from ..model.network.cni import Plugins, Request
from ..model.values import jsontext

#: The directory in which lists of plugins are found by name.
DIRECTORY = "/etc/cni/net.d"
#: The directories of plugins, in the order of podman's ``cni_plugin_dirs`` (containers.conf(5)).
PLACES = (
    "/usr/local/libexec/cni",
    "/usr/libexec/cni",
    "/usr/local/lib/cni",
    "/usr/lib/cni",
    "/opt/cni/bin",
)
_ENDINGS = (".conflist", ".conf", ".json")
_OPTION = "opt.conflist"
#: The maximum size of a list in bytes, and the maximum number of files to search.
_LIMIT, _MOST_FILES = 1 << 20, 1000
#: Timeout of a plugin in seconds; it may wait for a server that assigns addresses.
_TIMEOUT = 60.0


class How(NamedTuple):
    """The request, the path of the container's network namespace ("" if it is gone), and a descriptor that plugins inherit.

    A lock on the descriptor is held while a plugin runs, even if the process that started it was killed.
    """

    request: Request
    netns: str
    held: int


def find(name: str) -> Plugins:
    """Return the list of plugins at an absolute path, or the first list of this name in the standard directory.

    Raises Missing or InvalidOption.
    """
    if name.startswith("/"):
        return _read(name)
    for path in _files():
        with suppress(InvalidOption):  # an invalid list of another network is irrelevant here
            found = _read(path)
            if found.name == name:
                return found
    raise Missing(
        _OPTION,
        name,
        f"is not the name of a list of CNI plugins in {DIRECTORY}",
        remedy="Create the list there first, or name the path of the file",
    )


def refuse_missing(plugins: Plugins) -> None:
    """Check that all plugins are installed. Raises HostLacks."""
    for kind in plugins.types:
        _program(kind)


def add(plugins: Plugins, how: How) -> dict[str, Any]:
    """Attach a container, and return the last plugin's result. Raises CommandFailed; the caller must then call ``delete``."""
    result: Optional[dict[str, Any]] = None
    for number in range(len(plugins.each)):
        result = result_of(plugins, number, _call("ADD", plugins, number, how, result))
    return result or {}


def check(plugins: Plugins, how: How, result: Mapping[str, Any]) -> None:
    """Run CHECK for all plugins of a list that supports it. Raises CommandFailed if a plugin misses what it created."""
    for number in range(len(plugins.each) if plugins.checks else 0):
        _call("CHECK", plugins, number, how, result)


def delete(plugins: Plugins, how: How, result: Optional[Mapping[str, Any]]) -> None:
    """Detach a container, even if it is only partially attached.

    All plugins are called, the last first; afterwards, the first failure is raised: CommandFailed or HostLacks.
    """
    failed: list[EngineError] = []
    for number in reversed(range(len(plugins.each))):
        try:
            _call("DEL", plugins, number, how, result if plugins.remembers else None)
        except EngineError as error:  # noqa: PERF203  (the others are called all the same)
            failed.append(error)
    if failed:
        raise failed[0]


def _call(verb: str, plugins: Plugins, number: int, how: How, previous: Optional[Mapping[str, Any]]) -> bytes:
    """Run a plugin, and return its output. Raises CommandFailed with its error message, CommandTimeout or HostLacks."""
    request = how.request
    kind = plugins.each[number]["type"]
    environment = {
        "CNI_COMMAND": verb,
        "CNI_CONTAINERID": request.container_id,
        "CNI_NETNS": how.netns,
        "CNI_IFNAME": request.interface,
        "CNI_ARGS": cni.arguments(request),
        "CNI_PATH": ":".join(PLACES),
    }
    given = json.dumps(cni.config(plugins, number, request, previous)).encode()
    ended = command.run(
        [_program(kind)],
        timeout=_TIMEOUT,
        env=environment,
        stdin=given,
        pass_fds=[how.held],
        check=False,
    )
    if ended.returncode != 0:
        said = cni.failure(ended.stdout) or ended.stderr[-500:].decode("utf-8", "replace").strip()
        raise failed(plugins, kind, f"failed at {verb}: {said or f'exit status {ended.returncode}'}")
    return ended.stdout


def result_of(plugins: Plugins, number: int, output: bytes) -> dict[str, Any]:
    """Return the result that a plugin printed. Raises CommandFailed."""
    try:
        return jsontext.parse_object(output)
    except ValueError as error:
        raise failed(plugins, plugins.each[number]["type"], f"printed no valid result: {error}") from None


def failed(plugins: Plugins, kind: str, why: str) -> CommandFailed:
    """Return the error for a failed plugin."""
    return CommandFailed(
        f"CNI plugin {kind} of {plugins.name} {why}",
        remedy="Check the list of plugins, and the requirements of the plugin",
        program=kind,
    )


def _program(kind: str) -> str:
    found = next((path for place in PLACES if os.access(path := f"{place}/{kind}", os.X_OK)), None)
    if found is None:
        raise HostLacks(
            f"the CNI plugin {kind} is not installed in {', '.join(PLACES)}",
            remedy="Install it; package containernetworking-plugins contains the common plugins",
            program=kind,
        )
    return found


def _files() -> Iterator[str]:
    with suppress(FileNotFoundError):
        for name in sorted(os.listdir(DIRECTORY))[:_MOST_FILES]:
            if name.endswith(_ENDINGS):
                yield f"{DIRECTORY}/{name}"


def _read(path: str) -> Plugins:
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
            text = stream.read(_LIMIT + 1)
    except OSError as error:
        raise unreadable(_OPTION, path, error, remedy="Name a file with a list of CNI plugins") from None
    try:
        return cni.parse_plugins(text, most=_LIMIT)
    except ValueError as error:
        raise InvalidOption(
            _OPTION, path, f"is not a list of CNI plugins: {error}", remedy="Correct the file"
        ) from None
