# SPDX-License-Identifier: GPL-3.0-or-later
"""Document what modules support: check mode, diff, the platform."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes of a module that changes something, (C(.exec)) runs commands, or (C(.info)) only looks."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in check mode and tell what it would do, without changing anything.
    support: full
    details: Nothing is written, mounted or started. RV(ignore:actions) are those that a run then does.
  diff_mode:
    description: Returns what differs, option by option, with the values before and after.
    support: full
  platform:
    description: The operating system that the host needs.
    support: full
    platforms: Linux
  action_group:
    description: Shares the defaults of group C(slipway.oci.engine) in C(module_defaults).
    support: full
    membership: [slipway.oci.engine]
"""

    EXEC = r"""
attributes:
  check_mode:
    description: Can run in check mode and tell what it would do, without changing anything.
    support: full
    details: The command is not run. Container, user and the conditions are checked.
  diff_mode:
    description: Returns what differs, option by option, with the values before and after.
    support: none
    details: What a command changes can't be known.
  platform:
    description: The operating system that the host needs.
    support: full
    platforms: Linux
  action_group:
    description: Shares the defaults of group C(slipway.oci.engine) in C(module_defaults).
    support: full
    membership: [slipway.oci.engine]
"""

    INFO = r"""
attributes:
  check_mode:
    description: Can run in check mode. This module never changes anything.
    support: full
  diff_mode:
    description: Returns what differs, option by option, with the values before and after.
    support: N/A
    details: This module never changes anything.
  platform:
    description: The operating system that the host needs.
    support: full
    platforms: Linux
  action_group:
    description: Shares the defaults of group C(slipway.oci.engine) in C(module_defaults).
    support: full
    membership: [slipway.oci.engine]
"""
