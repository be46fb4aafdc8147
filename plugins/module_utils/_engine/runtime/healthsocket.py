# SPDX-License-Identifier: GPL-3.0-or-later
"""Send word to the one process that checks the health of an engine's containers; imported by an unchanged task."""

from __future__ import annotations

import os
import socket

from ..kernel.files import directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model.engine.layout import Layout

#: The message that names all containers.
EVERYTHING = "all"


def send(layout: Layout, message: str) -> bool:
    """Send a message to the process that checks, the id of a container or EVERYTHING; False when there is none."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.setblocking(False)
        try:
            # By the descriptor: a socket's path may have 107 bytes only (unix(7)).
            with directory(layout.run_root) as run:
                out.sendto(message.encode(), f"/proc/self/fd/{run}/{os.path.basename(layout.health_socket)}")
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        except BlockingIOError:  # it has more to read than the kernel keeps, and looks at all then
            return True
    return True
