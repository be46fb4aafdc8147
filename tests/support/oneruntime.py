# SPDX-License-Identifier: GPL-3.0-or-later
"""Run each test that is not about the runtime with one of the two: ``make test`` has no time for both."""

from __future__ import annotations

import os
import re
import zlib
from pathlib import Path

import pytest

#: Folders of tests/engine/lifecycle whose tests always run with both: there the runtime does most of the work.
ABOUT_RUNTIMES = {"container", "exec"}
RUNTIMES = ("runc", "crun")


def runtime_of(nodeid: str) -> str:
    """Return the runtime of a test: decided by its name, so that it is the same one in each run."""
    name = re.sub(r"\b(runc|crun)\b", "", nodeid)
    return RUNTIMES[zlib.crc32(name.encode()) % 2]


def deselect(config: pytest.Config, items: list[pytest.Item], top: Path) -> None:
    """Deselect, where the environment says ``RUNTIMES=one``, the tests below ``top`` with the runtime that is not theirs."""
    if os.environ.get("RUNTIMES") != "one":
        return
    others = {item for item in items if item.path.is_relative_to(top) and not _is_kept(item, top)}
    config.hook.pytest_deselected(items=[*others])
    items[:] = [item for item in items if item not in others]


def _is_kept(item: pytest.Item, top: Path) -> bool:
    runtime = item.callspec.params.get("runtime") if hasattr(item, "callspec") else None
    if runtime is None or item.path.relative_to(top).parts[0] in ABOUT_RUNTIMES:
        return True
    names_it = any(mark.args[0] == "runtime" for mark in item.iter_markers("parametrize"))
    return names_it or runtime == runtime_of(item.nodeid)
