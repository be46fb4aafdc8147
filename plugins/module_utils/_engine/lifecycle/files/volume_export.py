# SPDX-License-Identifier: GPL-3.0-or-later
"""Export a volume's content as a tar."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ...frozen import dataclass, replace
from ...images.tar import compress, live_tree
from ...images.tar.streams import ahead
from ..core.archivefile import bring, find_place
from ..core.engine import Engine
from ..core.outcome import Outcome
from ..volume.read_content import PAUSE, find_volume, reading
from .export import allow_many_files


@dataclass(frozen=True)
class VolumeExport:
    """The request of a task; ``force``: update an existing file; ``compression`` None: by the file's name."""

    volume: str
    dest: str
    force: bool = True
    compression: str | None = None
    consistent: str = PAUSE


def export_volume(engine: Engine, request: VolumeExport) -> Outcome:
    """Write the archive to a file, idempotently.

    Raises NotFound, InvalidOption (``dest``), HostLacks, StoreFull; the file is unchanged then.
    """
    find_volume(engine, request.volume)
    place = find_place(request.dest)
    form = request.compression or compress.by_name(place.dest)
    compress.check(form)
    if place.before is not None and not request.force:
        return _with_paused(place.unchanged(), ())
    with engine.timings.of("export"), opened(engine, request.volume, request.consistent, form) as stream:
        chunks, paused = stream
        outcome = bring(engine, place, f"volume {request.volume}", chunks, check=lambda: None)
    if not engine.predicting:
        engine.tell("volume", "export", request.volume, request.volume)
    return _with_paused(outcome, paused)


@contextmanager
def opened(
    engine: Engine, name: str, consistent: str, form: str
) -> Iterator[tuple[Iterator[bytes], tuple[str, ...]]]:
    """Yield the archive as a stream, and the names of the containers that are paused meanwhile."""
    allow_many_files()
    with reading(engine, find_volume(engine, name), consistent, f"export of volume {name}") as source:
        tree = live_tree.chunks(source.fd, f"volume {name}", lambda entry: entry)
        with ahead(compress.encoded(tree, form)) as chunks:
            yield chunks, source.paused


def _with_paused(outcome: Outcome, paused: tuple[str, ...]) -> Outcome:
    return replace(outcome, result={**outcome.result, "paused": list(paused)})
