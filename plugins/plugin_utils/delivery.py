# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a module on a host with its engine, which is sent only if the host lacks it.

Ansible compiles a collection's plugins again in each task's process, so the code that packs is imported where
it is used.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from ansible import constants
from ansible.plugins.action import ActionBase
from ansible_collections.slipway.oci.plugins.module_utils._entry.protocol import MISSING, OPTION

#: File names in Ansible's directory for this run, which all of its tasks share.
_NAME, _ARCHIVE = "slipway-engine", "slipway-engine.zip"


#: Modules that may take long on the host: they pull, load or copy up.
_LONG = ("container", "image", "image_load", "image_push")
#: Seconds before anything is printed of them.
_FIRST = 2.0


class Archive(NamedTuple):
    """The packed engine on the controller: its name, its path, and the digest to verify it on arrival."""

    name: str
    path: str
    sha256: str


class DeliveringAction(ActionBase):
    """An action whose module uses the engine on the host; the first one installs it there."""

    def _execute_module(
        self, module_name: str | None = None, module_args: dict[str, Any] | None = None, **how: Any
    ) -> dict[str, Any]:
        """Run the module; if it reports that the engine is missing, send the engine and run it again."""
        arguments = dict(self._task.args if module_args is None else module_args)
        if how.get("wrap_async"):  # a task in the background cannot request it later
            return self._run(module_name, {**arguments, **self._sent_ahead(module_name, arguments, how)}, how)
        result = self._run(module_name, {**arguments, OPTION: {"name": name_of_engine()}}, how)
        if result.get("error") != MISSING:
            return result
        return self._run(module_name, {**arguments, OPTION: self._sent()}, how)

    def _run(self, module_name: str | None, arguments: dict[str, Any], how: dict[str, Any]) -> dict[str, Any]:
        with self._followed(arguments, how) as told:
            result: dict[str, Any] = super()._execute_module(module_name=module_name, module_args=told, **how)
        return result

    @contextmanager
    def _followed(self, arguments: dict[str, Any], how: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Print how far the module is while the block runs it; yield its arguments, which say where to write that."""
        if self._name() not in _LONG or self._task.check_mode or how.get("wrap_async"):
            yield arguments
            return
        token, ended = os.urandom(16).hex(), threading.Event()
        follower = threading.Thread(target=self._follow, args=(arguments, token, ended), daemon=True)
        follower.start()
        try:
            yield {**arguments, OPTION: {**arguments[OPTION], "progress": token}}
        finally:
            ended.set()

    def _follow(self, arguments: dict[str, Any], token: str, ended: threading.Event) -> None:
        if ended.wait(_FIRST):  # most tasks end here, and cost no import
            return
        from .host_progress import can_follow, follow
        from .progress import Progress, is_wanted

        if is_wanted(self._task) and can_follow(self._connection):
            follow(self._connection, arguments, token, Progress(self._display, self._host(), 0.0), ended)

    @contextmanager
    def printed(self) -> Iterator[None]:
        """Print the progress of what this process does in the block."""
        from ansible_collections.slipway.oci.plugins.module_utils._engine.progress import reported_to

        from .progress import Progress, is_wanted

        if not is_wanted(self._task):
            yield
            return
        with reported_to(Progress(self._display, self._host()).show):
            yield

    def _name(self) -> str:
        return str(self._task.action).rpartition(".")[2]

    def _host(self) -> str:
        return str(self._templar.available_variables.get("inventory_hostname", ""))

    def _sent_ahead(
        self, module_name: str | None, arguments: dict[str, Any], how: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the engine option for a background task, after running the module in the foreground to ask."""
        wanted: dict[str, Any] = {"name": name_of_engine()}
        asked = {**arguments, OPTION: {**wanted, "asks": True}}
        result = self._run(module_name, asked, {**how, "wrap_async": False})
        return {OPTION: self._sent() if result.get("error") == MISSING else wanted}

    def _sent(self) -> dict[str, str]:
        """Send the archive to the task's temporary directory; return the module's engine option."""
        archive = archived_engine()
        directory = self._connection._shell.tmpdir or self._make_tmp_path()  # noqa: SLF001  (Ansible has no public accessor)
        path = f"{directory.rstrip('/')}/{_ARCHIVE}"
        self._transfer_file(archive.path, path)
        self._fixup_perms2((directory, path))
        return {"name": archive.name, "archive": path, "sha256": archive.sha256}


def name_of_engine() -> str:
    """Return the name of the collection's engine, computed once in a run of Ansible."""
    with suppress(FileNotFoundError), open(_place(_NAME), encoding="ascii") as file:
        return file.read()
    from ansible_collections.slipway.oci.plugins.module_utils._engine import archive

    name = archive.name(_files())
    _write(_place(_NAME), name.encode("ascii"))
    return name


def archived_engine() -> Archive:
    """Return the packed engine, created once in a run of Ansible."""
    from hashlib import sha256

    from ansible_collections.slipway.oci.plugins.module_utils._engine import archive

    path = _place(_ARCHIVE)
    try:
        with open(path, "rb") as file:
            packed = file.read()
    except FileNotFoundError:
        files = _files()
        packed = archive.pack(files)
        _write(_place(_NAME), archive.name(files).encode("ascii"))
        _write(path, packed)
    return Archive(name_of_engine(), path, sha256(packed).hexdigest())


def _files() -> dict[str, bytes]:
    from ansible_collections.slipway.oci.plugins.module_utils._engine import archive

    return archive.files(os.path.dirname(os.path.dirname(os.path.abspath(archive.__file__))))


def _place(name: str) -> str:
    return os.path.join(constants.DEFAULT_LOCAL_TMP, name)


def _write(path: str, content: bytes) -> None:
    """Write a file atomically, because other tasks read it concurrently."""
    temporary = f"{path}.{os.urandom(4).hex()}"
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(content)
    os.replace(temporary, path)
