# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold the words that the action plugin and a module speak of the engine with."""

from __future__ import annotations

#: The module's option that the action plugin sets: a mapping with ``name``, the engine that is wanted; where that was sent
#: ``archive`` and ``sha256``; ``asks``, when the task shall end before its work.
OPTION = "_slipway_engine"
#: The ``error`` of the result that asks for the archive.
MISSING = "engine_missing"
