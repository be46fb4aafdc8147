# SPDX-License-Identifier: GPL-3.0-or-later
"""What a container has in effect: the spec's words, and the image's where it says none; pure.

Two specs that come to the same with their image ask for the same container, as podman inspects both alike.
"""

from __future__ import annotations

import posixpath
from dataclasses import replace
from typing import Optional

from ..errors import InvalidOption
from . import healthcheck, program
from .imageconfig import ImageConfig
from .spec import ContainerSpec


def effective(spec: ContainerSpec, image: Optional[ImageConfig]) -> ContainerSpec:
    """Return the spec with the image's words in the place of those that it lacks; as it is without an image."""
    if image is None:
        return spec
    return replace(
        healthcheck.filled(spec, image),
        entrypoint=program.entrypoint(spec, image) or None,
        command=program.command(spec, image) or None,
        env={**_variables(image), **(spec.env or {})} or None,
        label={**image.labels, **(spec.label or {})} or None,
        user=(image.user if spec.user is None else spec.user) or None,
        workdir=spec.workdir or posixpath.join("/", image.working_dir),
        stop_signal=_stop_signal(spec, image),
    )


def _variables(image: ImageConfig) -> dict[str, str]:
    pairs = (item.partition("=") for item in image.env)
    return {name: value for name, _equals, value in pairs}


def _stop_signal(spec: ContainerSpec, image: ImageConfig) -> Optional[int]:
    try:
        return program.stop_signal(spec, image)
    except InvalidOption:  # the image's is none: that is told where it is needed
        return None
