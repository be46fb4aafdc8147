# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide a container's host name."""

from __future__ import annotations

import socket

from ...model.engine.record import ContainerRecord


def hostname_of(record: ContainerRecord) -> str:
    """Return the host name inside: as asked for, the host's own with ``network: host``, else the short id (podman-run(1))."""
    if record.spec.hostname is not None:
        return record.spec.hostname
    return socket.gethostname() if "host" in (record.spec.uts, *record.spec.network) else record.id[:12]
