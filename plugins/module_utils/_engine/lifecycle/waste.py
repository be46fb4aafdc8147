# SPDX-License-Identifier: GPL-3.0-or-later
"""Throw directories away so that they are gone at once, and sweep up what killed runs left."""

from __future__ import annotations

import os
from contextlib import suppress

from ..kernel import staging
from .engine import Engine


def throw_away(engine: Engine, path: str) -> None:
    """Move a directory out of sight in one step, then delete it; what a kill leaves is in staging and swept later."""
    with staging.staging(engine.layout.staging) as (stage, _fd), suppress(FileNotFoundError):
        os.rename(path, f"{stage}/trash")


def sweep(engine: Engine) -> None:
    """Delete what lies in staging and belongs to nobody who lives."""
    staging.sweep(engine.layout.staging)
