# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of limits against this host's kernel: those that it would refuse, and those that it lowers."""

from __future__ import annotations

import os

from ...errors import EngineError, InvalidOption, Setting, Words
from ...frozen import replace
from ...kernel import oomscore
from ...kernel.sysctl_probe import try_parameters
from ...model.container import namespaces
from ...model.container.spec import ContainerSpec
from ...model.values.quantities import numbers_of
from ...runtime import host
from ...runtime.config import process

#: Where the kernel lists the CPUs and memory nodes that a cpuset may name.
_ONLINE = {"cpuset_cpus": "/sys/devices/system/cpu/online", "cpuset_mems": "/sys/devices/system/node/online"}
#: MAX_ARG_STRLEN of execve(2), without the terminating NUL.
_LONGEST_TEXT = 128 * 1024 - 1
#: No process fits into less, in bytes.
_LEAST_MEMORY = 512 * 1024
#: Below this, a runtime's failure is put down to the limit: runc alone needs some 3 MB.
_LITTLE_MEMORY = 6 * 1024 * 1024
#: The least soft limits that a process can start with: RLIMIT_CPU 0 kills it at the first tick; a stack needs two pages.
_LEAST_LIMITS = {"cpu": 1, "stack": 8192}
#: Below these, a runtime's failure is put down to the limit, which already applies to the runtime's last steps.
_LITTLE_LIMITS = {
    "as": 32 << 20,
    "data": 32 << 20,
    "fsize": 64 << 10,
    "nofile": 20,
    "stack": 64 << 10,
    "nproc": 4,
}
_MORE = "Raise the limit: a runtime alone needs up to 4 MB to start a container"


def check(spec: ContainerSpec) -> tuple[str, ...]:
    """Return warnings about limits that the host lowers. Raises InvalidOption for what the kernel refuses."""
    check_live(spec)
    _check_texts(spec)
    _check_least(spec)
    if spec.sysctl:
        _check_sysctl(spec, spec.sysctl)
    if spec.oom_score_adj is not None and not oomscore.may_have(spec.oom_score_adj):
        raise InvalidOption(
            "oom_score_adj",
            spec.oom_score_adj,
            "is below the engine's own value, and lowering it needs CAP_SYS_RESOURCE",
            remedy="Use a higher number, or give the engine's session or service that capability",
        )
    return _lowered(spec) if spec.ulimit else ()


def check_live(spec: ContainerSpec) -> None:
    """Check the limits that can be changed live. Raises InvalidOption for what this host can't set."""
    for option, file in _ONLINE.items():
        _check_set(option, getattr(spec, option), file)
    if spec.memory is not None and 0 < spec.memory < _LEAST_MEMORY:
        raise InvalidOption("memory", spec.memory, "is too low for any process", remedy=_MORE)


def _check_texts(spec: ContainerSpec) -> None:
    """Refuse an argument or a variable that is too long for execve(2); the error does not show its value."""
    texts = [(f"env.{name}", f"{name}={value}") for name, value in (spec.env or {}).items()]
    texts += [("command", word) for word in spec.command or ()]
    texts += [("entrypoint", word) for word in spec.entrypoint or ()]
    for option, text in texts:
        size = len(os.fsencode(text))
        if size > _LONGEST_TEXT:
            raise InvalidOption(
                option,
                f"{size} bytes",
                f"exceed the {_LONGEST_TEXT} that Linux allows for one argument or variable",
                remedy="Put the text into a file, and mount the file",
            )


def _check_least(spec: ContainerSpec) -> None:
    """Raise InvalidOption for a limit that kills every process as it starts."""
    for name, (soft, _hard) in sorted((spec.ulimit or {}).items()):
        _refuse_less(name, soft, _LEAST_LIMITS.get(name, 0))


def check_processes(spec: ContainerSpec, uid: int) -> None:
    """Raise InvalidOption if the user may have no process: execve(2) fails, except for the host's root."""
    if uid or spec.userns is not None:
        _refuse_less("nproc", (spec.ulimit or {}).get("nproc", (1, 1))[0], 1)


def _refuse_less(name: str, soft: int, least: int) -> None:
    if 0 <= soft < least:
        why = "is too low: no program can start with it"
        raise InvalidOption("ulimit", f"{name}={soft}", why, remedy=f"Set it to {least} or more")


def is_near_limits(spec: ContainerSpec) -> bool:
    """Return whether a limit is so low that the runtime itself may fail."""
    return bool(_little(spec))


def explained(spec: ContainerSpec, error: EngineError) -> EngineError:
    """Return the runtime's error, attributed to a limit that is known to cause it."""
    for option, value, remedy in _little(spec):
        return _caused(error, option, value, remedy)
    return error


def _little(spec: ContainerSpec) -> list[tuple[str, object, str]]:
    """Return option, value and remedy of each limit that may make a runtime fail."""
    found: list[tuple[str, object, str]] = []
    if spec.memory is not None and 0 < spec.memory < _LITTLE_MEMORY:
        found.append(("memory", spec.memory, _MORE))
    remedy = "Raise the limit: it also applies to the runtime, before it starts the program"
    limits = sorted((spec.ulimit or {}).items())
    small = [(name, soft) for name, (soft, _hard) in limits if 0 <= soft < _LITTLE_LIMITS.get(name, 0)]
    return found + [("ulimit", f"{name}={soft}", remedy) for name, soft in small]


def _caused(error: EngineError, option: str, value: object, remedy: str) -> EngineError:
    told = InvalidOption(option, value, f"is too low to start a container: {error.message}", remedy=remedy)
    told.fields.update({key: value for key, value in error.fields.items() if key not in told.fields})
    return told


def _check_set(option: str, text: str | None, file: str) -> None:
    if not text:
        return
    try:
        with open(file, encoding="ascii") as stream:
            online = stream.read(4096).strip()
    except FileNotFoundError:  # a kernel without NUMA does not list its node
        return
    missing = numbers_of(text) - numbers_of(online)
    if missing:
        raise InvalidOption(option, text, f"names {min(missing)}, but this host has only {online}")


def _check_sysctl(spec: ContainerSpec, wanted: dict[str, str]) -> None:
    shared = [key for key in wanted if key.startswith("net") and namespaces.uses_host_network(spec)]
    if shared:
        raise InvalidOption(
            "sysctl",
            shared[0],
            Words("belongs to the host with ", Setting("network", namespaces.HOST)),
            remedy="Set it on the host, as with ansible.posix.sysctl",
        )
    files = {key.replace(".", "/"): key for key in wanted}
    for path, error in try_parameters([(path, wanted[key]) for path, key in files.items()]).items():
        key = files[path]
        if isinstance(error, FileNotFoundError):
            raise InvalidOption(
                "sysctl", key, "is not a parameter that this host's kernel offers to a container"
            )
        raise InvalidOption("sysctl", f"{key}={wanted[key]}", f"is refused by the kernel: {error.strerror}")


def _lowered(spec: ContainerSpec) -> tuple[str, ...]:
    found = process.lowered_limits(spec, host.facts(replace(spec, device=None)))
    return tuple(
        f"ulimit: {name}={_readable(wanted)} is above this host's limit and was lowered to {given}"
        for name, (wanted, given) in sorted(found.items())
    )


def _readable(limit: int) -> str:
    return "unlimited" if limit == process.INFINITY else str(limit)
