# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of module ``image``, documented below each; ``make generated`` writes the module's DOCUMENTATION from it."""

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
    """What the image is, and how it is to be."""

    name = of_type("str", required=True)
    """Name of the image, with a tag or a digest; with neither it has the tag C(latest).

    Without a registry it is an image of this host (C(localhost/NAME)) if there is one. To be pulled, it is
    looked for at C(docker.io), or where O(registries_conf) says.

    To remove an image, its id is taken too.
    """

    src = of_type("path")
    """Archive of the controller that the image is loaded from, in place of a registry: of any form that
    M(slipway.oci.image_load) takes, found as M(ansible.builtin.copy) finds it. Layers that the host has
    already are not sent.

    An archive of one image gives it under O(name). Of several it is the one that has that name.
    """

    tag = of_type("str")
    """Tag of the image, where O(name) has none."""

    state = of_type("str", default=PRESENT, choices=[PRESENT, ABSENT, LATEST])
    """V(present) has the image, as O(pull) says.

    V(latest) is V(present) with O(pull=newer).

    V(absent) removes the name, and with its last name the image. It fails when a container was made from the
    image, naming it.
    """

    pull = of_type("str", default=pull.MISSING)
    """When the registry is asked. V(missing): when the image is not there. V(newer): each time, by the digest
    alone, and what is new is pulled; where the registry can't be reached, the image that is there is good
    enough. V(always): each time, and the registry has to answer. V(never): never.

    A boolean is what it is in M(containers.podman.podman_image): V(true) is V(missing), V(false) is V(never).
    """

    force = of_type("bool", default=False)
    """With O(state=present), whether the registry is asked though the image is there, as O(pull=always) does.

    With O(state=absent), whether all names of the image are removed, and so the image.
    """

    username = of_type("str")
    """User of the registry, in place of what the files of credentials have for it."""

    password = of_type("str", no_log=True)
    """Password of that user."""


ARGUMENTS: ArgumentSpec = {**declared(ImageOptions), **PULL_OPTIONS}


@dataclass(frozen=True)
class ImageRequest:
    """An image that is to be there, or, with ``wanted`` None, not. ``loads``: the controller has read it from an archive."""

    name: str
    wanted: Pull | None
    force: bool
    loads: bool = False


def to_image(params: Mapping[str, Any]) -> ImageRequest | None:
    """Return what a task asks for; None: nothing can have that name, and it is to be absent. Raises InvalidOption."""
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
        raise InvalidOption("src", params["src"], "is read by the action plugin alone")
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
            "tag", tag, f"stands beside the name {name!r}, which has one", remedy="Write either"
        )
    parse(f"{name}:{tag}")
    return f"{name}:{tag}"
