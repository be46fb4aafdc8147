# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation fragment: module attributes, such as check mode, diff mode and platform."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes of modules that change something, run commands (C(.exec)), or only return data (C(.info))."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in check mode and report what it would do, without changing anything.
    support: full
    details: Nothing is written, mounted or started. RV(ignore:actions) lists the actions that a real run would take.
  diff_mode:
    description: Returns the differences, option by option, with the values before and after.
    support: full
  platform:
    description: Operating system of the host.
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
    description: Can run in check mode and report what it would do, without changing anything.
    support: full
    details: The command is not run. The container, the user and the conditions are checked.
  diff_mode:
    description: Returns the differences, option by option, with the values before and after.
    support: none
    details: The changes that a command makes cannot be determined.
  platform:
    description: Operating system of the host.
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
    description: Returns the differences, option by option, with the values before and after.
    support: N/A
    details: This module never changes anything.
  platform:
    description: Operating system of the host.
    support: full
    platforms: Linux
  action_group:
    description: Shares the defaults of group C(slipway.oci.engine) in C(module_defaults).
    support: full
    membership: [slipway.oci.engine]
"""
