# SPDX-License-Identifier: GPL-3.0-or-later
"""The program of a container and its stop signal: the spec's, otherwise the image's; pure."""

from __future__ import annotations

import signal
from typing import Optional

from ..image.config import ImageConfig
from ..values.quantities import signal_number
from . import systemd_mode
from .spec import ContainerSpec

_NOTHING = ImageConfig()


def entrypoint(spec: ContainerSpec, image: Optional[ImageConfig]) -> tuple[str, ...]:
    """Return the entrypoint, which receives the command as arguments, () for none."""
    return (image or _NOTHING).entrypoint if spec.entrypoint is None else spec.entrypoint


def command(spec: ContainerSpec, image: Optional[ImageConfig]) -> tuple[str, ...]:
    """Return the command. An entrypoint in the spec drops the image's command; an empty one keeps it."""
    return spec.command or ((image or _NOTHING).cmd if not spec.entrypoint else ())


def runs_systemd(spec: ContainerSpec, image: Optional[ImageConfig]) -> bool:
    """Return whether the container is set up for systemd."""
    argv = (*entrypoint(spec, image), *command(spec, image))
    return systemd_mode.is_meant(spec.systemd, argv, init=spec.init)


def stop_signal(spec: ContainerSpec, image: Optional[ImageConfig]) -> int:
    """Return the stop signal: the spec's, otherwise the image's, otherwise systemd's or SIGTERM."""
    if spec.stop_signal is not None:
        return spec.stop_signal
    if image is not None and image.stop_signal:
        return signal_number("STOPSIGNAL of the image", image.stop_signal)
    return int(systemd_mode.STOP_SIGNAL if runs_systemd(spec, image) else signal.SIGTERM)
