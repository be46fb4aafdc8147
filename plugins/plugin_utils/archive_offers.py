# SPDX-License-Identifier: GPL-3.0-or-later
"""Offers of images in archives on the controller: the image's description, then each layer as a file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from ansible_collections.slipway.oci.plugins.module_utils._engine.errors import InvalidOption
from ansible_collections.slipway.oci.plugins.module_utils._engine.frozen import replace
from ansible_collections.slipway.oci.plugins.module_utils._engine.images.archive import choice
from ansible_collections.slipway.oci.plugins.module_utils._engine.images.archive.image import ArchivedImage
from ansible_collections.slipway.oci.plugins.module_utils._engine.images.archive.open import (
    Archive,
    open_archive,
)
from ansible_collections.slipway.oci.plugins.module_utils._engine.images.offer import Offer, encode, member_of
from ansible_collections.slipway.oci.plugins.module_utils._engine.images.tar import streams


class Source:
    """An open archive, and the offer of one of its images in JSON form."""

    def __init__(self, archive: Archive, image: ArchivedImage, scratch: str) -> None:
        self._archive, self._image, self._scratch = archive, image, scratch
        self.offer: dict[str, Any] = encode(Offer((image,), {}))

    def files(self, members: Sequence[str]) -> list[tuple[str, str]]:
        """Write the layers of these names to files, as stored in the archive; return names and paths."""
        layers = {member_of(layer): layer for layer in self._image.layers}
        found = []
        for member in members:
            path = os.path.join(self._scratch, member)
            with open(
                os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb", 0
            ) as file:
                for chunk in self._archive.stored(layers[member]):
                    streams.write_all(file.fileno(), memoryview(chunk))
            found.append((member, path))
        return found


@contextmanager
def opened(path: str, name: str, tmp: str) -> Iterator[Source]:
    """Open an archive for the image of that name, or for its only image, which gets that name.

    Raises the errors of ``open_archive``, and InvalidOption if it has several images but none of that name.
    Temporary files are below ``tmp``.
    """
    with ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="slipway-", dir=tmp))
        archive = stack.enter_context(open_archive(path, staging=scratch))
        images = archive.images
        image = images[0] if len(images) == 1 else choice.find(images, name)
        if image is None:
            remedy = f"{path} has {choice.listed(images)}"
            raise InvalidOption("name", name, "is not an image of the archive", remedy=remedy)
        yield Source(archive, replace(image, names=(name,)), scratch)
