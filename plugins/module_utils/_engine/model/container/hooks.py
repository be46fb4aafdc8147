# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse OCI hook files of version 1.0.0 and select those that apply to a container; pure.

Source: oci-hooks(5) of containers/common, and libpod's pkg/hooks where the manual page is ambiguous.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Optional

from ...errors import InvalidOption
from ...frozen import dataclass, field
from ..values import jsontext

#: Not in the OCI specification: run before the container is created, and can change config.json.
PRECREATE = "precreate"
#: The stages in config.json, which the runtime runs (OCI runtime specification, POSIX-platform hooks).
STAGES = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")
#: The stage whose program is in the container.
INSIDE = "startContainer"
OPTION = "hooks_dir"
_VERSION = "1.0.0"


@dataclass(frozen=True)
class When:
    """The conditions of a hook. All that are set must hold, and at least one must be set."""

    always: Optional[bool] = None
    annotations: Mapping[str, str] = field(default_factory=dict)
    commands: tuple[str, ...] = ()
    bind_mounts: Optional[bool] = None

    def holds(self, annotations: Mapping[str, str], command: str, *, bind_mounts: bool) -> bool:
        """Return whether the hook applies to a container with these properties; ``command``: its first argument."""
        answers = [] if self.always is None else [self.always]
        # As in libpod, a condition of false never holds; it does not select containers without bind mounts.
        answers += [] if self.bind_mounts is None else [self.bind_mounts and bind_mounts]
        answers += [_any_fits(pair, annotations) for pair in self.annotations.items()]
        answers += [any(re.search(one, command) for one in self.commands)] if self.commands else []
        return bool(answers) and all(answers)


@dataclass(frozen=True)
class Hook:
    """A hook file: the program (``entry`` as in config.json: path, args, env, timeout in seconds), conditions and stages."""

    file: str
    entry: Mapping[str, Any]
    when: When
    stages: tuple[str, ...]


def parse(file: str, text: str) -> Hook:
    """Parse a hook file. Raises InvalidOption, naming the file."""
    try:
        data = jsontext.parse(text)
    except ValueError as error:
        raise _wrong(file, f"is not JSON: {error}") from None
    data = _object(file, "the file", data)
    if data.get("version") != _VERSION:
        raise _wrong(file, f"has version {data.get('version')!r}; only {_VERSION} is supported")
    stages = _texts(file, "stages", data.get("stages"))
    unknown = [stage for stage in stages if stage not in (PRECREATE, *STAGES)]
    if unknown or not stages:
        raise _wrong(file, f"has {', '.join(unknown) or 'no stage'} in stages")
    return Hook(file, _entry(file, data.get("hook")), _when(file, data.get("when")), stages)


def chosen(
    hooks: Iterable[Hook], config: Mapping[str, Any], *, bind_mounts: bool
) -> dict[str, list[dict[str, Any]]]:
    """Return the hooks that apply to the container of this config.json, by stage and in the order of their file names."""
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
        raise _wrong(file, "has an item in hook.env that is not NAME=VALUE")
    timeout = hook.get("timeout")
    if timeout is not None:
        if isinstance(timeout, bool) or not isinstance(timeout, int) or timeout <= 0:
            raise _wrong(file, "has a hook.timeout that is not a number of seconds above 0")
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
        raise _wrong(file, f"has the invalid regular expression {pattern!r}: {error}") from None


def _any_fits(patterns: tuple[str, str], annotations: Mapping[str, str]) -> bool:
    key, value = patterns
    return any(re.search(key, name) and re.search(value, text) for name, text in annotations.items())


def _flag(file: str, key: str, value: object) -> Optional[bool]:
    if value is not None and not isinstance(value, bool):
        raise _wrong(file, f"has a when.{key} that is not a boolean")
    return value


def _object(file: str, key: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(file, f"has no JSON object at {key}")
    return value


def _texts(file: str, key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) and "\0" not in one for one in value):
        raise _wrong(file, f"has no list of strings at {key}")
    return tuple(value)


def _wrong(file: str, what: str) -> InvalidOption:
    return InvalidOption(OPTION, file, what, remedy="See oci-hooks(5) for the format of hook files")
