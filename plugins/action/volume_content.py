# SPDX-License-Identifier: GPL-3.0-or-later
"""Send files, literal content and rendered templates from the controller to the host for a volume."""

from __future__ import annotations

import os
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible_collections.slipway.oci.plugins.plugin_utils.file_actions import FileAction, Parcel

#: Paths in the parcel; lifecycle/files/volume_content.py has the same names.
_SRC, _FILES = "src", "files"


class ActionModule(FileAction):
    """Action of ``volume_content``."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send the files to the host, and run the module."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        self.refuse_parcel()
        source, files = self._task.args.get("src"), self._task.args.get("files") or []
        remote = source is not None and self.flag("remote_src")
        if (not files and (source is None or remote)) or not _are_mappings(files):
            return {**result, **self.run_module(task_vars)}
        with self.parcel() as parcel:
            if source is not None and not remote:
                self._pack_source(parcel, self.find(str(source)))
            for number, one in enumerate(files):
                self._pack_file(parcel, f"{_FILES}/{number}", one, task_vars)
            # Literal and rendered content is kept out of the module's options, because they are logged.
            plain = [{**one, "content": None, "template": None} for one in files]
            return {**result, **self.run_module(task_vars, parcel=self.send(parcel), files=plain or None)}

    def _pack_source(self, parcel: Parcel, source: str) -> None:
        contents, place = source.endswith("/"), source.rstrip("/")
        name = os.path.basename(place)
        if os.path.isdir(place):
            excluded = self.excluded()
            parcel.add_tree(
                _SRC if contents else f"{_SRC}/{name}",
                place,
                follow=self.flag("local_follow"),
                excluded=excluded if contents else lambda path: excluded(f"{name}/{path}"),
            )
        elif contents:
            raise AnsibleActionFail(f"src: {source} is not a directory")
        else:
            parcel.add_file(f"{_SRC}/{name}", place)

    def _pack_file(self, parcel: Parcel, name: str, one: dict[str, Any], task_vars: dict[str, Any]) -> None:
        given = [key for key in ("content", "template") if one.get(key) is not None]
        if len(given) != 1:
            raise AnsibleActionFail(f"files: {one.get('path')!r} needs either content or template")
        if given == ["content"]:
            parcel.add_content(name, self.content(one["content"]))
        else:
            parcel.add_content(name, self.rendered(str(one["template"]), task_vars))


def _are_mappings(files: Any) -> bool:
    """Return whether the value is a list of mappings; if not, the module reports the error."""
    return isinstance(files, list) and all(isinstance(one, dict) for one in files)
