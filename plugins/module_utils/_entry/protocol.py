# SPDX-License-Identifier: GPL-3.0-or-later
"""The protocol by which the action plugin and a module agree on the engine."""

from __future__ import annotations

#: The module option that the action plugin sets. A mapping with ``name``, the required engine; if it was
#: sent, ``archive`` and ``sha256``; and ``asks`` if the task must exit before doing its work.
OPTION = "_slipway_engine"
#: The ``error`` of a result that requests the archive.
MISSING = "engine_missing"
