# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of module ``image``, with their documentation (see ``make generated``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...._engine.errors import InvalidOption
from ...._engine.frozen import dataclass
from ...._engine.images.archive.reference import is_id, parse
from ...._engine.model.container.kinds import of_type
from ...._engine.model.image import pull
from ...._engine.model.image.pull import Pull
from ...options import ArgumentSpec, declared
from .pull_options import PULL_OPTIONS, to_pull

PRESENT, ABSENT, LATEST = "present", "absent", "latest"


class ImageOptions:
    """The image and its state."""

    name = of_type("str", required=True)
    """Name of the image, with a tag or a digest. The default tag is C(latest).

    A name without a registry refers to the image C(localhost/NAME) of the host if it exists. Otherwise it is
    pulled from C(docker.io), or from the registries that O(registries_conf) lists.

    To remove an image, its ID can be given as well.
    """

    src = of_type("path")
    """Archive on the controller to load the image from, instead of a registry, in any format that
    M(slipway.oci.image_load) accepts. It is searched for as in M(ansible.builtin.copy). Layers that the host
    already has are not sent.

    If the archive contains one image, it is loaded under O(name). If it contains several, the one with that
    name is loaded.
    """

    tag = of_type("str")
    """Tag of the image, if O(name) has none."""

    state = of_type("str", default=PRESENT, choices=[PRESENT, ABSENT, LATEST])
    """With V(present), the image is pulled according to O(pull).

    V(latest) is the same as V(present) with O(pull=newer).

    With V(absent), the name is removed, and with its last name the image. The task fails if a container uses
    the image. The message names the container.
    """

    pull = of_type("str", default=pull.MISSING)
    """When to pull the image. With V(missing), it is pulled if it does not exist. With V(newer), the registry
    is asked for the digest each time, and a changed image is pulled. If the registry cannot be reached, the
    existing image is used. V(always) does the same, but fails if the registry cannot be reached. With
    V(never), the image must exist.

    As in M(containers.podman.podman_image), V(true) means V(missing) and V(false) means V(never).
    """

    force = of_type("bool", default=False)
    """With O(state=present), ask the registry even if the image exists, as with O(pull=always).

    With O(state=absent), remove all names of the image, and so the image.
    """

    username = of_type("str")
    """User name at the registry, instead of the credentials in O(auth_file)."""

    password = of_type("str", no_log=True)
    """Password of the user."""


ARGUMENTS: ArgumentSpec = {**declared(ImageOptions), **PULL_OPTIONS}


@dataclass(frozen=True)
class ImageRequest:
    """An image to pull or, without ``wanted``, to remove; ``loads``: the controller reads it from an archive."""

    name: str
    wanted: Pull | None
    force: bool
    loads: bool = False


def to_image(params: Mapping[str, Any]) -> ImageRequest | None:
    """Return a task's request; None if the image to remove cannot exist. Raises InvalidOption."""
    absent = params["state"] == ABSENT
    try:
        name = _name(params)
    except InvalidOption:
        if absent and not params["tag"]:
            return None
        raise
    if absent:
        return ImageRequest(name, None, params["force"])
    policy = pull.policy(params["pull"], true=pull.MISSING, false=pull.NEVER)
    if params["state"] == LATEST and policy == pull.MISSING:
        policy = pull.NEWER
    if params["force"] and policy != pull.NEVER:
        policy = pull.ALWAYS
    wanted = to_pull(params, name, policy)
    if params["src"] is not None and wanted.offer is None:
        raise InvalidOption("src", params["src"], "is supported only by the action plugin")
    return ImageRequest(name, wanted, params["force"], loads=params["src"] is not None)


def _name(params: Mapping[str, Any]) -> str:
    """Return the name with its tag."""
    name, tag = params["name"], params["tag"]
    if not is_id(name):
        parse(name)
    if not tag:
        return str(name)
    if "@" in name or ":" in name.rpartition("/")[2]:
        raise InvalidOption(
            "tag",
            tag,
            f"conflicts with the name {name!r}, which already has one",
            remedy="Set only one of them",
        )
    parse(f"{name}:{tag}")
    return f"{name}:{tag}"
