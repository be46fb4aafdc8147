# SPDX-License-Identifier: GPL-3.0-or-later
"""Convert the options of module ``network`` into the engine's request; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..._engine.frozen import replace
from ..._engine.model.container.kinds import TEXTS
from ..._engine.model.network.grammar import Asked, parse
from ..._engine.model.network.spec import NetworkSpec
from ..._engine.model.values.names import is_name
from ..._engine.plan.container import ABSENT
from ..._engine.plan.network import How


@dataclass(frozen=True)
class NetworkRequest:
    """The request of a task; ``remarks`` are warnings to issue first."""

    asked: Asked
    state: str
    how: How
    remarks: tuple[str, ...] = ()


def to_network(params: Mapping[str, Any]) -> NetworkRequest | None:
    """Return the task's request. Raises InvalidOption and NotBuiltYet, naming the option.

    Returns None if a network with an invalid name must be absent, which it always is.
    """
    state = params["state"]
    if state == ABSENT:
        return _absent(params) if is_name(params["name"]) else None
    asked = parse(params)
    spec = replace(asked.spec, labels=TEXTS.parse("label", params["label"] or {}))
    how = How(params["recreate"], params["force"])
    return NetworkRequest(asked._replace(spec=spec), state, how, tuple(_remarks(params)))


def _absent(params: Mapping[str, Any]) -> NetworkRequest:
    """Return the request for a removal, for which only the name matters."""
    how = How(force=params["force"])
    return NetworkRequest(Asked(NetworkSpec(params["name"])), ABSENT, how, tuple(_remarks(params)))


def _remarks(params: Mapping[str, Any]) -> Iterator[str]:
    """Yield a warning for each option that has no effect."""
    if params["recreate"] and params["state"] == ABSENT:
        yield f"recreate: true has no effect with state: {ABSENT}"
