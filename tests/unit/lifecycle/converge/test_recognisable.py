# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tasks may be recognised next time."""

from __future__ import annotations

import pytest

from _engine.errors import ContainerFailed
from _engine.frozen import replace
from _engine.lifecycle.converge.recognisable import is_as_recorded, is_recognisable, stands_alone, waits
from _engine.lifecycle.converge.request import Request
from _engine.lifecycle.core.outcome import Outcome
from _engine.lifecycle.inspect.container import container_shape
from _engine.model.engine.record import ProcessId
from _engine.plan.diff import Difference

REQUEST = Request("app", "started")
NOTHING = Outcome()
#: A request, an outcome, and whether the task may be recognised.
TASKS = [
    *(
        (replace(REQUEST, state=state), NOTHING, True)
        for state in ("started", "present", "created", "stopped")
    ),
    *((replace(REQUEST, state=state), NOTHING, True) for state in ("paused", "healthy")),
    *((replace(REQUEST, state=state), NOTHING, False) for state in ("restarted", "absent")),
    (replace(REQUEST, detach=False), NOTHING, False),
    (replace(REQUEST, remarks=("x",)), NOTHING, False),
    (REQUEST, Outcome(("started app",)), False),
    (REQUEST, Outcome(differences=(Difference("env", 1, 2, "recreate"),)), False),
    (REQUEST, Outcome(warnings=("x",)), False),
    (REQUEST, Outcome(failure=ContainerFailed("x")), False),
]


@pytest.mark.parametrize(("request_", "outcome", "may"), TASKS)
def test_what_does_nothing_but_look(request_, outcome, may):
    """A task that acted, reported something, or acts at each run is never recognised."""
    assert is_recognisable(request_, outcome) is may


def test_what_waits():
    """A task waits for readiness if it says so, and if it asks for a healthy container."""
    assert [waits(REQUEST), waits(replace(REQUEST, wait=True)), waits(replace(REQUEST, state="healthy"))] == [
        False,
        True,
        True,
    ]


#: Options, and whether their result depends on no other container.
OPTIONS = [
    ({}, True),
    ({"network": ["host"]}, True),
    ({"volume": ["data:/data"]}, True),
    ({"network": ["container:one"]}, False),
    ({"pid": "container:one"}, False),
    ({"ipc": "container:one"}, False),
    ({"uts": "container:one"}, False),
    ({"requires": ["one"]}, True),
    ({"volumes_from": ["one"]}, False),
    ({"image_volume": "tmpfs"}, False),
    ({"image_volume": "ignore"}, True),
]


@pytest.mark.parametrize(("options", "alone"), OPTIONS)
def test_what_stands_alone(container, options, alone):
    """A container whose result depends on another container is never recognised."""
    assert stands_alone(container(options)) is alone


#: A record's fields, and those that the facts have corrected.
CORRECTED = [
    ({"status": "configured"}, {}),
    ({"status": "running", "process": ProcessId(7, 1), "monitor": ProcessId(6, 1)}, {}),
    ({"status": "paused", "process": ProcessId(7, 1), "monitor": ProcessId(6, 1)}, {}),
    ({"status": "running", "process": ProcessId(7, 1), "monitor": ProcessId(6, 1)}, {"status": "paused"}),
    ({"status": "paused", "process": ProcessId(7, 1), "monitor": ProcessId(6, 1)}, {"status": "running"}),
    ({"status": "running", "process": ProcessId(7, 1), "monitor": ProcessId(6, 1)}, {"monitor": None}),
    ({"status": "running", "process": ProcessId(7, 1)}, {"process": ProcessId(8, 1)}),
    ({"status": "running", "process": ProcessId(7, 1)}, {"status": "stopped", "process": None}),
    ({"status": "exited"}, {"status": "running", "process": ProcessId(8, 1)}),
]


@pytest.mark.parametrize(("fields", "corrected"), CORRECTED)
def test_a_result_of_what_is_recorded(container, layout, fields, corrected):
    """A result in which the facts corrected the record does not count as a result of that record."""
    record = container(**fields)
    shown = container_shape(replace(record, **corrected), None, layout)
    assert is_as_recorded(Outcome(result={"container": shown}), record) is (not corrected)
