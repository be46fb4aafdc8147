# SPDX-License-Identifier: GPL-3.0-or-later
"""The default paths of an engine."""

DEFAULT_ROOT = "/var/lib/slipway"
DEFAULT_RUN_ROOT = "/run/slipway"
#: The program ``slipway``, relative to the root; the path does not change with upgrades.
PROGRAM = "agent/current/slipway"
