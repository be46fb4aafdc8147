# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the benches that are asked for, all by default, and print one table."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from networking import measure_network

from checking import measure_health
from connecting import measure_connection
from copying import measure_copy_up, measure_growth
from delivering import measure_first, measure_packing, measure_wire
from executing import measure_exec
from figure import Figure, table
from firststart import measure_mapping
from place import Place, workplace
from pulling import measure_pull
from starting import Host, host, measure_agent, measure_start
from stopping import measure_stop
from tree import cross_section
from unchanged import measure_crowd, measure_forks, measure_modules, measure_unchanged
from unpacking import measure_load

#: What is measured with an engine that has an image: by part what is said meanwhile, how often, and by what.
OF_A_HOST: Mapping[str, tuple[str, int, Callable[[Place, Host, int], list[Figure]]]] = {
    "stop": ("stop and restart", 20, lambda _place, host, rounds: measure_stop(host, rounds)),
    "exec": ("exec", 50, lambda _place, host, rounds: measure_exec(host, rounds)),
    "unchanged": ("an unchanged task", 3, measure_unchanged),
    "modules": ("a play of different modules", 5, measure_modules),
    "forks": ("an unchanged task on many hosts", 3, measure_forks),
    "crowd": ("an unchanged task beside a thousand containers", 3, measure_crowd),
    "wire": ("what is sent over ssh", 1, measure_wire),
    "agent": ("the agent's start", 20, lambda _place, host, rounds: measure_agent(host, rounds)),
    "network": ("networks", 20, measure_network),
    "connection": ("plays in containers", 3, measure_connection),
}
#: What needs nothing but a place.
BARE: Mapping[str, tuple[str, int, Callable[[Place, int], list[Figure]]]] = {
    "packing": ("packing", 10, measure_packing),
    "first": ("the first task on a bare host", 3, measure_first),
}
PARTS = ("start", *OF_A_HOST, *BARE, "copy", "load", "pull", "health", "mapping")
_TREE_BYTES = 240_000_000
_IMAGE_BYTES = 300_000_000
#: About 130 MB when it is compressed.
_PULLED_BYTES = 390_000_000
#: Containers with a health check.
_CHECKED = 100


def main(argv: Sequence[str]) -> int:
    """Measure, print, and return 0; what misses its aim is no failure, it is told."""
    asked = _arguments(argv)
    if os.geteuid() != 0:
        sys.exit("The benches start containers and mount: run them as root.")
    # It is for this program alone: what is measured shall not look there.
    os.environ.pop("PYTHONPATH", None)
    load = " ".join(f"{value:.2f}" for value in os.getloadavg())
    begin = time.monotonic()
    with workplace() as place:
        figures, notes = _measure(place, asked)
    print(f"\n{table(figures)}\n")
    print(f"Medians of n runs, taken in turns; {os.cpu_count()} CPUs, load average at begin {load}.")
    print(*notes, f"All of it took {time.monotonic() - begin:.0f} s.", sep="\n")
    return 0


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"one of {', '.join(PARTS)}")
    parser.add_argument(
        "--long", action="store_true", help="also: does copy-up grow in line with the entries?"
    )
    parser.add_argument("--rounds", type=int, help="how often each thing is measured")
    asked = parser.parse_args(argv)
    if unknown := set(asked.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    asked.parts = asked.parts or PARTS
    return asked


def _measure(place: Place, asked: argparse.Namespace) -> tuple[list[Figure], list[str]]:
    """Return the figures, and what there is to add in words."""
    figures: list[Figure] = []
    notes: list[str] = []
    if {"start", "health", *OF_A_HOST} & set(asked.parts):
        with host(place) as engine_host:
            figures += _measure_containers(place, engine_host, asked, notes)
    for part, (what, often, measure) in BARE.items():
        if part in asked.parts:
            with told(what):
                figures += measure(place, asked.rounds or often)
    if {"copy", "load", "pull"} & set(asked.parts):
        figures += _measure_tree(place, asked)
    if "mapping" in asked.parts:
        figures += _measure_mapping(place, asked)
    if asked.long:
        with told("copy-up of many files"):
            figures.append(measure_growth(place, few=10_000, many=100_000))
    return figures, notes


def _measure_containers(
    place: Place, host: Host, asked: argparse.Namespace, notes: list[str]
) -> Iterator[Figure]:
    if "start" in asked.parts:
        with told("create + start"):
            figures, steps = measure_start(host, asked.rounds or 20)
            notes.append(steps)
            yield from figures
    for part, (what, often, measure) in OF_A_HOST.items():
        if part in asked.parts:
            with told(what):
                yield from measure(place, host, asked.rounds or often)
    if "health" in asked.parts:
        with told(f"the health of {_CHECKED} containers"):
            figures, words = measure_health(place, host, _CHECKED, asked.rounds or 10)
            notes.append(words)
            yield from figures


def _measure_tree(place: Place, asked: argparse.Namespace) -> Iterator[Figure]:
    with told("a cross-section of /usr"):
        tree = cross_section(place.fresh("tree"), size=_TREE_BYTES)
    if "copy" in asked.parts:
        with told("copy-up"):
            yield from measure_copy_up(place, tree, asked.rounds or 3)
    if "load" in asked.parts:
        with told("image_load"):
            yield from measure_load(place, tree, asked.rounds or 3)
    if "pull" in asked.parts:
        with told("image"):
            larger = cross_section(place.fresh("tree"), size=_PULLED_BYTES)
            yield from measure_pull(place, larger, asked.rounds or 3)


def _measure_mapping(place: Place, asked: argparse.Namespace) -> Iterator[Figure]:
    with told("a start in a user namespace"):
        tree = cross_section(place.fresh("image"), size=_IMAGE_BYTES)
        yield from measure_mapping(place, tree, asked.rounds or 5)


@contextmanager
def told(what: str) -> Iterator[None]:
    """Say what is being measured, and how long it took."""
    print(f"{what} ... ", end="", flush=True)
    begin = time.monotonic()
    yield
    print(f"{time.monotonic() - begin:.0f} s", flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("\nStopped; everything is cleaned up.")
