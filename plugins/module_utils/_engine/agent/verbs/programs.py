# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway healthcheck`` and ``slipway cleanup``: verbs that programs run more often than users do."""

from __future__ import annotations

import argparse
from typing import Any

from ...lifecycle.core.engine import Engine
from ..cli import output


def add(verbs: Any) -> None:
    """Add the verbs."""
    text = "check a container's health now; the exit status is 1 if it is not healthy"
    parser = verbs.add_parser("healthcheck", help=text, description=text)
    parser.add_argument("action", choices=["run"])
    parser.add_argument("name", metavar="NAME")
    parser.set_defaults(verb=_healthcheck, acts=True)
    text = "clean up after a container's exit (run by conmon)"
    parser = verbs.add_parser("cleanup", help=text, description=text)
    parser.add_argument("id", metavar="ID")
    parser.set_defaults(verb=_cleanup, acts=True)


def _healthcheck(engine: Engine, arguments: argparse.Namespace) -> int:
    from ...lifecycle.core.lookup import find_typed
    from ...lifecycle.health.health import run_once

    health = run_once(engine, find_typed(engine, arguments.name).name)
    output.write(health.status)
    return 0 if health.log[-1].exit_code == 0 else 1


def _cleanup(engine: Engine, arguments: argparse.Namespace) -> None:
    from ...lifecycle.container.exited import exited
    from .containers import exit_command

    exited(engine, arguments.id, exit_command(engine), keep=False)
