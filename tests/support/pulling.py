# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine that pulls images from the registries of a test."""

from __future__ import annotations

from _engine.images.blobs import BlobStore
from _engine.lifecycle.host.opening import open_engine
from _engine.lifecycle.image.pull import pull
from _engine.lifecycle.image.remove import remove_image
from _engine.model.image.pull import Access, Pull

PLAIN = Access(verify=False, retry_delay=0.05)


class Puller:
    """An engine that pulls."""

    def __init__(self, top):
        self.root, self.run_root = str(top / "root"), str(top / "run")

    def open(self, **settings):
        """Open the engine."""
        return open_engine(self.root, self.run_root, **settings)

    def pull(self, name, policy="missing", access=PLAIN, **platform):
        """Pull an image and return the outcome."""
        with self.open() as engine:
            return pull(engine, Pull(name, policy, access=access, **platform))

    def foresee(self, name, policy="missing", access=PLAIN):
        """Predict the same."""
        with self.open(read_only=True) as engine:
            return pull(engine, Pull(name, policy, access=access))

    def remove(self, name):
        """Remove an image."""
        with self.open() as engine:
            return remove_image(engine, name)

    def blobs(self):
        """Return the digests of the blobs that are kept."""
        with self.open() as engine:
            return set(BlobStore(engine.layout.blobs).list())
