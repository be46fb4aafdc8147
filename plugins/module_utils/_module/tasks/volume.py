# SPDX-License-Identifier: GPL-3.0-or-later
"""Convert the options of module ``volume`` into the engine's request; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..._engine.errors import InvalidOption
from ..._engine.model.container.kinds import TEXTS
from ..._engine.model.values.names import check_name, is_name
from ..._engine.model.volume.grammar import parse, with_owner
from ..._engine.model.volume.options import DriverOptions
from ..._engine.model.volume.spec import Refill, VolumeSpec
from ..._engine.plan.container import ABSENT, PRESENT
from ..._engine.plan.volume import MOUNTED, UNMOUNTED, How
from ..options import refuse
from .volume_fill import FILLED, to_refill

#: The only driver: a directory below the engine's root, or a file system mounted there.
LOCAL = "local"
#: States that keep the labels if the task sets none.
_KEEPING = (MOUNTED, UNMOUNTED)


@dataclass(frozen=True)
class VolumeRequest:
    """The request of a task; ``remarks`` are warnings to issue first."""

    spec: VolumeSpec
    state: str
    how: How
    refill: Refill | None = None
    remarks: tuple[str, ...] = ()


def to_volume(params: Mapping[str, Any]) -> VolumeRequest | None:
    """Return the task's request. Raises InvalidOption and NotBuiltYet, naming the option.

    Returns None if a volume with an invalid name must be absent, which it always is.
    """
    if params["state"] == ABSENT and not is_name(params["name"]):
        return None
    driver, state = params["driver"], params["state"]
    if driver not in (None, LOCAL):
        refuse(
            [f"driver: {driver}"],
            remedy="Leave it out. The driver local mounts what type, device and o in options specify",
        )
    unset = {
        *(["labels"] if params["label"] is None and state in _KEEPING else []),
        *(["options"] if params["options"] is None else []),
    }
    spec = VolumeSpec(
        check_name("name", params["name"]),
        TEXTS.parse("label", params["label"] or {}),
        options=_options(params).encode(),
    )
    return VolumeRequest(
        spec,
        state,
        How(frozenset(unset), _recreates(params), params["force"]),
        to_refill(params) if state in FILLED else None,
        tuple(_remarks(params)),
    )


def _remarks(params: Mapping[str, Any]) -> Iterator[str]:
    """Yield a warning for each option that has no effect."""
    if params["recreate"] and not _recreates(params):
        yield f"recreate: true has no effect with state: {params['state']}"
    if params.get("populate") is not None and params["state"] not in FILLED:
        yield f"populate has no effect with state: {params['state']}"


def _recreates(params: Mapping[str, Any]) -> bool:
    return params["recreate"] and params["state"] in (PRESENT, MOUNTED)


def _options(params: Mapping[str, Any]) -> DriverOptions:
    options = parse(_items(params["options"]))
    return with_owner(options, uid=params["uid"], gid=params["gid"], mode=params["mode"])


def _items(given: Any) -> list[object]:
    """Return the ``key=value`` items of a list, a string, or a mapping (its ``o`` may be a list or mapping)."""
    if given is None:
        return []
    if isinstance(given, str):
        return [given]
    if isinstance(given, dict):
        return [item for key, value in given.items() for item in _pairs(key, value)]
    if isinstance(given, list):
        return given
    raise InvalidOption(
        "options", given, "is not a list", remedy="Write a list, for example [type=tmpfs, o=size=64m]"
    )


def _pairs(key: object, value: Any) -> list[str]:
    if isinstance(value, dict):
        value = [name if text in (None, True, "") else f"{name}={text}" for name, text in value.items()]
    if isinstance(value, list):
        return [f"{key}={word}" for word in value]
    return [f"{key}={'' if value is None else value}"]
