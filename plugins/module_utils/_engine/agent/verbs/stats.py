# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway stats`` and ``slipway top``: the resource usage of containers, and their processes."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ...errors import InvalidOption
from ...lifecycle.core.engine import Engine
from ...lifecycle.core.lookup import find_typed
from ...model.container import status
from ...model.engine.record import ContainerRecord
from ..cli import listing, output
from ..cli.listing import Field
from ..cli.table import human_size, render
from .containers import records_in

if TYPE_CHECKING:
    from ...lifecycle.info.processes import Running
    from ...lifecycle.info.stats import Sample

#: Clears the screen and moves the cursor to its upper left corner (console_codes(4)).
_CLEAR = "\033[2J\033[H"
_UNKNOWN = "--"
_USUAL = "ID Name CPUPerc MemUsage MemPerc NetIO BlockIO PIDs CPUTime AvgCPU".split()


def add(verbs: Any) -> None:
    """Add the verbs; options are those of podman-stats(1) and podman-top(1)."""
    text = "show containers' use of CPU, memory, disks and networks, and refresh it periodically"
    parser = verbs.add_parser("stats", help=text, description=text)
    parser.add_argument("names", nargs="*", metavar="NAME", help="name or id (all running containers)")
    parser.add_argument("--all", "-a", action="store_true", help="include containers that do not run")
    parser.add_argument("--no-stream", action="store_true", help="print once and exit")
    parser.add_argument("--no-reset", action="store_true", help="do not clear the screen between refreshes")
    parser.add_argument(
        "--interval",
        "-i",
        type=float,
        default=5.0,
        metavar="SECONDS",
        help="time between refreshes (%(default)g)",
    )
    listing.add_options(parser)
    parser.set_defaults(verb=_stats, follow=True)
    text = "show the processes of a container"
    parser = verbs.add_parser("top", help=text, description=text)
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("columns", nargs="*", metavar="COLUMN", help=f"columns to show: {', '.join(COLUMNS)}")
    parser.set_defaults(verb=_top)


# -- stats -------------------------------------------------------------------------------------------


def _stats(engine: Engine, arguments: argparse.Namespace) -> None:
    if not arguments.interval > 0:
        raise InvalidOption(
            "interval", arguments.interval, "is not a positive number", remedy="Use a number above 0"
        )
    before: dict[str, Sample] = {}
    clears = sys.stdout.isatty() and not (arguments.no_stream or arguments.no_reset)
    while True:
        before = _round(engine, arguments, before, clears=clears)
        if arguments.no_stream:
            return
        time.sleep(arguments.interval)


def _round(
    engine: Engine, arguments: argparse.Namespace, before: Mapping[str, Sample], *, clears: bool
) -> dict[str, Sample]:
    from ...lifecycle.info.stats import sample

    samples = [sample(record) for record in _chosen(engine, arguments)]
    found = [_shape(one, before.get(one.id)) for one in samples]
    output.command(_CLEAR if clears else "")
    listing.show(arguments, found, FIELDS, _USUAL, lambda shape: str(shape["id"]))
    sys.stdout.flush()
    return {one.id: one for one in samples}


def _chosen(engine: Engine, arguments: argparse.Namespace) -> list[ContainerRecord]:
    if not arguments.names:
        return records_in(engine, frozenset(status.MOVES) if arguments.all else {status.RUNNING})
    return [find_typed(engine, name) for name in arguments.names]


def _shape(one: Sample, before: Sample | None) -> dict[str, Any]:
    """Return a sample with the keys of ``podman stats --format json``."""
    used = one.usage
    return {
        "id": one.id,
        "name": one.name,
        "cpu_time": _UNKNOWN if used.cpu is None else f"{used.cpu / 1e9:.6g}s",
        "cpu_percent": _percent(one.cpu_share(before)),
        "avg_cpu": _percent(one.cpu_share()),
        "mem_usage": f"{_bytes(used.memory)} / {_bytes(one.limit)}",
        "mem_percent": _percent(one.memory_share),
        "net_io": " / ".join(map(_bytes, one.traffic or (None, None))),
        "block_io": f"{_bytes(used.read)} / {_bytes(used.written)}",
        "pids": _UNKNOWN if used.processes is None else str(used.processes),
    }


