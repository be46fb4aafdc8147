# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse quantities: sizes, numbers and sets of processors, seconds, signals."""

from __future__ import annotations

import re
import signal
from decimal import Decimal, InvalidOperation

from ...errors import InvalidOption

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgtp]?)(?:i?b)?", re.IGNORECASE | re.ASCII)
_SIZE_UNIT = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40, "p": 2**50}
_CPUSET_PART = re.compile(r"\s*(\d{1,4})(?:-(\d{1,4}))?\s*", re.ASCII)
#: The kernel's NR_CPUS is at most 8192; a larger number in a cpuset is a mistake.
_CPU_LIMIT = 8192
_SIGNAL_NUMBER = re.compile(r"\d{1,3}", re.ASCII)
_REALTIME = re.compile(r"RT(MIN|MAX)(?:([+-]\d{1,2}))?", re.ASCII)
#: The kernel's minimum CPU quota is 1 ms in each 100 ms.
_LEAST_CPUS = Decimal("0.01")
#: The valid values of cpu.shares (kernel/sched/sched.h, MIN_SHARES and MAX_SHARES).
_SHARES = range(2, 262144 + 1)
#: The valid CPU periods, whose minimum is also that of the quota, in microseconds (kernel/sched/core.c, min_cfs_quota_period).
_PERIODS = range(1_000, 1_000_000 + 1)
#: The largest signed 64-bit number, which is the type of the kernel's limits.
INT64_MAX = 2**63 - 1


def size(option: str, value: object) -> int:
    """Parse a size into bytes, as in ``256m``, ``1.5g``, ``1048576``; as in podman and docker, units are powers of 1024."""
    match = _SIZE.fullmatch(str(value).strip())
    if match is None:
        raise InvalidOption(
            option, value, "is not a size", remedy="Write a number and a unit: b, k, m, g or t, as in 256m"
        )
    result = Decimal(match[1]) * _SIZE_UNIT[match[2].lower()]
    if result > INT64_MAX:
        raise InvalidOption(option, value, "is too large for the kernel", remedy="Write less than 8192p")
    return int(result)


def size_or_unlimited(option: str, value: object) -> int:
    """Parse a size into bytes; -1 means no limit."""
    return -1 if str(value).strip() == "-1" else size(option, value)


def integer(option: str, value: object) -> int:
    """Parse an integer, which may be negative."""
    try:
        number = int(str(value).strip())
    except ValueError:
        number = None
    if number is None or abs(number) > INT64_MAX:
        raise InvalidOption(option, value, "is not an integer", remedy="Write only digits, as in 512")
    return number


def shares(option: str, value: object) -> int:
    """Parse a CPU weight; 0 means the kernel's default."""
    number = integer(option, value)
    if number and number not in _SHARES:
        raise InvalidOption(
            option,
            value,
            "is out of range",
            remedy="Write a number from 2 to 262144, or 0 for the default 1024",
        )
    return number


def pids(option: str, value: object) -> int:
    """Parse the maximum number of processes; 0 and -1 both mean no limit and become -1."""
    number = integer(option, value)
    if number < -1:
        raise InvalidOption(
            option, value, "is not a limit of processes", remedy="Write a number, or -1 for no limit"
        )
    return number or -1


def cpus(option: str, value: object) -> int:
    """Parse a number of processors into billionths (HostConfig.NanoCpus of podman inspect); 0 means no limit."""
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite() or (number and not _LEAST_CPUS <= number <= _CPU_LIMIT):
        raise InvalidOption(
            option,
            value,
            "is not a number of processors",
            remedy="Write a number of at least 0.01, as in 1.5, or 0 for no limit",
        )
    return int(number * 10**9)


def cpu_period(option: str, value: object) -> int:
    """Parse a CPU period in microseconds; 0 means the default."""
    number = integer(option, value)
    if number and number not in _PERIODS:
        raise InvalidOption(
            option,
            value,
            "is out of range",
            remedy="Write microseconds from 1000 to 1000000, or 0 for the default 100000",
        )
    return number


def cpu_quota(option: str, value: object) -> int:
    """Parse a CPU quota in microseconds per period; 0 and -1 both mean no limit and become 0."""
    number = integer(option, value)
    if number in (0, -1):
        return 0
    if number < _PERIODS[0]:
        raise InvalidOption(
            option, value, "is too small", remedy="Write at least 1000 microseconds, or -1 for no limit"
        )
    return number


def cpuset(option: str, value: object) -> str:
    """Parse a list of processors into canonical form: ``3,0-1,2`` becomes ``0-3``."""
    numbers: set[int] = set()
    for part in str(value).split(","):
        match = _CPUSET_PART.fullmatch(part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not first <= last < _CPU_LIMIT:
            raise InvalidOption(option, value, "is not a list of processors", remedy="Write it as in 0-3,7")
        numbers.update(range(first, last + 1))
    return ",".join(_ranges(sorted(numbers)))


def numbers_of(text: str) -> set[int]:
    """Return the numbers of a set in the notation of the kernel and of ``cpuset``, as in ``0-2,4``."""
    pairs = (part.partition("-") for part in text.split(",") if part)
    return {number for first, _dash, last in pairs for number in range(int(first), int(last or first) + 1)}


def _ranges(numbers: list[int]) -> list[str]:
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return [str(a) if a == b else f"{a}-{b}" for a, b in spans]


def signal_number(option: str, value: object) -> int:
    """Parse a signal into its number, as in ``SIGTERM``, ``term``, ``15``, ``RTMIN+3`` (signal(7))."""
    text = str(value).strip().upper()
    name = text.removeprefix("SIG")
    number = int(name) if _SIGNAL_NUMBER.fullmatch(name) else _named_signal(name)
    if number is None or not 1 <= number <= signal.SIGRTMAX:
        raise InvalidOption(
            option, value, "is not a signal", remedy="Write a name or a number, as in SIGTERM or 15"
        )
    return number


def _named_signal(name: str) -> int | None:
    realtime = _REALTIME.fullmatch(name)
    if realtime:
        base = signal.SIGRTMIN if realtime[1] == "MIN" else signal.SIGRTMAX
        number = int(base) + int(realtime[2] or 0)
        # The signals between the named ones and RTMIN are reserved for the C library (signal(7)).
        return number if number >= signal.SIGRTMIN else None
    found = getattr(signal, f"SIG{name}", None)
    return int(found) if isinstance(found, signal.Signals) else None


def seconds(option: str, value: object) -> int:
    """Parse a number of seconds; -1 means indefinitely."""
    number = integer(option, value)
    if number < -1:
        raise InvalidOption(option, value, "is negative", remedy="Write seconds, or -1 to wait indefinitely")
    return number
