# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway mount`` and ``slipway unmount``: a container's root file system in reach of tools on the host."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from ...lifecycle.core.engine import Engine


def add(verbs: Any) -> None:
    """Add the verbs, as podman-mount(1) and podman-unmount(1) have them."""
    text = "mount containers' root file systems and print the mount points; without names, list those mounted"
    parser = verbs.add_parser("mount", help=text, description=text)
    parser.add_argument("names", nargs="*", metavar="NAME", help="name, id or id prefix")
    parser.set_defaults(verb=_mount, acts=True)
    text = "unmount containers' root file systems"
    parser = verbs.add_parser("unmount", aliases=["umount"], help=text, description=text)
    parser.add_argument("names", nargs="+", metavar="NAME", help="name, id or id prefix")
    parser.set_defaults(verb=_unmount, acts=True)


def _mount(engine: Engine, arguments: argparse.Namespace) -> None:
    from ...lifecycle.core.lookup import find_typed
    from ...lifecycle.files.mount import MountRequest, converge_mount, mounted

    for name in arguments.names:
        done = converge_mount(engine, MountRequest(find_typed(engine, name).name))
        sys.stdout.write(f"{done.result['mountpoint']}\n")
    for name, place in () if arguments.names else mounted(engine):
        sys.stdout.write(f"{name} {place}\n")


def _unmount(engine: Engine, arguments: argparse.Namespace) -> None:
    from ...lifecycle.core.lookup import find_typed
    from ...lifecycle.files.mount import UNMOUNTED, MountRequest, converge_mount

    for name in arguments.names:
        converge_mount(engine, MountRequest(find_typed(engine, name).name, UNMOUNTED))
        sys.stdout.write(f"{name}\n")
