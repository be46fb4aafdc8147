# SPDX-License-Identifier: GPL-3.0-or-later
"""Base class of the action plugins that transfer files between the controller and the host."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.loader import lookup_loader
from ansible_collections.slipway.oci.plugins.module_utils._engine.errors import InvalidOption
from ansible_collections.slipway.oci.plugins.module_utils._engine.model.values.globs import Excluded, matcher

from .delivery import DeliveringAction
from .pack_files import Parcel


class FileAction(DeliveringAction):
    """An action that runs its module with a tar of the files that it needs, the option ``parcel``.

    Errors on the controller are AnsibleActionFail. All temporary files are private and removed: on the host
    with the task's temporary directory, by Ansible; on the controller at once.
    """

    _supports_check_mode = True
    _supports_diff = True

    def flag(self, option: str, *, default: bool = False) -> bool:
        """Return a boolean option of the task."""
        value = self._task.args.get(option)
        return default if value is None else boolean(value, strict=True)

    def refuse_parcel(self) -> None:
        """Refuse the option ``parcel``, which only the action plugin may set."""
        if self._task.args.get("parcel") is not None:
            raise AnsibleActionFail("parcel: set by the action plugin, not for use in playbooks")

    def excluded(self) -> Excluded:
        """Return a matcher for the task's option ``exclude``."""
        patterns = self._task.args.get("exclude") or ()
        try:
            return matcher("exclude", [patterns] if isinstance(patterns, str) else patterns)
        except InvalidOption as error:
            raise AnsibleActionFail(str(error)) from None

    def find(self, source: str, where: str = "files") -> str:
        """Return the path of a file on the controller, searched for as in ``copy``; a trailing slash is kept."""
        found: str = self._find_needle(where, source)
        return f"{found.rstrip('/')}/" if source.endswith(("/", "/.")) else found.rstrip("/")

    def rendered(self, template: str, task_vars: dict[str, Any], **options: Any) -> bytes:
        """Return a template of the controller, rendered with the task's variables."""
        lookup = lookup_loader.get("ansible.builtin.template", loader=self._loader, templar=self._templar)
        (result,) = lookup.run([template], variables=task_vars, **options)
        return ("" if result is None else str(result)).encode("utf-8", "surrogateescape")

    def content(self, value: Any) -> bytes:
        """Return the bytes for an option ``content``: a string, or JSON for other values, as in ``copy``."""
        text = json.dumps(value) if isinstance(value, (dict, list)) else str(value)
        return text.encode("utf-8", "surrogateescape")

    @contextmanager
    def parcel(self) -> Iterator[Parcel]:
        """Yield an empty parcel."""
        with closing(Parcel(self._loader, constants.DEFAULT_LOCAL_TMP)) as parcel:
            yield parcel

    def send(self, parcel: Parcel) -> str:
        """Send a parcel to the host, and return its path there."""
        path = self.place_for_parcel()
        self._transfer_file(parcel.finish(), path)
        self._fixup_perms2((path.rpartition("/")[0], path))
        return path

    def place_for_parcel(self) -> str:
        """Return the path for a parcel on the host, in a directory that is removed with the task."""
        directory = self._connection._shell.tmpdir or self._make_tmp_path()  # noqa: SLF001  (Ansible has no public accessor)
        return f"{directory.rstrip('/')}/parcel.tar"

    @contextmanager
    def fetched(self, path: str) -> Iterator[str]:
        """Yield a private copy on the controller of a file on the host that the login user can read."""
        fd, copy = tempfile.mkstemp(prefix="slipway-", suffix=".tar", dir=constants.DEFAULT_LOCAL_TMP)  # 0600
        os.close(fd)
        try:
            self._connection.fetch_file(path, copy)
            yield copy
        finally:
            os.unlink(copy)

    def run_module(self, task_vars: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Run the module with the task's options, overridden by these; None removes an option."""
        arguments = {**self._task.args, **options}
        result: dict[str, Any] = self._execute_module(
            module_args={name: value for name, value in arguments.items() if value is not None},
            task_vars=task_vars,
        )
        return result
