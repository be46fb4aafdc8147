# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry out a task of module container the whole way, and see whether it is recognised."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.slipway.oci.plugins.module_utils._engine.lifecycle.host.opening import open_engine
from ansible_collections.slipway.oci.plugins.module_utils._engine.lifecycle.recognition.memory import (
    Task,
    recall,
)
from ansible_collections.slipway.oci.plugins.module_utils._module.container_arguments import ARGUMENTS
from ansible_collections.slipway.oci.plugins.module_utils._module.recognition import named
from ansible_collections.slipway.oci.plugins.module_utils._module.remembering import remembering
from ansible_collections.slipway.oci.plugins.module_utils._module.render import render
from ansible_collections.slipway.oci.plugins.module_utils._module.tasks.container import converge_container
from ansible_collections.slipway.oci.plugins.module_utils._module.tasks.container_request import to_request

from enginehost import eventually

BASE = {"name": "box", "image": "localhost/app:1", "network": "none"}
SLEEP = {**BASE, "command": ["/bin/sleep", "1000"], "stop_timeout": 0}


class Ways:
    """A task of module container on an engine, and the two ways to its result."""

    def __init__(self, where: dict[str, str], options: dict[str, Any], engine: str = "this") -> None:
        checked = ArgumentSpecValidator(ARGUMENTS).validate({**where, **options})
        assert checked.error_messages == []
        self.where, self.params, self.engine = where, checked.validated_parameters, engine

    @property
    def task(self) -> Task | None:
        """Return what the task is known by now; the files that it names have a part in that."""
        return named(self.engine, self.params)

    def whole(
        self,
        *,
        check: bool = False,
        known_by: Task | None = None,
        act: Callable[..., Any] = converge_container,
    ) -> dict[str, Any]:
        """Return the result of the whole way, as a task returns it; what it finds is kept."""
        task = known_by or self.task
        request = to_request(self.params)
        with open_engine(**self.where, read_only=check) as engine:
            outcome = remembering(act, task)(engine, request)
        return json.loads(json.dumps(render(outcome, subject=self.params["name"])))

    def recalled(self, *, check: bool = False) -> dict[str, Any] | None:
        """Return the result if the task is recognised."""
        task = self.task
        return task and recall(task, predicting=check)

    def both_recalled(self) -> list[dict[str, Any] | None]:
        """Return the same of a task and of its prediction."""
        return [self.recalled(), self.recalled(check=True)]

    def recognised_from_now_on(self) -> bool:
        """Go the whole way until the task is recognised, and compare all ways then."""
        result = eventually(self._kept, "a task that is recognised")
        return self.both_recalled() == [result] * 2 == [self.whole(), self.whole(check=True)]

    def _kept(self) -> dict[str, Any] | None:
        """Go the whole way, and return its result if that was kept: the agent may hold the container's lock after an end."""
        result = self.whole()
        return None if result["changed"] or self.recalled() is None else result
