# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of module ``image_push``, with their documentation (see ``make generated``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...._engine.lifecycle.image.push import Push
from ...._engine.model.container.kinds import of_type
from ...options import ArgumentSpec, declared
from .pull_options import PullOptions, to_access


class PushOptions:
    """The image to push and its destination."""

    name = of_type("str", required=True)
    """Name or ID of the image on the host."""

    dest = of_type("str", aliases=["destination"])
    """Name to push the image to, for example V(registry.example/team/app:1). It may begin with C(docker://).

    V(oci-archive:/PATH), V(docker-archive:/PATH), V(oci:/DIRECTORY) and V(dir:/DIRECTORY) write the image to
    the host instead, as M(slipway.oci.image_save) does.

    The default is the name in O(name).
    """

    force = of_type("bool", default=False)
    """Push the image even if the name in the registry already refers to it."""

    username = of_type("str")
    """User name at the registry, instead of the credentials in O(auth_file)."""

    password = of_type("str", no_log=True)
    """Password of the user."""


ARGUMENTS: ArgumentSpec = {**declared(PushOptions), **declared(PullOptions)}


def to_push(params: Mapping[str, Any]) -> Push:
    """Return the request of an ``image_push`` task. Raises InvalidOption."""
    return Push(params["name"], params["dest"] or "", to_access(params), params["force"])
