# SPDX-License-Identifier: GPL-3.0-or-later
"""What action plugins share that bring files from the controller to the host, or from the host to the controller."""

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
    """An action that runs the module of its name, with a tar of what that needs in the module's option ``parcel``.

    Errors of the controller's side are AnsibleActionFail. All temporary files are private and gone at the end: on the host
    with the task's temporary directory, which Ansible removes, on the controller at once.
    """

    _supports_check_mode = True
    _supports_diff = True

    def flag(self, option: str, *, default: bool = False) -> bool:
        """Return a boolean option of the task."""
        value = self._task.args.get(option)
        return default if value is None else boolean(value, strict=True)

    def refuse_parcel(self) -> None:
        """Refuse the option that is ours."""
        if self._task.args.get("parcel") is not None:
            raise AnsibleActionFail("parcel: set by the action plugin, and not for playbooks")

    def excluded(self) -> Excluded:
        """Return what tells which paths the task's option ``exclude`` leaves out."""
        patterns = self._task.args.get("exclude") or ()
        try:
            return matcher("exclude", [patterns] if isinstance(patterns, str) else patterns)
        except InvalidOption as error:
            raise AnsibleActionFail(str(error)) from None

    def find(self, source: str, where: str = "files") -> str:
        """Return the path of a file or directory of the controller, found as ``copy`` finds it; a slash at its end stays."""
        found: str = self._find_needle(where, source)
        return f"{found.rstrip('/')}/" if source.endswith(("/", "/.")) else found.rstrip("/")

    def rendered(self, template: str, task_vars: dict[str, Any], **options: Any) -> bytes:
        """Return what a template of the controller gives, with the task's variables."""
        lookup = lookup_loader.get("ansible.builtin.template", loader=self._loader, templar=self._templar)
        (result,) = lookup.run([template], variables=task_vars, **options)
        return ("" if result is None else str(result)).encode("utf-8", "surrogateescape")

    def content(self, value: Any) -> bytes:
        """Return what an option ``content`` means: a text, or as ``copy`` has it, JSON for anything with a structure."""
        text = json.dumps(value) if isinstance(value, (dict, list)) else str(value)
        return text.encode("utf-8", "surrogateescape")

    @contextmanager
    def parcel(self) -> Iterator[Parcel]:
        """Give an empty parcel."""
        with closing(Parcel(self._loader, constants.DEFAULT_LOCAL_TMP)) as parcel:
            yield parcel

    def send(self, parcel: Parcel) -> str:
        """Bring a parcel to the host, and return its path there."""
        path = self.place_for_parcel()
        self._transfer_file(parcel.finish(), path)
        self._fixup_perms2((path.rpartition("/")[0], path))
        return path

    def place_for_parcel(self) -> str:
        """Return the path on the host for a parcel, in a directory that goes with the task."""
        directory = self._connection._shell.tmpdir or self._make_tmp_path()  # noqa: SLF001  (Ansible has no other way)
        return f"{directory.rstrip('/')}/parcel.tar"

    @contextmanager
    def fetched(self, path: str) -> Iterator[str]:
        """Give a private copy on the controller of a file of the host, which its login user may read."""
        fd, copy = tempfile.mkstemp(prefix="slipway-", suffix=".tar", dir=constants.DEFAULT_LOCAL_TMP)  # 0600
        os.close(fd)
        try:
            self._connection.fetch_file(path, copy)
            yield copy
        finally:
            os.unlink(copy)

    def run_module(self, task_vars: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Run the module with the task's options and these on top; None takes one away."""
        arguments = {**self._task.args, **options}
        result: dict[str, Any] = self._execute_module(
            module_args={name: value for name, value in arguments.items() if value is not None},
            task_vars=task_vars,
        )
        return result
