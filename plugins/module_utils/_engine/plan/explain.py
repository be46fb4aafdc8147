# SPDX-License-Identifier: GPL-3.0-or-later
"""Explain in sentences why a container is as it is, what matters most first; pure."""

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
#: Exit codes that say something by themselves (podman-run(1), bash(1)); from 128 on it is a signal.
_MEANINGS = {
    0: "it went well",
    1: "its program says that it failed",
    125: "podman's and docker's word for a failure of the engine, but here it is the program's own",
    126: "its command was found and can't be executed",
    127: "its command was not found, as shells say it",
}
#: What a signal that ended a program says of it.
_SIGNALS = {
    signal.SIGKILL: "killed by KILL, from outside or for want of memory",
    signal.SIGSEGV: "it crashed: SEGV, an access to memory that is not its own",
    signal.SIGABRT: "it gave up by itself: ABRT",
    signal.SIGTERM: "ended by TERM, as a stop asks for",
    signal.SIGINT: "ended by INT",
    signal.SIGILL: "it crashed: ILL, an instruction that this processor does not have",
    signal.SIGSYS: "ended by SYS: the seccomp profile forbids a system call of it",
    signal.SIGPIPE: "ended by PIPE: whoever read its output has gone",
}
_OUTPUT = 200


class Scene(NamedTuple):
    """All that is known of a container at the time ``now`` (ns since the epoch).

    ``record`` is as the facts have it, ``events`` are its own, oldest first. ``not_running`` names what it needs and does
    not run; ``missing`` lists the mounts that are not there, each in words. ``image``: whether its image is.
    """

    record: ContainerRecord
    now: int
    events: tuple[Event, ...] = ()
    health: Optional[Health] = None
    not_running: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    image: bool = True


def explain(scene: Scene) -> list[str]:
    """Return the sentences."""
    parts = (_state, _who, _intent, _error, _restarts, _health, _needs, _mounts, _monitor, _boot)
    return [sentence for part in parts for sentence in part(scene)]


def _state(scene: Scene) -> Iterator[str]:
    record = scene.record
    name = record.name
    if record.status == status.RUNNING:
        yield f"{name} runs, started {_ago(scene, record.started)}{_pid(record)}."
    elif record.status == status.PAUSED:
        yield f"{name} is paused: its processes were frozen {_frozen(scene)}{_pid(record)}."
    elif record.status == status.REMOVING:
        yield f"{name} is being removed, or its removal was killed; state: absent finishes it."
    elif record.status == status.UNKNOWN:
        yield f"Whether {name} runs is not known."
    elif record.finished is not None:
        yield f"{name} ended {_ago(scene, record.finished)} {_ending(record)}."
        yield from _ran(record)
    elif record.started is not None:
        yield f"{name} ended, and nobody saw when or how, so its exit code is unknown."
    else:
        yield f"{name} was created {_ago(scene, record.created)} and never started."


def _ending(record: ContainerRecord) -> str:
    code = record.exit_code
    if record.is_checkpointed:
        return "in its checkpoint, from which it can be restored; a start would begin anew"
    if code is None:
        return "and nobody saw how, so its exit code is unknown"
    if record.oom_killed:
        limit = record.spec.memory
        bound = "" if limit is None or limit <= 0 else f", and it may have {_size(limit)}"
        return f"with exit code {code}: the kernel killed it for want of memory{bound}"
    meaning = _meaning(code)
    return f"with exit code {code}{f': {meaning}' if meaning else ''}"


def _meaning(code: int) -> str:
    if code in _MEANINGS:
        return _MEANINGS[code]
    number = code - 128
    if not 0 < number <= signal.SIGRTMAX:
        return ""
    try:
        known = signal.Signals(number)
    except ValueError:
        return f"ended by signal {number}"
    return _SIGNALS.get(known, f"ended by {known.name[3:]}")


def _ran(record: ContainerRecord) -> Iterator[str]:
    if record.started is not None and record.finished is not None and record.finished >= record.started:
        yield f"It had run for {_span(record.finished - record.started)}."


def _who(scene: Scene) -> Iterator[str]:
    record = scene.record
    if record.status in status.ALIVE or record.started is None:
        return
    killed = _killed(scene)
    if record.interrupted:
        yield "The host's stop, or its loss of power, ended it; nobody wished it to end."
    elif record.stopped_by_user:
        yield "Its user stopped it, so nothing starts it again but a user."
    if killed is not None:
        yield f"It was sent {_signal_name(killed.attributes.get('signal', ''))} by a user {_ago(scene, killed.at)}."


