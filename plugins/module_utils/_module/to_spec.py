# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the engine's request of a task; kept at this path for programs outside, the file is tasks/container_request.py."""

from .tasks.container_request import to_request

__all__ = ["to_request"]
