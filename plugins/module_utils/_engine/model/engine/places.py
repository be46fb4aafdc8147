# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an engine is unless a task names other places."""

DEFAULT_ROOT = "/var/lib/slipway"
DEFAULT_RUN_ROOT = "/run/slipway"
#: The program ``slipway``, below the root; the path stays the same over upgrades.
PROGRAM = "agent/current/slipway"