def _percent(share: float | None) -> str:
    return _UNKNOWN if share is None else f"{share * 100:.2f}%"


def _bytes(number: int | None) -> str:
    return _UNKNOWN if number is None else human_size(number).replace(" ", "")


def _id(shape: listing.Shape, whole: bool) -> str:  # noqa: FBT001
    return str(shape["id"]) if whole else listing.short_id(str(shape["id"]))


def _key(key: str) -> Callable[[listing.Shape, bool], object]:
    return lambda shape, _whole: shape[key]


FIELDS: Mapping[str, Field] = {
    "ID": Field("ID", _id),
    "Name": Field("NAME", _key("name")),
    "CPUPerc": Field("CPU %", _key("cpu_percent")),
    "MemUsage": Field("MEM USAGE / LIMIT", _key("mem_usage")),
    "MemPerc": Field("MEM %", _key("mem_percent")),
    "NetIO": Field("NET IO", _key("net_io")),
    "BlockIO": Field("BLOCK IO", _key("block_io")),
    "PIDs": Field("PIDS", _key("pids")),
    "PIDS": Field("PIDS", _key("pids")),
    "CPUTime": Field("CPU TIME", _key("cpu_time")),
    "AvgCPU": Field("AVG CPU %", _key("avg_cpu")),
}


# -- top ---------------------------------------------------------------------------------------------


def _top(engine: Engine, arguments: argparse.Namespace) -> None:
    from ...lifecycle.info.processes import processes

    # "pid,comm" equals "pid comm". Options of ps(1) are unknown columns, and so refused.
    names = [name for text in arguments.columns for name in text.split(",")]
    unknown = [name for name in names if name not in COLUMNS]
    if unknown:
        raise InvalidOption(
            "COLUMN", unknown[0], "is not known", remedy=f"Choose from {', '.join(COLUMNS)}, or write none"
        )
    columns = [COLUMNS[name] for name in names or _PROCESS]
    rows = [
        [value(one) for _heading, value in columns]
        for one in processes(engine, find_typed(engine, arguments.name))
    ]
    sys.stdout.write(render([heading for heading, _value in columns], rows))


def _span(seconds: float) -> str:
    """Return ``1h2m3s``, Go's notation of a duration."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{f'{hours}h' if hours else ''}{f'{minutes}m' if hours or minutes else ''}{rest}s"


_PROCESS = ("user", "pid", "ppid", "pcpu", "etime", "tty", "time", "args")
COLUMNS: Mapping[str, tuple[str, Callable[[Running], str]]] = {
    "user": ("USER", lambda one: one.user),
    "pid": ("PID", lambda one: str(one.pid)),
    "ppid": ("PPID", lambda one: str(one.ppid)),
    "pcpu": ("%CPU", lambda one: f"{100 * one.cpu / one.elapsed if one.elapsed else 0:.3f}"),
    "etime": ("ELAPSED", lambda one: _span(one.elapsed)),
    "tty": ("TTY", lambda one: one.terminal),
    "time": ("TIME", lambda one: _span(one.cpu)),
    "args": ("COMMAND", lambda one: one.arguments),
    "comm": ("COMMAND", lambda one: one.name),
    "state": ("STATE", lambda one: one.state),
    "nice": ("NI", lambda one: str(one.nice)),
    "vsz": ("VSZ", lambda one: str(one.size // 1024)),
    "rss": ("RSS", lambda one: str(one.resident // 1024)),
    "hpid": ("HPID", lambda one: str(one.host_pid)),
    "huser": ("HUSER", lambda one: str(one.host_user)),
}
