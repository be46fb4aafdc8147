# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide whether an unchanged task may be recognised next time; pure.

The result must depend on nothing but what recognition compares (lifecycle/recognition/look.py).
"""

from __future__ import annotations

from ...model.container import namespaces, status
from ...model.engine.record import ContainerRecord
from ...model.image.pull import ALWAYS, NEWER
from ...model.mounts.mount import TMPFS
from ...plan import container as planning
from ..core.outcome import Outcome
from .request import Request

#: States that act at every task, or that are about a container that does not exist.
_NEVER = (planning.RESTARTED, planning.ABSENT)


def is_recognisable(request: Request, outcome: Outcome) -> bool:
    """Return whether a task changed nothing, reported nothing and asked no registry."""
    said = outcome.actions or outcome.differences or outcome.warnings or outcome.failure or request.remarks
    asks = request.pull is not None and request.pull.policy in (NEWER, ALWAYS)
    return request.state not in _NEVER and request.detach and not said and not asks


def waits(request: Request) -> bool:
    """Return whether the task waits until a running container is ready."""
    return request.wait or request.state == planning.HEALTHY


def stands_alone(record: ContainerRecord) -> bool:
    """Return whether neither another container nor a volume of the image affects the result."""
    spec = record.spec
    shares = spec.volumes_from or record.implied or spec.image_volume == TMPFS
    return not shares and not [*namespaces.needs(spec)]


def is_as_recorded(outcome: Outcome, record: ContainerRecord) -> bool:
    """Return whether no fact corrected the record for the result: facts may change before its reuse."""
    state = outcome.result["container"]["State"]
    pids = [one.pid if one else 0 for one in (record.process, record.monitor)]
    lives = [record.status == one for one in (status.RUNNING, status.PAUSED)]
    return [state[key] for key in ("Pid", "ConmonPid", "Running", "Paused")] == [*pids, *lives]
