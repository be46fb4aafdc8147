# SPDX-License-Identifier: GPL-3.0-or-later
"""Save images to an archive or a directory, in the formats of podman-save(1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any

from ...errors import EngineError, InvalidOption, WrongState
from ...frozen import dataclass
from ...images.archive.reference import candidates
from ...images.blobs import BlobStore
from ...images.layers.store import LayerStore
from ...images.save.image import ARCHIVES, DOCKER_ARCHIVE, DOCKER_DIR, Saved, SavedImage
from ...images.save.same import Found, description, look, told
from ...images.save.stored import Stored
from ...images.save.write import write_archive, write_directory
from ...model.container.option import LIVE
from ...model.engine.record import ImageRecord
from ...model.values.names import is_full_id
from ...plan.diff import Difference
from ...state import images
from ..core.archivefile import check_file, fresh_file, place_file
from ..core.engine import Engine
from ..core.images import find_image
from ..core.outcome import Outcome
from ..inspect.image import image_shape
from .save_directory import check_directory, new_directory


@dataclass(frozen=True)
class SaveRequest:
    """A task's request; ``compress`` None: the format's default; ``force``: replace an existing ``dest``.

    ``describes``: write nothing and return ``saved``, the description of what would be written (images/save/same.py), which a
    controller compares with a file of its own.
    """

    images: tuple[str, ...]
    dest: str
    form: str = DOCKER_ARCHIVE
    compress: bool | None = None
    force: bool = True
    describes: bool = False


def save(engine: Engine, request: SaveRequest) -> Outcome:
    """Save the images, unless the destination has them in that format, each blob with its digest.

    Raises NotFound, InvalidOption, WrongState (a layer can't be reassembled), DigestMismatch (one was altered),
    StoreFull; then an existing destination is unchanged.
    """
    records, saved, source = prepared(engine, request)
    wanted = description(saved)
    if request.describes:
        text = f"saved {_listed(saved)} to {request.dest}"
        return Outcome(
            result={"images": [image_shape(record) for record in records], "saved": wanted, "action": text}
        )
    dest = (check_file if request.form in ARCHIVES else check_directory)(request.dest)
    result = {"dest": dest, "images": [image_shape(record) for record in records]}
    found = _found(engine, dest, wanted)
    if found.is_same or (found.is_there and not request.force):
        return Outcome(result=result)
    if not engine.predicting:
        with engine.timings.of("image_save"), _explained(engine, records):
            _write(dest, saved, source)
        _tell(engine, saved)
    action = f"saved {_listed(saved)} to {dest}"
    differences = _differences(found, wanted)
    return Outcome((action,), differences, LIVE if differences else "", result=result)


def prepared(engine: Engine, request: SaveRequest) -> tuple[tuple[ImageRecord, ...], Saved, Stored]:
    """Return the images' records, what to save of them, and its source. Raises as ``save`` does."""
    form, compress = request.form, request.compress
    found = _asked(engine, request.images)
    if form == DOCKER_DIR and len(found) > 1:
        raise InvalidOption("image", None, f"{form} holds only one image", remedy="Name one, or use oci-dir")
    if compress and form == DOCKER_ARCHIVE:
        why = "docker-archive stores layers uncompressed"
        raise InvalidOption("compress", None, why, remedy="Leave it out, or use oci-archive")
    store = LayerStore(engine.layout.layers, engine.layout.staging)
    source = Stored(store, BlobStore(engine.layout.blobs))
    saved = Saved(tuple(source.image(*one) for one in found), form, compress)
    for image in saved.images:
        for layer in image.layers:
            source.check(layer)
    return tuple(record for record, _names in found), saved, source


def written(engine: Engine, request: SaveRequest, fd: int) -> None:
    """Write an archive (a format of ARCHIVES) to an open private regular file. Raises as ``save`` does."""
    records, saved, source = prepared(engine, request)
    with _explained(engine, records):
        write_archive(fd, saved, source, name="the archive")
    _tell(engine, saved)


def _tell(engine: Engine, saved: Saved) -> None:
    for image in saved.images:
        engine.tell("image", "save", image.id, image.names[0] if image.names else "")


@contextmanager
def _explained(engine: Engine, records: Sequence[ImageRecord]) -> Iterator[None]:
    """Raise WrongState for an error that was caused by the removal of an image meanwhile."""
    try:
        yield
    except (EngineError, OSError) as error:
        with engine.database.reading() as connection:
            gone = [record for record in records if images.get(connection, record.id) is None]
        if not gone:
            raise
        name = gone[0].names[0] if gone[0].names else gone[0].id[:12]
        raise WrongState(f"image {name} was removed while it was saved", name=name) from error


def _asked(engine: Engine, words: Sequence[str]) -> list[tuple[ImageRecord, tuple[str, ...]]]:
    """Return each requested image once, with the names that it was requested by, in order."""
    found: dict[str, tuple[ImageRecord, dict[str, None]]] = {}
    with engine.database.reading() as connection:
        for word in words:
            record = find_image(connection, word)
            found.setdefault(record.id, (record, {}))[1].update(dict.fromkeys(_name(record, word)))
    return [(record, tuple(names)) for record, names in found.values()]


def _name(record: ImageRecord, word: str) -> tuple[str, ...]:
    """Return the image's name that a word refers to, in a tuple; () if the word is an id."""
    if is_full_id(word[-64:]) and word[-64:] == record.id[-64:]:
        return ()
    return tuple(name for name in candidates(word) if name in record.names)[:1]


def _found(engine: Engine, dest: str, wanted: Mapping[str, Any]) -> Found:
    with engine.timings.of("image_check"):
        return look(dest, wanted)


def _write(dest: str, saved: Saved, source: Stored) -> None:
    if saved.form not in ARCHIVES:
        with new_directory(dest) as directory:
            write_directory(directory.fd, saved, source, name=dest)
            directory.place()
        return
    with closing(fresh_file(dest)) as fresh:
        write_archive(fresh.fd, saved, source, name=dest)
        place_file(fresh, dest)


def _listed(saved: Saved) -> str:
    names = [name for image in saved.images for name in _names(image)]
    return f"image{'s' * (len(names) > 1)} {', '.join(names)}"


def _names(image: SavedImage) -> tuple[str, ...]:
    return image.names or (image.id[:12],)


def _differences(found: Found, wanted: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Return the differences from an existing destination; none for a new one."""
    if not found.is_there or found.holds == told(wanted):
        return ()
    return (Difference("image", found.holds, told(wanted), LIVE),)
