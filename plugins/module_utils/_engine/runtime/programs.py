# SPDX-License-Identifier: GPL-3.0-or-later
"""The version of a program on this host, and whether it is new enough."""

from __future__ import annotations

import re

from ..errors import HostLacks
from ..frozen import dataclass
from ..kernel import command

#: The remedy if conmon or the runtime is missing or too old.
REMEDY = "Apply role slipway.oci.host, which installs crun or runc, and conmon"
_TIMEOUT = 10.0
_VERSION = re.compile(r"(\d+)\.(\d+)\S*")


@dataclass(frozen=True)
class Program:
    """A program on this host, for engine_info; ``version`` is "" if it reports none."""

    name: str
    path: str
    version: str


def describe_program(name: str, path: str, *, least: tuple[int, int] | None) -> Program:
    """Query the program's version; raises HostLacks if it is older than ``least``."""
    output = command.run([path, "--version"], timeout=_TIMEOUT).stdout.decode(errors="replace")
    match = _VERSION.search(output)
    if match and least and (int(match[1]), int(match[2])) < least:
        wanted = ".".join(map(str, least))
        raise HostLacks(f"{path} is version {match[0]}, older than {wanted}", remedy=REMEDY, program=name)
    return Program(name, path, match[0].rstrip(",;") if match else "")
