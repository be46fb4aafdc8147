# SPDX-License-Identifier: GPL-3.0-or-later
"""Select an image of an archive, and warn about platforms and names; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...errors import InvalidOption
from ...frozen import replace
from ...model.image import config as imageconfig
from . import platform, reference
from .image import ArchivedImage
from .platform import Platform

#: The most names that a message lists.
_MOST_LISTED = 20
#: The most characters of an invalid name that a message quotes.
_WIDTH = 150
#: Architectures whose programs a processor also runs.
_ALSO_RUNS = {"amd64": ("386",), "arm64": ("arm",)}


def find(images: Sequence[ArchivedImage], text: str) -> ArchivedImage | None:
    """Return the image with a name, id (from 12 digits) or manifest digest; a name found replaces all names."""
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
    """Return the images as text: each by its names, or by the beginning of its id."""
    names = [name for image in images for name in (image.names or (image.id[:12],))]
    more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    return f"{', '.join(names[:_MOST_LISTED])}{more}"


def platform_warnings(images: Sequence[ArchivedImage]) -> tuple[str, ...]:
    """Return warnings of images that this host's CPU cannot run, and of those skipped for their platform."""
    return tuple(text for image in images for text in _platform_warnings(image, platform.of_host()))


def name_warnings(images: Sequence[ArchivedImage]) -> tuple[str, ...]:
    """Return warnings of names in the archive that are not valid image names."""
    return tuple(
        f"image {listed([image])}: its name {_quoted(image.not_names)} in the archive is not valid and is ignored"
        for image in images
        if image.not_names
    )


def _quoted(names: Sequence[str]) -> str:
    """Return untrusted texts, quoted, limited in number and length."""
    more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    return f"{', '.join(repr(name[:_WIDTH]) for name in names[:_MOST_LISTED])}{more}"


def _platform_warnings(image: ArchivedImage, host: Platform) -> Iterator[str]:
    label = listed([image])
    config = imageconfig.parse(image.config)
    found = Platform(config.os, config.architecture, config.variant)
    if not _runs(found, host):
        yield f"image {label} is for {found}, but this host is {host}: it only runs with an emulator"
    if image.passed_over:
        others = ", ".join(image.passed_over)
        yield f"the archive also has unnamed images for {others}: of these, only {label}, for {host}, was loaded"


def _runs(image: Platform, host: Platform) -> bool:
    """Return whether a host runs an image; an unset platform counts as the host's."""
    runs = (host.architecture, *_ALSO_RUNS.get(host.architecture, ()), "")
    return image.os in (host.os, "") and image.architecture in runs
