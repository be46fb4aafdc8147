# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``volume``: its options and its implementation."""

from __future__ import annotations

from ..._engine.lifecycle.converge.volume import converge_volume
from ..._engine.lifecycle.core.engine import Engine
from ..._engine.lifecycle.core.outcome import Outcome
from ..._engine.lifecycle.volume.repopulate import fill
from ..podman_options import QUADLET
from ..runner import run
from ..tasks.volume import VolumeRequest, to_volume
from ..tasks.volume_options import ARGUMENTS


def act(engine: Engine, request: VolumeRequest) -> Outcome:
    """Converge the volume to the task's request."""

    def converge() -> Outcome:
        return converge_volume(engine, request.spec, request.state, request.how)

    if request.refill is None:
        return converge()
    return fill(engine, request.spec.name, request.refill, converge, renewed=request.how.recreate)


def main() -> None:
    """Run the module."""
    run(
        ARGUMENTS,
        to_volume,
        act,
        otherwise="brought volume {name} to {state}",
        result={"volume": {}, "mount_point": ""},
        foreign=QUADLET,
    )
