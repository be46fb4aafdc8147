# SPDX-License-Identifier: GPL-3.0-or-later
"""The images of one archive: which of them is meant, and what to say of their platforms; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...errors import InvalidOption
from ...frozen import replace
from ...model.image import config as imageconfig
from . import platform, reference
from .image import ArchivedImage
from .platform import Platform

#: More names than this nobody reads.
_MOST_LISTED = 20
#: As much of a text that is no name as somebody reads.
_WIDTH = 150
#: What a processor runs beside its own programs.
_ALSO_RUNS = {"amd64": ("386",), "arm64": ("arm",)}


def find(images: Sequence[ArchivedImage], text: str) -> ArchivedImage | None:
    """Return the image of that name, id (12 digits or more) or manifest's digest; by its name it keeps that one alone."""
    for image in images:
        if text == image.manifest_digest or _is_id_of(text, image):
            return image
    for name in _names(text):
        for image in images:
            if name in image.names:
                return replace(image, names=(name,))
    return None


def _is_id_of(text: str, image: ArchivedImage) -> bool:
    return reference.is_id(text) and image.id.startswith(text.removeprefix("sha256:"))


def _names(text: str) -> tuple[str, ...]:
    try:
        return reference.candidates(text)
    except InvalidOption:
        return ()


def listed(images: Sequence[ArchivedImage]) -> str:
    """Name the images in a text: each by its names, or by the beginning of its id."""
    names = [name for image in images for name in (image.names or (image.id[:12],))]
    more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    return f"{', '.join(names[:_MOST_LISTED])}{more}"


def platform_warnings(images: Sequence[ArchivedImage]) -> tuple[str, ...]:
    """Tell of images that this host's processor can't run, and of those that were not loaded for their platform."""
    return tuple(text for image in images for text in _platform_warnings(image, platform.of_host()))


def name_warnings(images: Sequence[ArchivedImage]) -> tuple[str, ...]:
    """Tell of what the archive calls an image that can't be its name."""
    return tuple(
        f"image {listed([image])}: the archive calls it {_quoted(image.not_names)}, which is no image name and is left out"
        for image in images
        if image.not_names
    )


def _quoted(names: Sequence[str]) -> str:
    """Name texts that may hold anything, as many as somebody reads."""
    more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    return f"{', '.join(repr(name[:_WIDTH]) for name in names[:_MOST_LISTED])}{more}"


def _platform_warnings(image: ArchivedImage, host: Platform) -> Iterator[str]:
    label = listed([image])
    config = imageconfig.parse(image.config)
    found = Platform(config.os, config.architecture, config.variant)
    if not _runs(found, host):
        yield f"image {label} is for {found}, and this host is {host}: it runs with an emulator alone"
    if image.passed_over:
        others = ", ".join(image.passed_over)
        yield f"the archive has images without a name for {others}, too: of those only {label}, for {host}, was loaded"


def _runs(image: Platform, host: Platform) -> bool:
    """Return whether a host runs an image; what says nothing is taken for its own."""
    runs = (host.architecture, *_ALSO_RUNS.get(host.architecture, ()), "")
    return image.os in (host.os, "") and image.architecture in runs
