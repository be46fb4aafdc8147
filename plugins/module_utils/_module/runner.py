# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a module: read its options, open the engine, act, and end with the result or an error in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from ansible.module_utils.basic import AnsibleModule

from .._engine.errors import EngineError
from .._engine.lifecycle.engine import Engine, open_engine
from .._engine.lifecycle.outcome import Outcome
from .options import ENGINE_OPTIONS, ArgumentSpec
from .render import render, render_info

Request = TypeVar("Request")


def run(
    argument_spec: ArgumentSpec,
    read: Callable[[Mapping[str, Any]], Request],
    act: Callable[[Engine, Request], Outcome],
    *,
    read_only: bool = False,
) -> None:
    """Run a module and exit.

    ``read`` makes the request from the options before anything is opened, so that a wrong option changes
    nothing; ``act`` carries it out. ``read_only`` is for modules that only look.
    """
    module = AnsibleModule({**ENGINE_OPTIONS, **argument_spec}, supports_check_mode=True)
    engine: Engine | None = None
    try:
        request = read(module.params)
        with _open(module.params, read_only=read_only or module.check_mode) as engine:
            outcome = act(engine, request)
    except (EngineError, OSError) as error:
        from .failure import failure

        module.fail_json(**failure(error), **_timings(engine))
    subject = str(module.params.get("name") or "")
    result = render_info(outcome) if read_only else render(outcome, subject=subject)
    module.exit_json(**result, **_timings(engine))


def _open(params: Mapping[str, Any], *, read_only: bool) -> AbstractContextManager[Engine]:
    return open_engine(
        params["root"],
        params["run_root"],
        runtime=params["runtime"],
        cgroup_manager=params["cgroup_manager"],
        read_only=read_only,
    )


def _timings(engine: Engine | None) -> dict[str, Any]:
    return {"timings": engine.timings.rounded() if engine else {}}