def _killed(scene: Scene) -> Event | None:
    """Return the last signal that a user sent to the last run, None for none."""
    began = scene.record.started or 0
    sent = [event for event in scene.events if event.action == "kill" and event.at >= began]
    return sent[-1] if sent else None


def _signal_name(number: str) -> str:
    try:
        return signal.Signals(int(number)).name[3:]
    except ValueError:
        return f"signal {number}"


def _intent(scene: Scene) -> Iterator[str]:
    verb = scene.record.intent
    if verb and verb != "remove":
        yield f"Verb {verb} is under way on it, or was killed half-way; the next task mends what that left."


def _error(scene: Scene) -> Iterator[str]:
    error = scene.record.error.strip()
    if error:
        yield f"The last that went wrong: {error}."


def _restarts(scene: Scene) -> Iterator[str]:
    record, policy = scene.record, scene.record.spec.restart_policy
    if record.restart_count:
        yield f"Its restart policy {policy} has started it again {_times(record.restart_count)} since a user did."
    if record.status in status.ALIVE or record.status == status.REMOVING or record.started is None:
        return
    if record.restart_at is not None:
        yield _due(scene, record.restart_at)
    elif policy.word == NO:
        yield "Nothing starts it again: its restart policy is no."
    elif not record.stopped_by_user:
        verdict = restart.decide(record)
        if verdict.restart:
            yield f"Its restart policy is {policy}, but nobody has acted on its end yet; the next task does."
        else:
            yield f"Its restart policy {policy} does not start it again: {verdict.why}."


def _due(scene: Scene, due: int) -> str:
    crashes = scene.record.crashes
    why = f": it ended soon after its start {_times(crashes)} in a row" if crashes > 1 else ""
    if due >= scene.now:
        return f"It is started again in {_span(due - scene.now)}{why}."
    return f"It should have been started again {_ago(scene, due)}{why}; the next task makes up for it."


def _health(scene: Scene) -> Iterator[str]:
    health = scene.health
    if health is None or scene.record.status not in status.ALIVE:
        return
    failing = f", it failed {_times(health.failing_streak)} in a row" if health.failing_streak else ""
    yield f"Its health is {health.status}{failing}."
    if health.log:
        last = health.log[-1]
        said = " ".join(last.output.split())[:_OUTPUT]
        yield (
            f"Its last health check ended {_ago(scene, last.end)} with {last.exit_code}"
            f"{f' and said: {said}' if said else ''}."
        )


def _needs(scene: Scene) -> Iterator[str]:
    if scene.not_running:
        verb = "does" if len(scene.not_running) == 1 else "do"
        yield f"It needs {', '.join(scene.not_running)}, which {verb} not run."


def _mounts(scene: Scene) -> Iterator[str]:
    for what in scene.missing:
        yield f"{what}."
    if not scene.image and not scene.record.spec.rootfs:
        yield f"Its image {scene.record.spec.image} is not there any more."


def _monitor(scene: Scene) -> Iterator[str]:
    if scene.record.status in status.ALIVE and scene.record.monitor is None:
        yield "Its conmon has gone: its output is lost, and nobody will see with which code it ends."


def _boot(scene: Scene) -> Iterator[str]:
    if scene.record.restart_at is None and will_start(scene.record):
        yield "The next boot of the host starts it."


def _pid(record: ContainerRecord) -> str:
    return f", process {record.process.pid}" if record.process else ""


def _frozen(scene: Scene) -> str:
    """Tell when; without a pause of ours since it last went on, somebody else has written to its cgroup."""
    words = ("pause", "unpause", "start", "restart", "restore")
    last = next((event for event in reversed(scene.events) if event.action in words), None)
    if last is not None and last.action != "pause":
        return "by another than this engine"
    return _ago(scene, _last(scene, "pause"))


def _last(scene: Scene, action: str) -> int | None:
    return next((event.at for event in reversed(scene.events) if event.action == action), None)


def _ago(scene: Scene, at: int | None) -> str:
    return "an unknown time ago" if at is None else f"{_span(max(0, scene.now - at))} ago"


def _span(ns: int) -> str:
    """Return ``3 minutes``; below a second in tenths."""
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
