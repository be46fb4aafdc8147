# SPDX-License-Identifier: GPL-3.0-or-later
"""Read and set parameters of the network; source: Documentation/networking/ip-sysctl.rst.

/proc/sys/net shows the namespace of the thread that opens a file, so ``netns.call`` leads to those of another one.
"""

from __future__ import annotations

import os
from typing import NamedTuple, Optional


class Changed(NamedTuple):
    """A parameter that was set: its path below /proc/sys, its value before and after."""

    name: str
    before: str
    after: str


def of_interface(version: int, interface: str, parameter: str) -> str:
    """Return the name of an interface's parameter, ``interface`` "all" and "default" included; raises ValueError for no name."""
    if "/" in interface or interface in ("", ".", ".."):  # what the kernel takes for no name either
        raise ValueError(f"{interface!r} is no name of a network interface")
    return f"net/ipv{version}/conf/{interface}/{parameter}"


def read(name: str) -> Optional[str]:
    """Return a parameter by its path below /proc/sys, None where the kernel has none of that name."""
    try:
        with open(f"/proc/sys/{name}", encoding="ascii") as stream:
            return stream.read().strip()
    except FileNotFoundError:
        return None


def ensure(name: str, value: str) -> Optional[Changed]:
    """Set a parameter that is there and has another value; tell so, None where nothing was to be done. Raises OSError."""
    before = read(name)
    if before is None or before == value:
        return None
    put(name, value)
    return Changed(name, before, value)


def put(name: str, value: str) -> None:
    """Set a parameter without a look at it; one that the kernel does not have is fine. Raises OSError."""
    try:
        fd = os.open(f"/proc/sys/{name}", os.O_WRONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        os.write(fd, value.encode())
    finally:
        os.close(fd)
