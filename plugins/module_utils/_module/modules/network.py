# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``network``: its options and its implementation."""

from __future__ import annotations

from ..._engine.lifecycle.core.engine import Engine
from ..._engine.lifecycle.core.outcome import Outcome
from ..._engine.lifecycle.network.converge import converge_network
from ..podman_options import QUADLET
from ..runner import run
from ..tasks.network import NetworkRequest, to_network
from ..tasks.network_options import ARGUMENTS


def act(engine: Engine, request: NetworkRequest) -> Outcome:
    """Converge the network to the task's request."""
    return converge_network(engine, request.asked, request.state, request.how)


def main() -> None:
    """Run the module."""
    run(
        ARGUMENTS,
        to_network,
        act,
        otherwise="brought network {name} to {state}",
        result={"network": {}},
        foreign=QUADLET,
    )
