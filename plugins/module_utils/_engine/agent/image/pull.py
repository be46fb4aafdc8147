# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway pull``, with podman's options, and a progress bar on a terminal."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from ...errors import EngineError
from ...frozen import replace
from ...lifecycle.core.engine import Engine
from ...model.image.pull import ALWAYS, POLICIES, Pull, platform_parts
from ..cli import output
from .registry import access_of, add_access

_FAILED = 125


def add(verbs: Any) -> None:
    """Add the verb."""
    text = "pull images from registries and print their ids"
    parser = verbs.add_parser("pull", help=text, description=text)
    add_access(parser)
    parser.add_argument(
        "--policy", choices=POLICIES, default=ALWAYS, help="when to ask the registry (%(default)s)"
    )
    parser.add_argument("--arch", default="", metavar="ARCH", help="architecture of the image (the host's)")
    parser.add_argument("--os", default="", metavar="OS", help="operating system of the image (linux)")
    parser.add_argument("--variant", default="", metavar="VARIANT", help="variant of the architecture")
    parser.add_argument("--platform", default="", metavar="OS/ARCH[/VARIANT]", help="all three in one option")
    parser.add_argument("--retry", type=int, default=3, metavar="N", help="retries after a failure (3)")
    parser.add_argument("--quiet", "-q", action="store_true", help="show no progress bar")
    parser.add_argument("names", nargs="+", metavar="IMAGE", help="name, with a tag or a digest")
    parser.set_defaults(verb=_pull, acts=True)


def _pull(engine: Engine, arguments: argparse.Namespace) -> int:
    """Pull each image; return the exit code of the last failure."""
    system, architecture, variant = platform_parts(
        arguments.platform, arguments.os, arguments.arch, arguments.variant
    )
    access = replace(access_of(arguments), retry=max(0, arguments.retry))
    code = 0
    for name in arguments.names:
        wanted = Pull(name, arguments.policy, system, architecture, variant, access)
        try:
            _one(engine, wanted, arguments)
        except (EngineError, OSError) as error:
            output.complain(error, arguments.flags)
            code = _FAILED
    return code


def _one(engine: Engine, wanted: Pull, arguments: argparse.Namespace) -> None:
    from ...lifecycle.image.pull import pull
    from ..cli.meter import metered

    with metered(quiet=arguments.quiet):
        done = pull(engine, wanted)
    for warning in done.warnings:
        sys.stderr.write(f"slipway: {warning}\n")
    output.write(str(done.result["image"]["Id"]))
