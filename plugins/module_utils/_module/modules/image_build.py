# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``image_build``: its options, and the error with the alternatives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from ..._engine.errors import NotBuiltYet
from ..._engine.lifecycle.core.engine import Engine
from ..._engine.lifecycle.core.outcome import Outcome
from ..options import ArgumentSpec
from ..runner import run

ARGUMENTS: ArgumentSpec = {
    "name": {"type": "str"},
    "path": {"type": "path"},
    "file": {"type": "path", "aliases": ["containerfile", "dockerfile"]},
    "args": {"type": "dict", "aliases": ["build_args", "buildargs"], "no_log": True},
    "target": {"type": "str"},
}
_REMEDY = (
    "Build it with `buildah build --tag NAME DIRECTORY`, and write an archive for slipway.oci.image_load with"
    " `buildah push NAME oci-archive:FILE`; or build it in a play with slipway.oci.container_commit (docs/building.md)"
)


def refuse(_params: Mapping[str, Any]) -> NoReturn:
    """Raise NotBuiltYet, whatever the options."""
    raise NotBuiltYet("building an image from a Containerfile is not implemented yet", remedy=_REMEDY)


def nothing(_engine: Engine, _request: NoReturn) -> Outcome:
    """Do nothing; this is never called."""
    return Outcome()


def main() -> None:
    """Run the module."""
    run(ARGUMENTS, refuse, nothing, otherwise="")
