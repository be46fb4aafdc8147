# SPDX-License-Identifier: GPL-3.0-or-later
"""Stop a container: its stop signal, a time to end, then KILL (seed: stop, waitForExitFileAndSync)."""

from __future__ import annotations

import signal

from ..errors import RuntimeFailed
from ..kernel.process import Process
from ..model import status
from ..model.imageconfig import ImageConfig
from ..model.quantities import signal_number
from ..model.record import ContainerRecord
from .cleanup import cleanup
from .engine import Engine
from .facts import save
from .hold import hold

#: How long a killed process may take to go; longer means it hangs in the kernel.
_KILL_PATIENCE = 30.0
#: As good as without end, and still a number that poll(2) takes.
FOREVER = 10.0 * 365 * 24 * 3600


def stop(
    engine: Engine, container_id: str, config: ImageConfig | None, *, timeout: int | None = None
) -> ContainerRecord:
    """Stop the container and return its record, cleaned up. No lock is held while its process ends.

    ``timeout`` in seconds (-1: without end; None: the spec's). Raises RuntimeFailed when even KILL has no effect.
    """
    with engine.timings.of("stop"):
        with hold(engine, container_id, "stop") as record:
            held = record.process
            if record.status not in status.ALIVE or held is None:
                return cleanup(engine, record)
            save(engine, record, stopped_by_user=True)
            process = Process(held.pid, held.start_time)
            process.signal(stop_signal(record, config))
        _wait(record, process, record.spec.stop_timeout if timeout is None else timeout)
    with hold(engine, container_id, "stop") as record:
        engine.tell("container", "stop", record.id, record.name)
        return cleanup(engine, record)


def stop_signal(record: ContainerRecord, config: ImageConfig | None) -> int:
    """Return the stop signal: the spec's, else the image's, else TERM."""
    if record.spec.stop_signal is not None:
        return record.spec.stop_signal
    if config is not None and config.stop_signal:
        return signal_number("STOPSIGNAL of the image", config.stop_signal)
    return signal.SIGTERM


def _wait(record: ContainerRecord, process: Process, timeout: int) -> None:
    if process.wait_gone(FOREVER if timeout < 0 else float(timeout)):
        return
    process.signal(signal.SIGKILL)
    if not process.wait_gone(_KILL_PATIENCE):
        raise RuntimeFailed(
            f"container {record.name}: process {process.pid} did not end {_KILL_PATIENCE:.0f} s after KILL",
            remedy="It hangs in the kernel (often a dead disk or NFS server): see /proc/PID/stack",
            name=record.name,
            pid=process.pid,
        )
