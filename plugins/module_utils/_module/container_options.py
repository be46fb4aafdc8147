# SPDX-License-Identifier: GPL-3.0-or-later
"""Alias of tasks/container_options.py, kept at this path for external programs."""

from .tasks.container_options import argument_spec

__all__ = ["argument_spec"]
