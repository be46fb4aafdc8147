# SPDX-License-Identifier: GPL-3.0-or-later
"""Load the default AppArmor profile for containers that set none, and look up a container's profile."""

from __future__ import annotations

from ...model.container.spec import ContainerSpec
from ...model.container.status import ALIVE
from ...model.engine.record import ContainerRecord
from ...runtime import apparmor
from ..inspect.process import apparmor_profile


def load(spec: ContainerSpec) -> None:
    """Load the default profile if the container uses it. Raises HostLacks when it cannot be loaded."""
    default = apparmor.default()
    if default and apparmor_profile(spec, default) == default:
        apparmor.load_default()


def profile_of(record: ContainerRecord) -> str:
    """Return a running container's profile (from the kernel), or the one that it will get; "" for none."""
    if not apparmor.is_enabled():
        return ""
    if record.status in ALIVE and record.process is not None:
        return apparmor.confinement(record.process.pid)
    return apparmor_profile(record.spec, apparmor.default())
