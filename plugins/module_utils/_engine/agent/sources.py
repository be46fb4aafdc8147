# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the running engine's files: in an archive, in a source tree, or installed below an engine's root."""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from zipimport import zipimporter

from .. import archive

_ENGINE = __name__.rpartition(".agent.")[0]


def files() -> dict[str, bytes]:
    """Return the content of each file by its path, in the shape of archive.files."""
    loader: object = getattr(sys.modules[_ENGINE].__spec__, "loader", None)
    if isinstance(loader, zipimporter):
        return archive.unpack(loader.archive)
    return archive.files(os.path.dirname(_directory()))


@lru_cache
def name() -> str:
    """Return the name of the running engine. It is read once, because a running engine is not altered."""
    return archive.name(files())


def installed() -> str:
    """Return an installed engine's directory; otherwise a directory in which no engine is installed."""
    return os.path.dirname(os.path.dirname(_directory()))


def _directory() -> str:
    directory: str = next(iter(sys.modules[_ENGINE].__path__))
    return directory
