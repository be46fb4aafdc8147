# SPDX-License-Identifier: GPL-3.0-or-later
"""OCI hooks: find hook files on the host, and run those of the precreate stage, which modify config.json.

The runtime runs the other stages' hooks, which config.json lists. Source: oci-hooks(5); libpod's
pkg/hooks/exec.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import EngineError, InvalidOption, Missing, RuntimeFailed, unreadable
from ..kernel import command, untrusted_files
from ..model.container.hooks import INSIDE, OPTION, Hook, parse
from ..model.values import jsontext

#: Podman's default directories; files of the later one take precedence. Neither must exist.
USUAL = ("/usr/share/containers/oci/hooks.d", "/etc/containers/oci/hooks.d")
#: In bytes. Hook files are small; a larger file is rejected.
_LIMIT = 1024 * 1024
#: Timeout in seconds of a hook that sets none.
_TIMEOUT = 10.0


def find(directories: Sequence[str] | None) -> tuple[Hook, ...]:
    """Return the directories' hooks, sorted by file name; None means the default ones.

    A file overrides one of the same name in an earlier directory. Raises InvalidOption, naming the directory
    or file.
    """
    files: dict[str, str] = {}
    for directory in USUAL if directories is None else directories:
        files.update(_files(directory, must_exist=directories is not None))
    return tuple(_read(files[name]) for name in sorted(files))


def precreate(hooks: Sequence[Mapping[str, Any]], config: dict[str, Any]) -> dict[str, Any]:
    """Return config.json as modified by the hooks: each reads it from stdin and prints its replacement.

    Raises RuntimeFailed, naming the hook.
    """
    for hook in hooks:
        config = _filtered(hook, config)
    return config


def _files(directory: str, *, must_exist: bool) -> dict[str, str]:
    try:
        names = os.listdir(directory)
    except OSError as error:
        if not must_exist and isinstance(error, (FileNotFoundError, NotADirectoryError)):
            return {}
        remedy = "Create it first, for example with ansible.builtin.file"
        raise unreadable(OPTION, directory, error, remedy=remedy) from None
    return {name: f"{directory}/{name}" for name in names if name.endswith(".json")}


def _read(file: str) -> Hook:
    hook = parse(file, _text(file))
    path = hook.entry["path"]
    if hook.stages != (INSIDE,) and not (os.path.isfile(path) and os.access(path, os.X_OK)):
        raise Missing(OPTION, file, f"names {path}, which is not an executable file on this host")
    return hook


def _text(file: str) -> str:
    """Return a hook file's text; reject other than regular files unopened, because a FIFO would block."""
    try:
        content = untrusted_files.read_file("/", file, limit=_LIMIT)
        if content is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return content.decode()
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno == errno.EFBIG:
            raise InvalidOption(OPTION, file, "is too large for a hook file") from None
        raise InvalidOption(OPTION, file, f"can't be read: {error}") from None


def _filtered(hook: Mapping[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    path = hook["path"]
    try:
        said = command.run(
            [path, *hook.get("args", ())[1:]],
            timeout=float(hook.get("timeout", _TIMEOUT)),
            env=dict(one.split("=", 1) for one in hook.get("env", ())),
            stdin=json.dumps(config).encode(),
        ).stdout
        changed = jsontext.parse(said)
    except EngineError as error:
        raise _failed(path, str(error)) from error
    except ValueError as error:
        raise _failed(path, f"its output is not valid JSON: {error}") from None
    if not isinstance(changed, dict) or not isinstance(changed.get("process"), dict):
        raise _failed(path, "its output is not a config.json: it has no process")
    return changed


def _failed(path: str, why: str) -> RuntimeFailed:
    return RuntimeFailed(f"the precreate hook {path} failed: {why}", hook=path)
