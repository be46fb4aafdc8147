# SPDX-License-Identifier: GPL-3.0-or-later
"""Fuzz one edge in this process, which campaign.py has put into a mount namespace of its own.

usage: main.py EDGE TOP INPUTS SEED. libFuzzer, by atheris, mutates the seeds by what code they reach. It ends the process with
another code than 0 at the first input that lets an exception out, takes longer than it may, or takes too much memory; that
input is then in TOP/artifacts.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import archives
import atheris
import database
import registry
import texts
from edge import Edge, Fault

#: Seconds and MiB for one input. A machine under load may be slow; what hangs takes for ever.
_SECONDS, _MEBIBYTES = 30, 2048
#: Bytes of an input: more than the seeds have, so that they can be joined.
_LARGEST = 96 * 1024
_SETTINGS = {
    "timeout": _SECONDS,
    "rss_limit_mb": _MEBIBYTES,
    "max_len": _LARGEST,
    "print_final_stats": 1,
}
#: An edge that fails, to show that one that does is found.
_BROKEN = Edge("broken", lambda _work: lambda data: data and {}[data], list)
_EDGES = {
    edge.name: edge for edge in (*archives.EDGES, *texts.EDGES, *database.EDGES, *registry.EDGES, _BROKEN)
}
_CANARY = b"untouched"


def main(name: str, top: str, inputs: str, seed: str) -> None:
    """Fuzz until so many inputs were read."""
    outside, work, corpus = (Path(top, part) for part in ("outside", "work", "corpus"))
    for directory in (outside, work, corpus, Path(top, "artifacts")):
        directory.mkdir()
    (outside / "canary").write_bytes(_CANARY)
    read = _instrumented(_EDGES[name], work, corpus)
    before, there = _snapshot(outside), sorted(os.listdir(top))

    def test_one_input(data: bytes) -> None:
        read(data)
        if _snapshot(outside) != before or sorted(os.listdir(top)) != there:
            raise Fault("something was written outside of the engine")

    settings = {"runs": inputs, "seed": seed, **_SETTINGS, "artifact_prefix": f"{top}/artifacts/"}
    atheris.Setup(
        [sys.argv[0], *(f"-{key}={value}" for key, value in settings.items()), str(corpus)], test_one_input
    )
    atheris.Fuzz()


def _instrumented(edge: Edge, work: Path, corpus: Path) -> Callable[[bytes], object]:
    """Return the function that reads an input, with the engine's code counted, and write the seeds.

    Each seed is read once, since what a module imports late is only counted when it is imported in here.
    """
    with atheris.instrument_imports(include=["_engine"]):
        read = edge.prepare(work)
        for number, one in enumerate(edge.seeds()):
            read(one)
            (corpus / str(number)).write_bytes(one)
    return read


def _snapshot(outside: Path) -> list[tuple[str, bytes]]:
    entries = sorted(outside.iterdir())
    return [(entry.name, entry.read_bytes() if entry.is_file() else b"") for entry in entries]


if __name__ == "__main__":
    main(*sys.argv[1:])
