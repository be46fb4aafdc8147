# SPDX-License-Identifier: GPL-3.0-or-later
"""What a container runs and how it is asked to end: the spec's words over the image's; pure."""

from __future__ import annotations

import signal
from typing import Optional

from ..image.config import ImageConfig
from ..values.quantities import signal_number
from . import systemd_mode
from .spec import ContainerSpec

_NOTHING = ImageConfig()


def entrypoint(spec: ContainerSpec, image: Optional[ImageConfig]) -> tuple[str, ...]:
    """Return the program that the command is handed to, () for none."""
    return (image or _NOTHING).entrypoint if spec.entrypoint is None else spec.entrypoint


def command(spec: ContainerSpec, image: Optional[ImageConfig]) -> tuple[str, ...]:
    """Return the command; an entrypoint that is given leaves out the image's, the empty one (none at all) keeps it."""
    return spec.command or ((image or _NOTHING).cmd if not spec.entrypoint else ())


def runs_systemd(spec: ContainerSpec, image: Optional[ImageConfig]) -> bool:
    """Tell whether the container gets what systemd needs."""
    argv = (*entrypoint(spec, image), *command(spec, image))
    return systemd_mode.is_meant(spec.systemd, argv, init=spec.init)


def stop_signal(spec: ContainerSpec, image: Optional[ImageConfig]) -> int:
    """Return the stop signal: the spec's, else the image's, else what systemd takes or TERM."""
    if spec.stop_signal is not None:
        return spec.stop_signal
    if image is not None and image.stop_signal:
        return signal_number("STOPSIGNAL of the image", image.stop_signal)
    return int(systemd_mode.STOP_SIGNAL if runs_systemd(spec, image) else signal.SIGTERM)
