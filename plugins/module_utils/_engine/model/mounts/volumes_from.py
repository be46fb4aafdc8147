# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse the sources of implied mounts: ``volumes_from`` of other containers, ``image_volume`` of the image.

Source: podman-run(1) ``--volumes-from``, ``--image-volume``.
"""

from __future__ import annotations

from typing import Any

from ...errors import InvalidOption
from ..values.names import check_name
from ..values.text import plain_text
from .mount import BIND, VOLUME, Mount

ANONYMOUS, TMPFS, IGNORE = "anonymous", "tmpfs", "ignore"
#: The values that a task may write; ``bind`` is podman's alias of ``anonymous``.
IMAGE_VOLUME_WORDS = (ANONYMOUS, "bind", TMPFS, IGNORE)
_IMAGE_VOLUMES = {"": ANONYMOUS, "bind": ANONYMOUS, ANONYMOUS: ANONYMOUS, TMPFS: TMPFS, IGNORE: IGNORE}
_ACCESS = ("ro", "rw")
_WORDS = (*_ACCESS, "z")


def parse_image_volume(option: str, value: object) -> str:
    """Parse ``image_volume``: anonymous (also bind), tmpfs or ignore."""
    text = plain_text(option, value)
    if text not in _IMAGE_VOLUMES:
        raise InvalidOption(option, value, "is not known", remedy="Write anonymous, tmpfs or ignore")
    return _IMAGE_VOLUMES[text]


def parse(option: str, values: Any) -> tuple[str, ...]:
    """Parse ``CONTAINER[:WORDS]`` into canonical form, in order: at the same destination, the last one wins."""
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
            option, value, "is not known", remedy="Write CONTAINER, or CONTAINER:OPTIONS with rw, ro and z"
        )
    if {*_ACCESS} <= {*words}:
        raise InvalidOption(option, value, "has both 'ro' and 'rw'", remedy="Keep one of the two")
    return ":".join([check_name(option, name), *([",".join(words)] if words else [])])


def split(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the container's name (or ID) and the words of a canonical ``CONTAINER[:WORDS]``."""
    name, _colon, words = text.partition(":")
    return name, tuple(words.split(",")) if words else ()


def names(values: tuple[str, ...] | None) -> tuple[str, ...]:
    """Return the names of the containers."""
    return tuple(split(value)[0] for value in values or ())


def taken(mount: Mount, volume: str, words: tuple[str, ...]) -> Mount | None:
    """Return the mount for a container that takes it with ``volumes_from``; None if it is not passed on.

    ``volume`` is the name of the volume that is mounted there. As in podman, only bind mounts and volumes are passed on, but
    not overlays: a container's writes to an overlay are its own. Unlike in podman, the words change only the options that
    they concern, and keep the others.
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
