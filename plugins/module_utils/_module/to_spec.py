# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the engine's request from the options of module ``container``; the host is asked for env_file only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._engine.errors import InvalidOption
from .._engine.lifecycle.request import Request
from .._engine.model.names import check_name
from .._engine.model.quantities import seconds
from .._engine.model.spec import OPTIONS, ContainerSpec
from .._engine.plan.container import ABSENT, HEALTHY, PAUSED, RESTARTED
from .not_built import refuse_not_built

#: What asks something of the container itself; its name only says which one.
_SPEC_ARGUMENTS = tuple(name for option in OPTIONS for name in option.arguments if name != "name")


def to_request(params: Mapping[str, Any]) -> Request:
    """Return what the task asks for; raises InvalidOption and NotBuiltYet, each naming the option."""
    refuse_not_built(params)
    _check_detach(params)
    return Request(
        name=check_name("name", params["name"]),
        state=params["state"],
        # What is to go needs no image and no env_file, which a whole task with state: absent still names.
        spec=None if params["state"] == ABSENT else to_spec(params),
        image_strict=params["image_strict"],
        recreate=params["recreate"],
        force_restart=params["force_restart"],
        force_delete=params["force_delete"],
        delete_volumes=params["delete_volumes"],
        delete_depend=params["delete_depend"],
        start_dependencies=params["start_dependencies"],
        stop_time=None if params["stop_time"] is None else seconds("stop_time", params["stop_time"]),
        detach=params["detach"],
        wait=params["wait"],
        wait_timeout=params["wait_timeout"],
    )


def _check_detach(params: Mapping[str, Any]) -> None:
    """Refuse to wait for the end of what is asked to go on."""
    asked = "wait: true" if params["wait"] else f"state: {params['state']}"
    if not params["detach"] and (params["wait"] or params["state"] in (HEALTHY, PAUSED, RESTARTED)):
        raise InvalidOption(
            "detach",
            False,
            f"waits for the end of the container, and {asked} for something else",
            remedy="Write detach: false with state: started alone",
        )


def to_spec(params: Mapping[str, Any]) -> ContainerSpec | None:
    """Return the container asked for, or None when the task only speaks of its state."""
    if all(params.get(name) is None for name in _SPEC_ARGUMENTS):
        return None
    return ContainerSpec.parse({**params, "env": _environment(params)})


def _environment(params: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return ``env`` over the files' variables, so that a changed file is a difference of ``env``."""
    if not params.get("env_file"):
        return params.get("env")
    from .env_file import read_env_files

    return {**read_env_files(params["env_file"]), **(params.get("env") or {})}
