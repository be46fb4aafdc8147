# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that make the agent: what agent/main.py imports, directly or not; a unit test holds the list true."""

from __future__ import annotations

#: Module names below ``_engine``, sorted.
MODULES: tuple[str, ...] = ()
