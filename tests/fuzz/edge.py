# SPDX-License-Identifier: GPL-3.0-or-later
"""An edge: a place where the engine reads bytes that others have made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple


class Fault(Exception):
    """An input did what none may do, without an exception of its own."""


class Edge(NamedTuple):
    """``prepare`` gets an empty directory and returns the function that reads one input.

    Errors of the engine are answers to an input; that function lets any other exception out. ``seeds`` returns good inputs,
    which are mutated.
    """

    name: str
    prepare: Callable[[Path], Callable[[bytes], object]]
    seeds: Callable[[], list[bytes]]
