# SPDX-License-Identifier: GPL-3.0-or-later
"""Notify the engine's health checker; small, because even an unchanged task imports it."""

from __future__ import annotations

import os
import socket

from ..kernel.files import directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model.engine.layout import Layout

#: The message that stands for all containers.
EVERYTHING = "all"


def send(layout: Layout, message: str) -> bool:
    """Send a container's ID or EVERYTHING to the health checker; return False if none runs."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.setblocking(False)
        try:
            # Through a descriptor: a socket's path is limited to 107 bytes (unix(7)).
            with directory(layout.run_root) as run:
                out.sendto(message.encode(), f"/proc/self/fd/{run}/{os.path.basename(layout.health_socket)}")
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        except BlockingIOError:  # its queue is full; it then checks all containers
            return True
    return True
