# SPDX-License-Identifier: GPL-3.0-or-later
"""Read OCI hook files of version 1.0.0 and choose those that a container gets; pure.

Source: oci-hooks(5) of containers/common, and libpod's pkg/hooks where that page leaves room.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Optional

from ...errors import InvalidOption
from ...frozen import dataclass, field
from ..values import jsontext

#: Not of the OCI specification: run before the container is made, with config.json to change.
PRECREATE = "precreate"
#: Of config.json: the runtime runs these (OCI runtime specification, POSIX-platform hooks).
STAGES = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")
#: Its program is one of the container.
INSIDE = "startContainer"
OPTION = "hooks_dir"
_VERSION = "1.0.0"


@dataclass(frozen=True)
class When:
    """The conditions of a hook; each that is set has to hold, and one has to be set."""

    always: Optional[bool] = None
    annotations: Mapping[str, str] = field(default_factory=dict)
    commands: tuple[str, ...] = ()
    bind_mounts: Optional[bool] = None

    def holds(self, annotations: Mapping[str, str], command: str, *, bind_mounts: bool) -> bool:
        """Tell whether a container with these gets the hook; ``command`` is the first word of what it runs."""
        answers = [] if self.always is None else [self.always]
        # A condition of false never holds, as in libpod: it is no wish for a container without.
        answers += [] if self.bind_mounts is None else [self.bind_mounts and bind_mounts]
        answers += [_any_fits(pair, annotations) for pair in self.annotations.items()]
        answers += [any(re.search(one, command) for one in self.commands)] if self.commands else []
        return bool(answers) and all(answers)


@dataclass(frozen=True)
class Hook:
    """A hook file: what runs (``entry`` as in config.json: path, args, env, timeout in seconds), when and at which stages."""

    file: str
    entry: Mapping[str, Any]
    when: When
    stages: tuple[str, ...]


def parse(file: str, text: str) -> Hook:
    """Read a hook file; raises InvalidOption that names it."""
    try:
        data = jsontext.parse(text)
    except ValueError as error:
        raise _wrong(file, f"is no JSON: {error}") from None
    data = _object(file, "the file", data)
    if data.get("version") != _VERSION:
        raise _wrong(file, f"has version {data.get('version')!r}, and only {_VERSION} is known")
    stages = _texts(file, "stages", data.get("stages"))
    unknown = [stage for stage in stages if stage not in (PRECREATE, *STAGES)]
    if unknown or not stages:
        raise _wrong(file, f"names {', '.join(unknown) or 'no stage'} in stages")
    return Hook(file, _entry(file, data.get("hook")), _when(file, data.get("when")), stages)


def chosen(
    hooks: Iterable[Hook], config: Mapping[str, Any], *, bind_mounts: bool
) -> dict[str, list[dict[str, Any]]]:
    """Return, by stage, the hooks that the container of this config.json gets, in the order of their files' names."""
    annotations = config.get("annotations") or {}
    args: Sequence[str] = config.get("process", {}).get("args") or [""]
    found: dict[str, list[dict[str, Any]]] = {}
    for hook in hooks:
        if hook.when.holds(annotations, args[0], bind_mounts=bind_mounts):
            for stage in hook.stages:
                found.setdefault(stage, []).append(dict(hook.entry))
    return found


def _entry(file: str, data: object) -> dict[str, Any]:
    hook = _object(file, "hook", data)
    path = hook.get("path")
    if not isinstance(path, str) or not path.startswith("/") or "\0" in path:
        raise _wrong(file, "has no absolute path in hook.path")
    entry: dict[str, Any] = {"path": path}
    for key in ("args", "env"):
        if hook.get(key) is not None:
            entry[key] = list(_texts(file, f"hook.{key}", hook[key]))
    if not all("=" in one for one in entry.get("env", ())):
        raise _wrong(file, "has something other than NAME=VALUE in hook.env")
    timeout = hook.get("timeout")
    if timeout is not None:
        if isinstance(timeout, bool) or not isinstance(timeout, int) or timeout <= 0:
            raise _wrong(file, "has no seconds above 0 in hook.timeout")
        entry["timeout"] = timeout
    return entry


def _when(file: str, data: object) -> When:
    when = _object(file, "when", data)
    annotations = _object(file, "when.annotations", when.get("annotations") or {})
    commands = _texts(file, "when.commands", when.get("commands") or [])
    for pattern in (*annotations, *annotations.values(), *commands):
        _compiled(file, pattern)
    return When(
        _flag(file, "always", when.get("always")),
        annotations,
        commands,
        _flag(file, "hasBindMounts", when.get("hasBindMounts")),
    )


def _compiled(file: str, pattern: object) -> None:
    try:
        re.compile(pattern if isinstance(pattern, str) else "(")
    except re.error as error:
        raise _wrong(file, f"has {pattern!r} where a regular expression belongs: {error}") from None


def _any_fits(patterns: tuple[str, str], annotations: Mapping[str, str]) -> bool:
    key, value = patterns
    return any(re.search(key, name) and re.search(value, text) for name, text in annotations.items())


def _flag(file: str, key: str, value: object) -> Optional[bool]:
    if value is not None and not isinstance(value, bool):
        raise _wrong(file, f"has neither true nor false in when.{key}")
    return value


def _object(file: str, key: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(file, f"has no JSON object at {key}")
    return value


def _texts(file: str, key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) and "\0" not in one for one in value):
        raise _wrong(file, f"has no list of texts at {key}")
    return tuple(value)


def _wrong(file: str, what: str) -> InvalidOption:
    return InvalidOption(OPTION, file, what, remedy="See oci-hooks(5) for what a hook file holds")
