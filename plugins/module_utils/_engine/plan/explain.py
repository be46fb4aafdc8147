# SPDX-License-Identifier: GPL-3.0-or-later
"""Explain the state of a container in sentences, the most important first; pure."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import NamedTuple, Optional

from ..model.container import status
from ..model.container.health import Health
from ..model.container.restart_policy import NO
from ..model.engine.record import ContainerRecord, Event
from . import restart
from .boot import will_start

_SECOND = 10**9
_SPANS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
#: Exit codes with a common meaning (podman-run(1), bash(1)); codes above 128 are signals.
_MEANINGS = {
    0: "success",
    1: "its program failed",
    125: "podman and docker use it for failures of the engine, but here it is the program's own",
    126: "its command cannot be executed",
    127: "its command was not found, as reported by a shell",
}
#: The meaning of the signals that terminate programs.
_SIGNALS = {
    signal.SIGKILL: "killed by SIGKILL, by another process or for lack of memory",
    signal.SIGSEGV: "it crashed with SIGSEGV, an invalid memory access",
    signal.SIGABRT: "it aborted with SIGABRT",
    signal.SIGTERM: "terminated by SIGTERM, as by a stop",
    signal.SIGINT: "terminated by SIGINT",
    signal.SIGILL: "it crashed with SIGILL, an instruction that this processor does not have",
    signal.SIGSYS: "terminated by SIGSYS: the seccomp profile forbids one of its system calls",
    signal.SIGPIPE: "terminated by SIGPIPE: the reader of its output is gone",
}
_OUTPUT = 200


class Scene(NamedTuple):
    """Everything known of a container at the time ``now`` (ns since the epoch).

    ``record`` is corrected by the facts; ``events`` are the container's, oldest first. ``not_running`` names the required
    containers that do not run; ``missing`` describes missing mounts; ``image``: whether its image exists.
    """

    record: ContainerRecord
    now: int
    events: tuple[Event, ...] = ()
    health: Optional[Health] = None
    not_running: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    image: bool = True


def explain(scene: Scene) -> list[str]:
    """Return the sentences, the most important first."""
    parts = (_state, _who, _intent, _error, _restarts, _health, _needs, _mounts, _monitor, _boot)
    return [sentence for part in parts for sentence in part(scene)]


def _state(scene: Scene) -> Iterator[str]:
    record = scene.record
    name = record.name
    if record.status == status.RUNNING:
        yield f"{name} is running, started {_ago(scene, record.started)}{_pid(record)}."
    elif record.status == status.PAUSED:
        yield f"{name} is paused: its processes were frozen {_frozen(scene)}{_pid(record)}."
    elif record.status == status.REMOVING:
        yield f"{name} is being removed, or its removal was killed; state: absent completes it."
    elif record.status == status.UNKNOWN:
        yield f"It is unknown whether {name} is running."
    elif record.finished is not None:
        yield f"{name} exited {_ago(scene, record.finished)} {_ending(record)}."
        yield from _ran(record)
    elif record.started is not None:
        yield f"{name} exited; time and exit status are unknown."
    else:
        yield f"{name} was created {_ago(scene, record.created)} and never started."


def _ending(record: ContainerRecord) -> str:
    code = record.exit_code
    if record.is_checkpointed:
        return "with a checkpoint, from which it can be restored; a start discards it"
    if code is None:
        return "with an unknown exit status"
    if record.oom_killed:
        limit = record.spec.memory
        bound = "" if limit is None or limit <= 0 else f"; its limit is {_size(limit)}"
        return f"with exit status {code}: the kernel killed it for lack of memory{bound}"
    meaning = _meaning(code)
    return f"with exit status {code}{f': {meaning}' if meaning else ''}"


def _meaning(code: int) -> str:
    if code in _MEANINGS:
        return _MEANINGS[code]
    number = code - 128
    if not 0 < number <= signal.SIGRTMAX:
        return ""
    try:
        known = signal.Signals(number)
    except ValueError:
        return f"terminated by signal {number}"
    return _SIGNALS.get(known, f"terminated by {known.name}")


def _ran(record: ContainerRecord) -> Iterator[str]:
    if record.started is not None and record.finished is not None and record.finished >= record.started:
        yield f"It had run for {_span(record.finished - record.started)}."


def _who(scene: Scene) -> Iterator[str]:
    record = scene.record
    if record.status in status.ALIVE or record.started is None:
        return
    killed = _killed(scene)
    if record.interrupted:
        yield "A shutdown or power loss of the host ended it; no user stopped it."
    elif record.stopped_by_user:
        yield "A user stopped it, so only a user starts it again."
    if killed is not None:
        yield f"A user sent it {_signal_name(killed.attributes.get('signal', ''))} {_ago(scene, killed.at)}."


def _killed(scene: Scene) -> Event | None:
    """Return the event of the last signal that a user sent in the last run, None if there is none."""
    began = scene.record.started or 0
    sent = [event for event in scene.events if event.action == "kill" and event.at >= began]
    return sent[-1] if sent else None


def _signal_name(number: str) -> str:
    try:
        return signal.Signals(int(number)).name
    except ValueError:
        return f"signal {number}"


def _intent(scene: Scene) -> Iterator[str]:
    verb = scene.record.intent
    if verb and verb != "remove":
        yield f"Verb {verb} is in progress, or was killed halfway; the next task cleans up."


def _error(scene: Scene) -> Iterator[str]:
    error = scene.record.error.strip()
    if error:
        yield f"The last error: {error}."


def _restarts(scene: Scene) -> Iterator[str]:
    record, policy = scene.record, scene.record.spec.restart_policy
    if record.restart_count:
        yield f"Its restart policy {policy} has restarted it {_times(record.restart_count)} since a user started it."
    if record.status in status.ALIVE or record.status == status.REMOVING or record.started is None:
        return
    if record.restart_at is not None:
        yield _due(scene, record.restart_at)
    elif policy.word == NO:
        yield "Its restart policy no does not restart it."
    elif not record.stopped_by_user:
        verdict = restart.decide(record)
        if verdict.restart:
            yield f"Its restart policy is {policy}, but its cleanup is pending; the next task does it."
        else:
            yield f"Its restart policy {policy} does not restart it: {verdict.why}."


def _due(scene: Scene, due: int) -> str:
    crashes = scene.record.crashes
    why = f": it exited soon after its start {_times(crashes)} in a row" if crashes > 1 else ""
    if due >= scene.now:
        return f"It will be restarted in {_span(due - scene.now)}{why}."
    return f"It should have been restarted {_ago(scene, due)}{why}; the next task does it."


def _health(scene: Scene) -> Iterator[str]:
    health = scene.health
    if health is None or scene.record.status not in status.ALIVE:
        return
    failing = f"; it failed {_times(health.failing_streak)} in a row" if health.failing_streak else ""
    yield f"Its health is {health.status}{failing}."
    if health.log:
        last = health.log[-1]
        said = " ".join(last.output.split())[:_OUTPUT]
        yield (
            f"Its last health check exited {_ago(scene, last.end)} with status {last.exit_code}"
            f"{f': {said}' if said else ''}."
        )


def _needs(scene: Scene) -> Iterator[str]:
    if scene.not_running:
        verb = "is" if len(scene.not_running) == 1 else "are"
        yield f"It requires {', '.join(scene.not_running)}, which {verb} not running."


def _mounts(scene: Scene) -> Iterator[str]:
    for what in scene.missing:
        yield f"{what}."
    if not scene.image and not scene.record.spec.rootfs:
        yield f"Its image {scene.record.spec.image} no longer exists."


def _monitor(scene: Scene) -> Iterator[str]:
    if scene.record.status in status.ALIVE and scene.record.monitor is None:
        yield "Its conmon is gone: its output is lost, and its exit status will be unknown."


def _boot(scene: Scene) -> Iterator[str]:
    if scene.record.restart_at is None and will_start(scene.record):
        yield "The next boot of the host starts it."


def _pid(record: ContainerRecord) -> str:
    return f", PID {record.process.pid}" if record.process else ""


def _frozen(scene: Scene) -> str:
    """Return when the container was frozen; without a pause event, another program has written to its cgroup."""
    words = ("pause", "unpause", "start", "restart", "restore")
    last = next((event for event in reversed(scene.events) if event.action in words), None)
    if last is not None and last.action != "pause":
        return "by another program"
    return _ago(scene, _last(scene, "pause"))


def _last(scene: Scene, action: str) -> int | None:
    return next((event.at for event in reversed(scene.events) if event.action == action), None)


def _ago(scene: Scene, at: int | None) -> str:
    return "an unknown time ago" if at is None else f"{_span(max(0, scene.now - at))} ago"


def _span(ns: int) -> str:
    """Return a duration as text, as in ``3 minutes``; below a second, in tenths."""
    seconds = ns // _SECOND
    for size, word in _SPANS:
        if seconds >= size:
            count = seconds // size
            return f"{count} {word}{'s' if count > 1 else ''}"
    return f"{ns / _SECOND:.1f} seconds"


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _size(size: int) -> str:
    return f"{size / 2**20:.4g} MiB"
