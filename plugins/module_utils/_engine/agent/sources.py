# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the engine's own sources, and tell by a sum whether two copies of one are the same.

They lie in a module's zip, whose directory has the sums already; in a directory; or in the agent, which keeps a list of them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from zipimport import zipimporter

_ENGINE = __name__.rpartition(".agent.")[0]
#: The agent's list, beside its sources: a line for each, ``NAME SIZE CRC``.
LIST = "sums"

#: Size in bytes and CRC-32 of a source. It tells versions apart, not forgeries: who can write one can write the other.
Sum = tuple[int, int]


def file_of(name: str) -> str:
    """Return the path of a module below the directory of the engine's package."""
    return f"{name.replace('.', '/')}.py"


def read(name: str) -> bytes:
    """Return the source of a module of the engine; raises OSError when it did not travel."""
    path = f"{_directory()}/{file_of(name)}"
    archive = _archive()
    if archive is not None:
        return archive.get_data(path)
    with open(path, "rb") as source:
        return source.read()


def sums(names: Iterable[str]) -> dict[str, Sum]:
    """Return the sums of these modules of the engine that runs; one that did not travel is left out."""
    archive = _archive()
    if archive is not None:
        return _of_archive(archive.archive, _directory(), names)
    try:
        known = decode(_text(f"{os.path.dirname(_directory())}/{LIST}"))
    except FileNotFoundError:
        import zlib

        texts = ((name, read(name)) for name in names)
        return {name: (len(text), zlib.crc32(text)) for name, text in texts}
    return {name: known[name] for name in names if name in known}


def encode(known: Mapping[str, Sum]) -> str:
    return "".join(f"{name} {size} {crc}\n" for name, (size, crc) in sorted(known.items()))


def decode(text: str) -> dict[str, Sum]:
    """Return the sums of a list; a line that is none is left out."""
    split = (line.split() for line in text.splitlines())
    return {
        words[0]: (int(words[1]), int(words[2])) for words in split if len(words) == 3 and words[1].isdigit()
    }


def _text(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def _directory() -> str:
    directory: str = next(iter(sys.modules[_ENGINE].__path__))
    return directory


def _archive() -> zipimporter | None:
    # Of the package: a module of it may have come from elsewhere.
    loader: object = getattr(sys.modules[_ENGINE].__spec__, "loader", None)
    return loader if isinstance(loader, zipimporter) else None


def _of_archive(archive: str, directory: str, names: Iterable[str]) -> dict[str, Sum]:
    from zipfile import ZipFile  # Ansible has loaded it to get here

    inside = os.path.relpath(directory, archive)
    with ZipFile(archive) as opened:
        members = {member.filename: (member.file_size, member.CRC) for member in opened.infolist()}
    found = {name: members.get(f"{inside}/{file_of(name)}") for name in names}
    return {name: known for name, known in found.items() if known is not None}
