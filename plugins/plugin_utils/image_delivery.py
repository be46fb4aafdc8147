# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a module that may need an image, and pull the image for hosts that request it.

The module first requests the image, then the blobs of it that the host lacks. After each request it is run
again with the reply.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleActionFail

from .delivery import DeliveringAction

#: The same as in lifecycle/image/pull.py and offered.py.
_WANTED, _LACKS = "image_wanted", "blobs_wanted"
_PULLING = ("container", "image")


class ImageAction(DeliveringAction):
    """An action whose module may request an image from the controller."""

    def _execute_module(
        self, module_name: str | None = None, module_args: dict[str, Any] | None = None, **how: Any
    ) -> dict[str, Any]:
        """Run the module; offer it the image that it requests, and send the blobs that it lacks."""
        arguments = dict(self._task.args if module_args is None else module_args)
        if not self._pulls():
            return super()._execute_module(module_name, module_args, **how)
        if arguments.get("parcel") is not None:
            raise AnsibleActionFail("parcel: set by the action plugin, not for use in playbooks")
        if how.get("wrap_async") and arguments.get("pull_on", "auto") == "auto":
            arguments["pull_on"] = "host"  # a task in the background cannot request it later
        result = super()._execute_module(module_name, arguments, **how)
        if result.get("error") != _WANTED:
            return result
        return self._offered(result, module_name, arguments, how)

    def _offered(
        self,
        asked: Mapping[str, Any],
        module_name: str | None,
        arguments: dict[str, Any],
        how: dict[str, Any],
    ) -> dict[str, Any]:
        from ansible_collections.slipway.oci.plugins.module_utils._engine.errors import (
            EngineError,
            ImageUnknown,
        )

        from . import image_offers

        told = (asked[key] for key in ("image", "policy", "platform", "digests"))
        wanted = image_offers.Wanted(*told, task=str(self._task._uuid))  # noqa: SLF001  (Ansible has no public accessor)
        access = access_of(asked["access"], arguments)
        try:
            offer = image_offers.from_registry(wanted, access)
        except EngineError as error:
            unknown = isinstance(error, ImageUnknown)
            reasons = {"failed": str(error), "host": asked["reason"], "unknown": unknown}
            failed = {**arguments, "parcel": {"offer": reasons}}
            return super()._execute_module(module_name, failed, **how)
        return self.deliver(
            offer,
            lambda members: self._from_cache(offer, wanted, access, members),
            module_name,
            arguments,
            how,
        )

    def deliver(
        self,
        offer: dict[str, Any],
        send: Any,
        module_name: str | None,
        arguments: dict[str, Any],
        how: dict[str, Any],
    ) -> dict[str, Any]:
        """Run the module with an offer, and again after ``send`` has sent the blobs that the host lacks."""
        result = super()._execute_module(module_name, {**arguments, "parcel": {"offer": offer}}, **how)
        if result.get("error") != _LACKS:
            return result
        parcel = {"offer": offer, "place": send(result["members"])}
        return super()._execute_module(module_name, {**arguments, "parcel": parcel}, **how)

    def _from_cache(self, offer: dict[str, Any], wanted: Any, access: Any, members: Sequence[str]) -> str:
        """Download what is not in the cache, send it, and return its path on the host."""
        from ansible_collections.slipway.oci.plugins.module_utils._engine.errors import EngineError
        from ansible_collections.slipway.oci.plugins.module_utils._engine.images.offer import decode

        from . import image_offers
        from .image_cache import cache

        offered = decode(offer)
        try:
            with cache() as store:
                with self.printed():
                    image_offers.fetch(offered, access, members, wanted.name)
                layers = image_offers.chosen(offered, members)
                return self.send([(layer.member, store.path(layer.digest)) for layer in layers], wanted.name)
        except EngineError as error:
            raise AnsibleActionFail(f"{wanted.name}: the controller cannot pull it: {error}") from error

    def load_archive(
        self, module_name: str | None, arguments: dict[str, Any], how: dict[str, Any]
    ) -> dict[str, Any]:
        """Offer the image of an archive on the controller, the task's option ``src``."""
        from ansible import constants
        from ansible_collections.slipway.oci.plugins.module_utils._engine.errors import EngineError

        from . import archive_offers

        path = self._find_needle("files", str(arguments["src"]))
        name = ":".join(str(arguments[part]) for part in ("name", "tag") if arguments.get(part))
        try:
            with archive_offers.opened(path, name, constants.DEFAULT_LOCAL_TMP) as source:
                return self.deliver(
                    source.offer,
                    lambda members: self.send(source.files(members), path),
                    module_name,
                    arguments,
                    how,
                )
        except EngineError as error:
            raise AnsibleActionFail(f"src: on the controller: {error}") from error

    def send(self, files: Sequence[tuple[str, str]], name: str) -> str:
        """Send files to the host, each under its name, and return their directory, removed with the task."""
        from ansible_collections.slipway.oci.plugins.module_utils._engine.progress import operation

        directory = self._connection._shell.tmpdir or self._make_tmp_path()  # noqa: SLF001  (Ansible has no public accessor)
        sizes = [os.path.getsize(path) for _member, path in files]
        paths = []
        with self.printed(), operation(f"sending {name}", total=sum(sizes), parts=len(files)) as sending:
            for (member, path), size in zip(files, sizes):
                paths.append(f"{directory.rstrip('/')}/{member}")
                self._transfer_file(path, paths[-1])
                sending.finish_part()
                sending.advance(size)
        self._fixup_perms2((directory, *paths))
        return str(directory)

    def _pulls(self) -> bool:
        """Return whether the module is one that pulls images."""
        return self._name() in _PULLING


def access_of(told: Mapping[str, Any], arguments: Mapping[str, Any]) -> Any:
    """Return the controller's access to registries: the module's settings, with the task's paths and secrets.

    The paths are on the controller.
    """
    from ansible_collections.slipway.oci.plugins.module_utils._engine.model.image.pull import Access

    def path(*words: str) -> str | None:
        found = next((arguments[word] for word in words if arguments.get(word)), None)
        return os.path.expanduser(str(found)) if found else None

    return Access(
        username=str(arguments.get("username") or ""),
        password=str(arguments.get("password") or ""),
        auth_file=path("auth_file", "authfile"),
        cert_dir=path("ca_cert_dir", "cert_dir"),
        verify=told["verify"],
        registries_conf=path("registries_conf"),
        retry=told["retry"],
        retry_delay=told["retry_delay"],
    )
