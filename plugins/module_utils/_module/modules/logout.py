# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``logout``: its options and its implementation."""

from __future__ import annotations

from ..._engine.lifecycle.core.engine import Engine
from ..._engine.lifecycle.core.outcome import Outcome
from ..._engine.lifecycle.image.login import Logout, logout
from ..podman_options import PROGRAM
from ..runner import run
from ..tasks.image.login import LOGOUT, to_logout


def act(engine: Engine, request: Logout) -> Outcome:
    """Log out."""
    return logout(request, predicting=engine.predicting)


def main() -> None:
    """Run the module."""
    run(
        LOGOUT,
        to_logout,
        act,
        otherwise="logged out of {registry}",
        result={"registry": "{registry}"},
        foreign=PROGRAM,
    )
