# SPDX-License-Identifier: GPL-3.0-or-later
"""The effective options of a container: the spec's, with the image's as defaults; pure.

Two specs with the same effective options request the same container, and podman shows both alike.
"""

from __future__ import annotations

import posixpath
from typing import Optional

from ...errors import InvalidOption
from ...frozen import replace
from ..image.config import ImageConfig
from . import healthcheck, program
from .spec import ContainerSpec


def effective(spec: ContainerSpec, image: Optional[ImageConfig]) -> ContainerSpec:
    """Return the spec with unset options filled in from the image; without an image, the spec itself."""
    if image is None:
        return spec
    given = spec.entrypoint is None
    return replace(
        healthcheck.of_image(spec, image),
        entrypoint=(image.entrypoint or None) if given else spec.entrypoint,
        command=spec.command or (image.cmd if given else ()) or None,
        env={**_variables(image), **(spec.env or {})} or None,
        label={**image.labels, **(spec.label or {})} or None,
        user=(image.user or None) if spec.user is None else spec.user,
        workdir=spec.workdir or (posixpath.join("/", image.working_dir) if image.working_dir else None),
        stop_signal=_stop_signal(spec, image) if image.stop_signal else spec.stop_signal,
    )


def _variables(image: ImageConfig) -> dict[str, str]:
    pairs = (item.partition("=") for item in image.env)
    return {name: value for name, _equals, value in pairs}


def _stop_signal(spec: ContainerSpec, image: ImageConfig) -> Optional[int]:
    try:
        return program.stop_signal(spec, image)
    except InvalidOption:  # the image's is invalid: an error is raised where it is used
        return None
