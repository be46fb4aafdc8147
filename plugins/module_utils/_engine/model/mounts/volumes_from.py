# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what a container takes besides its own mounts: ``volumes_from`` of others, ``image_volume`` of its image.

Source: podman-run(1) ``--volumes-from``, ``--image-volume``.
"""

from __future__ import annotations

from typing import Any

from ...errors import InvalidOption
from ..values.names import check_name
from ..values.text import plain_text
from .mount import BIND, VOLUME, Mount

ANONYMOUS, TMPFS, IGNORE = "anonymous", "tmpfs", "ignore"
#: What a task may write for them; ``bind`` is podman's other word for anonymous volumes.
IMAGE_VOLUME_WORDS = (ANONYMOUS, "bind", TMPFS, IGNORE)
_IMAGE_VOLUMES = {"": ANONYMOUS, "bind": ANONYMOUS, ANONYMOUS: ANONYMOUS, TMPFS: TMPFS, IGNORE: IGNORE}
_ACCESS = ("ro", "rw")
_WORDS = (*_ACCESS, "z")


def parse_image_volume(option: str, value: object) -> str:
    """Return what becomes of the image's volumes: anonymous (podman's other word for it is bind), tmpfs or ignore."""
    text = plain_text(option, value)
    if text not in _IMAGE_VOLUMES:
        raise InvalidOption(option, value, "is not known", remedy="Write anonymous, tmpfs or ignore")
    return _IMAGE_VOLUMES[text]


def parse(option: str, values: Any) -> tuple[str, ...]:
    """Return the canonical ``CONTAINER[:WORDS]``, in their order: of two that mount at one place the last one does."""
    found = dict.fromkeys(_canonical(option, value) for value in values)
    names = [name for name, _words in map(split, found)]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InvalidOption(option, twice, "is named twice", remedy="Keep one of the two")
    return tuple(found)


def _canonical(option: str, value: object) -> str:
    name, colon, text = plain_text(option, value).partition(":")
    words = sorted(set(text.split(","))) if colon else []
    if not set(words) <= {*_WORDS}:
        raise InvalidOption(
            option, value, "is not known", remedy="Write CONTAINER, or CONTAINER:ro, with rw, ro and z"
        )
    if {*_ACCESS} <= {*words}:
        raise InvalidOption(option, value, "says both 'ro' and 'rw'", remedy="Keep one of the two")
    return ":".join([check_name(option, name), *([",".join(words)] if words else [])])


def split(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the container's name (or id) and the words of a canonical ``CONTAINER[:WORDS]``."""
    name, _colon, words = text.partition(":")
    return name, tuple(words.split(",")) if words else ()


def names(values: tuple[str, ...] | None) -> tuple[str, ...]:
    """Return the containers."""
    return tuple(split(value)[0] for value in values or ())


def taken(mount: Mount, volume: str, words: tuple[str, ...]) -> Mount | None:
    """Return the mount as another container has it; None for what is not passed on.

    ``volume`` is the name of the one that is mounted there. As with podman, only binds and volumes are, no overlays: what
    a container writes to one is its own. Unlike podman's, the words alter what they say and leave the other options.
    """
    if mount.kind not in (BIND, VOLUME) or mount.value("O") is not None:
        return None
    options = {*mount.options}
    if {*words} & {*_ACCESS}:
        options -= {"ro", "rro"}
    options |= {word for word in words if word != "rw"}
    if "z" in words:
        options.discard("Z")
    return mount._replace(
        source=volume if mount.kind == VOLUME else mount.source, options=tuple(sorted(options))
    )
