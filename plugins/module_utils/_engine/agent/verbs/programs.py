# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway healthcheck`` and ``slipway cleanup``: what programs call more often than people."""

from __future__ import annotations

import argparse
from typing import Any

from ...lifecycle.core.engine import Engine
from ..cli import output


def add(verbs: Any) -> None:
    """Add the verbs."""
    text = "check a container's health now; the exit code is 1 when it is not healthy"
    parser = verbs.add_parser("healthcheck", help=text, description=text)
    parser.add_argument("action", choices=["run"])
    parser.add_argument("name", metavar="NAME")
    parser.set_defaults(verb=_healthcheck, acts=True)
    text = "clean up after a container that has ended (conmon calls this)"
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
