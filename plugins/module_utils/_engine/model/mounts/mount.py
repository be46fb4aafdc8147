# SPDX-License-Identifier: GPL-3.0-or-later
"""A mount of a container, whether the user wrote it in ``volume``, ``mount`` or ``tmpfs``.

The meaning of the option words is in words.py, their syntax in grammar.py.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Optional

BIND = "bind"
VOLUME = "volume"
TMPFS = "tmpfs"
RAMFS = "ramfs"
DEVPTS = "devpts"
IMAGE = "image"
KINDS = (BIND, VOLUME, TMPFS, RAMFS, DEVPTS, IMAGE)
#: Kinds that show existing files of the host; the others are new file systems.
SHOWN = frozenset({BIND, VOLUME, IMAGE})

PROPAGATIONS = ("rprivate", "private", "shared", "rshared", "slave", "rslave", "unbindable", "runbindable")


class Mount(NamedTuple):
    """A mount of a container.

    ``source`` is a host path (bind), a volume's name ("" if anonymous), an image's name, or "". ``options`` are sorted words
    and ``name=value`` pairs that differ from the defaults of the kind.
    """

    kind: str
    source: str
    destination: str
    options: tuple[str, ...] = ()

    @property
    def read_only(self) -> bool:
        """Return whether the mount is read-only; an image is, unless it has ``rw``."""
        if self.kind == IMAGE:
            return "rw" not in self.options
        return "ro" in self.options or self.recursively_read_only

    @property
    def recursively_read_only(self) -> bool:
        """Return whether submounts are read-only too."""
        return "rro" in self.options

    @property
    def propagation(self) -> str:
        """Return the mount propagation, in podman's words."""
        usual = "private" if "bind" in self.options else "rprivate"
        return next((word for word in self.options if word in PROPAGATIONS), usual)

    def value(self, name: str) -> Optional[str]:
        """Return the VALUE of the option ``name=VALUE``, "" for the word alone, None if the option is not set."""
        found = (word.partition("=") for word in self.options)
        return next((value for key, _equals, value in found if key == name), None)

    def encode(self) -> dict[str, Any]:
        """Return the stored form, without the destination, which is its key."""
        return {"kind": self.kind, "source": self.source, "options": list(self.options)}

    @classmethod
    def decode(cls, destination: str, data: dict[str, Any]) -> Mount:
        """Decode the stored form."""
        return cls(data["kind"], data["source"], destination, tuple(data["options"]))
