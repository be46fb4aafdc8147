# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the plugins of the Container Network Interface: ADD, CHECK and DEL of one container in one network.

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

#: Where lists of plugins are looked for by name.
DIRECTORY = "/etc/cni/net.d"
#: Where plugins are, in the order of podman's ``cni_plugin_dirs`` (containers.conf(5)).
PLACES = (
    "/usr/local/libexec/cni",
    "/usr/libexec/cni",
    "/usr/local/lib/cni",
    "/usr/lib/cni",
    "/opt/cni/bin",
)
_ENDINGS = (".conflist", ".conf", ".json")
_OPTION = "opt.conflist"
#: Bytes of a list, and how many files are searched.
_LIMIT, _MOST_FILES = 1 << 20, 1000
#: Seconds for one plugin: one that asks a server for an address waits for it.
_TIMEOUT = 60.0


class How(NamedTuple):
    """What is asked, the path of the container's network namespace ("" where it is gone), and a descriptor that plugins keep.

    A lock on that is held as long as one of them runs, whoever has started it and was killed.
    """

    request: Request
    netns: str
    held: int


def find(name: str) -> Plugins:
    """Return the list of plugins at an absolute path, or of this name in the standard directory; the first file by name is it.

    Raises Missing, InvalidOption.
    """
    if name.startswith("/"):
        return _read(name)
    for path in _files():
        with suppress(InvalidOption):  # of another network, which is none of this one's business
            found = _read(path)
            if found.name == name:
                return found
    raise Missing(
        _OPTION,
        name,
        f"is the name of no list of CNI plugins in {DIRECTORY}",
        remedy="Put it there before, or name the file by its path",
    )


def refuse_missing(plugins: Plugins) -> None:
    """Raise HostLacks for a plugin that is not installed."""
    for kind in plugins.types:
        _program(kind)


def add(plugins: Plugins, how: How) -> dict[str, Any]:
    """Attach a container and return the last plugin's result; raises CommandFailed, and ``delete`` is to be called then."""
    result: Optional[dict[str, Any]] = None
    for number in range(len(plugins.each)):
        result = result_of(plugins, number, _call("ADD", plugins, number, how, result))
    return result or {}


def check(plugins: Plugins, how: How, result: Mapping[str, Any]) -> None:
    """Raise CommandFailed when a plugin misses something that it has made; lists that can't be checked pass."""
    for number in range(len(plugins.each) if plugins.checks else 0):
        _call("CHECK", plugins, number, how, result)


def delete(plugins: Plugins, how: How, result: Optional[Mapping[str, Any]]) -> None:
    """Take a container off, whatever of it is there.

    Each plugin is told, the last first; then the first failure is raised: CommandFailed, HostLacks.
    """
    failed: list[EngineError] = []
    for number in reversed(range(len(plugins.each))):
        try:
            _call("DEL", plugins, number, how, result if plugins.remembers else None)
        except EngineError as error:  # noqa: PERF203  (the others are told all the same)
            failed.append(error)
    if failed:
        raise failed[0]


def _call(verb: str, plugins: Plugins, number: int, how: How, previous: Optional[Mapping[str, Any]]) -> bytes:
    """Run one plugin and return what it prints; raises CommandFailed with its own words, CommandTimeout, HostLacks."""
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
        raise failed(plugins, kind, f"fails at {verb}: {said or f'exit code {ended.returncode}'}")
    return ended.stdout


def result_of(plugins: Plugins, number: int, output: bytes) -> dict[str, Any]:
    """Return the result that a plugin has printed; raises CommandFailed."""
    try:
        return jsontext.parse_object(output)
    except ValueError as error:
        raise failed(plugins, plugins.each[number]["type"], f"prints no result: {error}") from None


def failed(plugins: Plugins, kind: str, why: str) -> CommandFailed:
    """Return the error for what a plugin has done."""
    return CommandFailed(
        f"CNI plugin {kind} of {plugins.name} {why}",
        remedy="See the list of plugins, and what the plugin needs",
        program=kind,
    )


def _program(kind: str) -> str:
    found = next((path for place in PLACES if os.access(path := f"{place}/{kind}", os.X_OK)), None)
    if found is None:
        raise HostLacks(
            f"the CNI plugin {kind} is in none of {', '.join(PLACES)}",
            remedy="Install it: package containernetworking-plugins has the usual ones",
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
            _OPTION, path, f"is no list of CNI plugins: {error}", remedy="Mend the file"
        ) from None
