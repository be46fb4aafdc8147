# SPDX-License-Identifier: GPL-3.0-or-later
"""Return the options of module ``container``; kept at this path for programs outside, the file is tasks/container_options.py."""

from .tasks.container_options import argument_spec

__all__ = ["argument_spec"]
