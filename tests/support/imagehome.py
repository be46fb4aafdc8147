# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine for images alone, opened anew for each act, as tasks do."""

from __future__ import annotations

from pathlib import Path

from _engine.images.save.image import ARCHIVES
from _engine.lifecycle.host.opening import open_engine
from _engine.lifecycle.image.load import load
from _engine.lifecycle.image.save import SaveRequest, save
from _engine.state import images

NAME = "localhost/app:1"


class ImageHome:
    """One engine."""

    def __init__(self, top: Path) -> None:
        top.mkdir()
        self.top = top

    def open(self, *, read_only: bool = False):
        """Open the engine."""
        return open_engine(str(self.top / "root"), str(self.top / "run"), read_only=read_only)

    def load(self, path, **options):
        """Load an archive, and return its images as they are shown."""
        with self.open() as engine:
            return load(engine, str(path), **options).result["images"]

    def save(self, dest, *names: str, read_only: bool = False, **options):
        """Save images."""
        with self.open(read_only=read_only) as engine:
            return save(engine, SaveRequest(names or (NAME,), str(dest), **options))

    def record(self, name: str = NAME):
        """Return an image's record."""
        with self.open() as engine, engine.database.reading() as connection:
            return images.by_name(connection, name)


def kind(form: str) -> str:
    """Return the end of a path's name for a form."""
    return ".tar" if form in ARCHIVES else ""
