# SPDX-License-Identifier: GPL-3.0-or-later
"""The OCI runtime of a container."""

from __future__ import annotations

from ...model.engine.record import ContainerRecord
from ...runtime import oci
from .engine import Engine


def runtime_of(engine: Engine, record: ContainerRecord) -> oci.OciRuntime:
    """Return the runtime of the container's last start, else the host's default. Raises HostLacks."""
    return oci.find_runtime(record.runtime or None, root=engine.layout.runtime_root)
