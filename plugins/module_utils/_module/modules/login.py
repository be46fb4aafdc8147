# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``login``: its options and its implementation."""

from __future__ import annotations

from ..._engine.lifecycle.core.engine import Engine
from ..._engine.lifecycle.core.outcome import Outcome
from ..._engine.lifecycle.image.login import Login, login
from ..podman_options import LOGGED_IN
from ..runner import run
from ..tasks.image.login import LOGIN, to_login


def act(engine: Engine, request: Login) -> Outcome:
    """Log in, unless the registry accepts the stored credentials."""
    return login(request, predicting=engine.predicting)


def main() -> None:
    """Run the module."""
    run(
        LOGIN,
        to_login,
        act,
        otherwise="logged in to {registry}",
        result={"registry": "{registry}"},
        foreign=LOGGED_IN,
    )
