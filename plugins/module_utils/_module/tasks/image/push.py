# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of module ``image_push``, documented below each; ``make generated`` writes DOCUMENTATION from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...._engine.lifecycle.image.push import Push
from ...._engine.model.container.kinds import of_type
from ...options import ArgumentSpec, declared
from .pull_options import PullOptions, to_access


class PushOptions:
    """What is pushed, and where to."""

    name = of_type("str", required=True)
    """Name or id of the image on this host."""

    dest = of_type("str", aliases=["destination"])
    """The name that it gets, as in V(registry.example/team/app:1); C(docker://) may stand before it.

    V(oci-archive:/PATH), V(docker-archive:/PATH), V(oci:/DIRECTORY) and V(dir:/DIRECTORY) write it to the host
    instead, as M(slipway.oci.image_save) does.

    Unset, the name by which O(name) knows it.
    """

    force = of_type("bool", default=False)
    """Whether it is pushed although the name means this image there already."""

    username = of_type("str")
    """User of the registry, in place of what the files of credentials have for it."""

    password = of_type("str", no_log=True)
    """Password of that user."""


ARGUMENTS: ArgumentSpec = {**declared(PushOptions), **declared(PullOptions)}


def to_push(params: Mapping[str, Any]) -> Push:
    """Return what a task of ``image_push`` asks for. Raises InvalidOption."""
    return Push(params["name"], params["dest"] or "", to_access(params), params["force"])
