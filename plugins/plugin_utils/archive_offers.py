# SPDX-License-Identifier: GPL-3.0-or-later
"""What a controller can send of an archive of its own: what describes the image, then each layer as a file."""

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
    """An open archive, and the image of it that is offered in its JSON form."""

    def __init__(self, archive: Archive, image: ArchivedImage, scratch: str) -> None:
        self._archive, self._image, self._scratch = archive, image, scratch
        self.offer: dict[str, Any] = encode(Offer((image,), {}))

    def files(self, members: Sequence[str]) -> list[tuple[str, str]]:
        """Return the layers of these names, each with the path of a file that holds it as the archive does."""
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
    """Open an archive for its image of that name, or its only one, which is called so then.

    Raises what ``open_archive`` does, and InvalidOption when it has several others. Temporary files are below ``tmp``.
    """
    with ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="slipway-", dir=tmp))
        archive = stack.enter_context(open_archive(path, staging=scratch))
        images = archive.images
        image = images[0] if len(images) == 1 else choice.find(images, name)
        if image is None:
            remedy = f"{path} has {choice.listed(images)}"
            raise InvalidOption("name", name, "is no image of the archive", remedy=remedy)
        yield Source(archive, replace(image, names=(name,)), scratch)
