# SPDX-License-Identifier: GPL-3.0-or-later
"""Read and set network parameters; source: Documentation/networking/ip-sysctl.rst.

/proc/sys/net shows the network namespace of the thread that opens a file; use ``netns.call`` for another
namespace.
"""

from __future__ import annotations

import os
from typing import NamedTuple, Optional


class Changed(NamedTuple):
    """A changed parameter: its path below /proc/sys, and its value before and after."""

    name: str
    before: str
    after: str


def of_interface(version: int, interface: str, parameter: str) -> str:
    """Return the name of an interface's parameter, or that of "all" and "default".

    Raises ValueError for an invalid interface name.
    """
    if "/" in interface or interface in ("", ".", ".."):  # names that the kernel rejects, too
        raise ValueError(f"{interface!r} is not a valid name of a network interface")
    return f"net/ipv{version}/conf/{interface}/{parameter}"


def read(name: str) -> Optional[str]:
    """Return a parameter by its path below /proc/sys, or None if the kernel does not have it."""
    try:
        with open(f"/proc/sys/{name}", encoding="ascii") as stream:
            return stream.read().strip()
    except FileNotFoundError:
        return None


def ensure(name: str, value: str) -> Optional[Changed]:
    """Set a parameter unless it has the value or is missing; return the change, or None. Raises OSError."""
    before = read(name)
    if before is None or before == value:
        return None
    put(name, value)
    return Changed(name, before, value)


def put(name: str, value: str) -> None:
    """Set a parameter without reading it; ignore one that the kernel does not have. Raises OSError."""
    try:
        fd = os.open(f"/proc/sys/{name}", os.O_WRONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        os.write(fd, value.encode())
    finally:
        os.close(fd)
