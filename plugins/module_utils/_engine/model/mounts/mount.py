# SPDX-License-Identifier: GPL-3.0-or-later
"""Say what one mount of a container is, whichever of ``volume``, ``mount`` and ``tmpfs`` the user wrote it in.

What each option word means is in mountwords, how it is written in mountgrammar.
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
#: Kinds that show what is on the host already; the others are a file system of their own.
SHOWN = frozenset({BIND, VOLUME, IMAGE})

PROPAGATIONS = ("rprivate", "private", "shared", "rshared", "slave", "rslave", "unbindable", "runbindable")


class Mount(NamedTuple):
    """One mount of a container.

    ``source`` is a host path (bind), a volume's name ("" for an anonymous one), an image's name, or "". ``options`` are
    sorted words and ``name=value`` pairs, and hold only what differs from the default of the kind.
    """

    kind: str
    source: str
    destination: str
    options: tuple[str, ...] = ()

    @property
    def read_only(self) -> bool:
        """Tell whether nothing can be written there; an image says ``rw`` where it can."""
        if self.kind == IMAGE:
            return "rw" not in self.options
        return "ro" in self.options or self.recursively_read_only

    @property
    def recursively_read_only(self) -> bool:
        """Tell whether what is mounted below the source is read-only too."""
        return "rro" in self.options

    @property
    def propagation(self) -> str:
        """Return what becomes of mounts below it, on either side; as podman says it."""
        usual = "private" if "bind" in self.options else "rprivate"
        return next((word for word in self.options if word in PROPAGATIONS), usual)

    def value(self, name: str) -> Optional[str]:
        """Return the VALUE of the option ``name=VALUE``, "" of the bare word, None where it is not said."""
        found = (word.partition("=") for word in self.options)
        return next((value for key, _equals, value in found if key == name), None)

    def encode(self) -> dict[str, Any]:
        """Return the form that the database stores, without the destination, which is its key."""
        return {"kind": self.kind, "source": self.source, "options": list(self.options)}

    @classmethod
    def decode(cls, destination: str, data: dict[str, Any]) -> Mount:
        """Read the form that the database stores."""
        return cls(data["kind"], data["source"], destination, tuple(data["options"]))
