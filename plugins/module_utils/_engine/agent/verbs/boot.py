# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway boot`` and ``slipway shutdown``: the commands of the host's boot unit."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from typing import Any, Protocol

from ...lifecycle.core.engine import Engine
from ...lifecycle.host.opening import open_engine

#: Some containers could not be started or stopped; the others were.
_SOME_FAILED = 1


class _Outcome(Protocol):
    @property
    def name(self) -> str:
        """The container's name."""

    @property
    def error(self) -> str:
        """The error, or "" if there was none."""


def add(verbs: Any) -> None:
    """Add the verbs."""
    text = "start containers as their restart policies and desired states require (run by the boot unit)"
    verbs.add_parser("boot", help=text, description=text).set_defaults(verb=_boot, acts=True)
    text = "stop all containers without changing their desired states (run by the boot unit at shutdown)"
    verbs.add_parser("shutdown", help=text, description=text).set_defaults(
        verb=_shutdown, acts=True, ends=True
    )


def _boot(engine: Engine, _arguments: argparse.Namespace) -> int:
    from ...lifecycle.host.boot import boot

    return _report("started", "start", boot(engine, (engine.layout.agent_program, "cleanup")))


def _shutdown(engine: Engine, arguments: argparse.Namespace) -> int:
    from ...lifecycle.host.shutdown import shutdown

    return _report(
        "stopped",
        "stop",
        shutdown(engine, lambda: open_engine(arguments.root, arguments.run_root, known_alone=True)),
    )


def _report(done: str, verb: str, outcomes: Iterable[_Outcome]) -> int:
    """Print each outcome as it arrives; return the exit code."""
    code = 0
    for outcome in outcomes:
        if outcome.error:
            code = _SOME_FAILED
            sys.stderr.write(f"slipway: could not {verb} {outcome.name}: {outcome.error}\n")
            sys.stderr.flush()
        else:
            sys.stdout.write(f"{done} {outcome.name}\n")
            sys.stdout.flush()
    return code
