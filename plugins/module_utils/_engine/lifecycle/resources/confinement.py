# SPDX-License-Identifier: GPL-3.0-or-later
"""Confine containers that ask for no AppArmor profile by the default one, and look up by which one a container is confined."""

from __future__ import annotations

from ...model.container.spec import ContainerSpec
from ...model.container.status import ALIVE
from ...model.engine.record import ContainerRecord
from ...runtime import apparmor
from ..inspect.process import apparmor_profile


def load(spec: ContainerSpec) -> None:
    """Load the default profile if the container gets it; raises HostLacks where it can't be loaded."""
    default = apparmor.default()
    if default and apparmor_profile(spec, default) == default:
        apparmor.load_default()


def profile_of(record: ContainerRecord) -> str:
    """Return the profile of a container that runs, as the kernel has it; of any other the one that it will get, "" for none."""
    if not apparmor.is_enabled():
        return ""
    if record.status in ALIVE and record.process is not None:
        return apparmor.confinement(record.process.pid)
    return apparmor_profile(record.spec, apparmor.default())
