# SPDX-License-Identifier: GPL-3.0-or-later
"""Alias of tasks/container_request.py, kept at this path for external programs."""

from .tasks.container_request import to_request

__all__ = ["to_request"]
