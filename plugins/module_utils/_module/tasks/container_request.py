# SPDX-License-Identifier: GPL-3.0-or-later
"""Convert the options of module ``container`` into the engine's request; of the host, only env_file is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..._engine.errors import EngineError
from ..._engine.lifecycle.converge.request import Request
from ..._engine.model.container.options import OPTIONS
from ..._engine.model.container.spec import ContainerSpec
from ..._engine.model.image import pull
from ..._engine.model.image.pull import Pull
from ..._engine.model.values.names import check_name, is_name
from ..._engine.model.values.quantities import seconds
from ..._engine.plan.container import ABSENT, HEALTHY, PAUSED, RESTARTED
from ..not_built import refuse_not_built
from .image.pull_options import to_pull

#: The options that describe the container; ``name`` only identifies it.
_SPEC_ARGUMENTS = tuple(name for option in OPTIONS for name in option.arguments if name != "name")

#: States in which a container keeps running.
_GOING_ON = (HEALTHY, PAUSED, RESTARTED)


def to_request(params: Mapping[str, Any]) -> Request | None:
    """Return the task's request. Raises InvalidOption and NotBuiltYet, naming the option.

    Returns None if a container with an invalid name must be absent, which it always is.
    """
    refuse_not_built(params)
    if params["state"] == ABSENT and not is_name(params["name"]):
        return None
    # A full task with state: absent may name an image and an env_file that no longer exist.
    describes = params["state"] != ABSENT and params.get("image") is not None
    missing = _missing_files(params) if describes else ()
    vain = not params["detach"] and params["state"] in _GOING_ON
    return Request(
        name=check_name("name", params["name"]),
        state=params["state"],
        spec=_spec(params, missing) if describes else None,
        pull=_pull(params) if describes and params.get("rootfs") is None else None,
        image_strict=params["image_strict"],
        recreate=params["recreate"],
        force_restart=params["force_restart"],
        force_delete=params["force_delete"],
        delete_volumes=params["delete_volumes"],
        delete_depend=params["delete_depend"],
        start_dependencies=params["start_dependencies"],
        stop_time=None if params["stop_time"] is None else seconds("stop_time", params["stop_time"]),
        detach=params["detach"] or vain,
        wait=params["wait"] and (params["detach"] or vain),
        wait_timeout=params["wait_timeout"],
        missing=missing,
        aside={} if describes else _of_container(params),
        remarks=tuple(_remarks(params)),
    )


def _pull(params: Mapping[str, Any]) -> Pull:
    policy = pull.policy(params["pull"] or pull.MISSING, true=pull.ALWAYS, false=pull.MISSING)
    return to_pull(params, params["image"], policy)


def _remarks(params: Mapping[str, Any]) -> Iterator[str]:
    """Yield a warning for each option that has no effect: a state that keeps running never exits."""
    if params["detach"]:
        return
    if params["state"] in _GOING_ON:
        yield f"detach: false has no effect with state: {params['state']}, which keeps the container running"
    elif params["wait"]:
        yield "wait: true has no effect with detach: false, which waits until the container exits"


def _of_container(params: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: params[name] for name in _SPEC_ARGUMENTS if params.get(name) is not None}


def _spec(params: Mapping[str, Any], missing: Sequence[EngineError]) -> ContainerSpec:
    """Return the requested container; its ``env`` includes env_file, so that a changed file is a difference."""
    env = params.get("env")
    if params.get("env_file"):
        from .env_file import read_env_files

        gone = [error.fields["value"] for error in missing]
        files = [path for path in params["env_file"] if path not in gone]
        env = {**read_env_files(files), **(env or {})}
    return ContainerSpec.parse({**params, "env": env})


def _missing_files(params: Mapping[str, Any]) -> tuple[EngineError, ...]:
    if not params.get("env_file"):
        return ()
    from .env_file import missing_files

    return missing_files(params["env_file"])
