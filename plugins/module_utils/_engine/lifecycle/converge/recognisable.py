# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide whether the same task may be recognised the next time; pure.

What recognition looks at (lifecycle/recognition/look.py) has to be all that the result depends on.
"""

from __future__ import annotations

from ...model.container import namespaces, status
from ...model.engine.record import ContainerRecord
from ...model.image.pull import ALWAYS, NEWER
from ...model.mounts.mount import TMPFS
from ...plan import container as planning
from ..core.outcome import Outcome
from .request import Request

#: States that do something at each task, or are about what is not there.
_NEVER = (planning.RESTARTED, planning.ABSENT)


def is_recognisable(request: Request, outcome: Outcome) -> bool:
    """Tell whether a task did nothing but look, and had nothing to say of it."""
    said = outcome.actions or outcome.differences or outcome.warnings or outcome.failure or request.remarks
    asks = request.pull is not None and request.pull.policy in (NEWER, ALWAYS)
    return request.state not in _NEVER and request.detach and not said and not asks


def waits(request: Request) -> bool:
    """Tell whether the task waits until the container is ready, if that runs."""
    return request.wait or request.state == planning.HEALTHY


def stands_alone(record: ContainerRecord) -> bool:
    """Tell whether no other container has a part in what is asked of it."""
    spec = record.spec
    shares = spec.volumes_from or record.implied or spec.image_volume == TMPFS
    return not shares and not [*namespaces.needs(spec)]


def is_as_recorded(outcome: Outcome, record: ContainerRecord) -> bool:
    """Tell whether no fact had to correct the record for the result, which would be shown after the fact is gone."""
    state = outcome.result["container"]["State"]
    pids = [one.pid if one else 0 for one in (record.process, record.monitor)]
    lives = [record.status == one for one in (status.RUNNING, status.PAUSED)]
    return [state[key] for key in ("Pid", "ConmonPid", "Running", "Paused")] == [*pids, *lives]
