# SPDX-License-Identifier: GPL-3.0-or-later
"""The parsed options of a volume's driver (grammar.py): what is mounted, and how, or the limits of a plain directory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Optional

BIND, TMPFS, OVERLAY = "bind", "tmpfs", "overlay"
#: Default timeout of a mount in seconds: by itself, mount.nfs retries for minutes, or indefinitely.
TIMEOUT = 30
#: Words of ``o`` that mount(8) does not know, or that not every file system knows.
OWN_WORDS = ("uid", "gid", "mode", "size", "inodes", "timeout")

#: File systems that lose their content when they are unmounted.
IN_MEMORY = ("tmpfs", "ramfs")
#: File systems whose server may fail to answer.
NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "ceph", "glusterfs", "9p", "lustre"})
#: File systems that take the owner of their root, or of all files, as mount options.
_OWNER_BY_MOUNT = frozenset(
    "tmpfs ramfs vfat msdos exfat ntfs ntfs3 cifs smb3 iso9660 udf hfs hfsplus".split()
)


class DriverOptions(NamedTuple):
    """Options of a volume in canonical form.

    ``type``: type of the volume's own file system, "" for a plain directory. ``words`` are passed to mount(8). ``uid``, ``gid``
    and ``mode`` apply to the volume's root; None is unset. ``size`` and ``inodes`` are the quota of a plain directory.
    """

    type: str = ""
    device: str = ""
    words: tuple[str, ...] = ()
    uid: Optional[int] = None
    gid: Optional[int] = None
    mode: Optional[int] = None
    size: Optional[int] = None
    inodes: Optional[int] = None
    timeout: int = TIMEOUT
    copy: bool = True

    @property
    def is_mounted_apart(self) -> bool:
        """Return whether the volume has its own file system, which must be mounted before use."""
        return bool(self.type)

    @property
    def is_network(self) -> bool:
        """Return whether calls may block because a server does not answer."""
        return self.type in NETWORK or self.type.startswith("fuse")

    @property
    def has_quota(self) -> bool:
        """Return whether bytes or inodes are limited."""
        return self.size is not None or self.inodes is not None

    @property
    def mount_words(self) -> tuple[str, ...]:
        """Return all words for mount(8), including owner and mode for file systems that take them as mount options."""
        owner = [("uid", self.uid), ("gid", self.gid)] if self.type in _OWNER_BY_MOUNT else []
        mode = [f"mode={self.mode:o}"] if self.type == TMPFS and self.mode is not None else []
        owned = [f"{name}={value}" for name, value in owner if value is not None]
        kind = [BIND] if self.type == BIND and "rbind" not in self.words else []
        return (*kind, *self.words, *owned, *mode)

    def words_for_inspect(self) -> tuple[str, ...]:
        """Return all words of ``o`` as a user writes them."""
        own = [(name, getattr(self, name)) for name in OWN_WORDS if name not in ("mode", "timeout")]
        mode = [f"mode={self.mode:04o}"] if self.mode is not None else []
        timeout = [f"timeout={self.timeout}"] if self.timeout != TIMEOUT else []
        return (
            *self.words,
            *(f"{name}={value}" for name, value in own if value is not None),
            *mode,
            *timeout,
        )

    def encode(self) -> dict[str, str]:
        """Return the stored form: strings, and only options that are set."""
        texts = {
            "type": self.type,
            "device": self.device,
            "o": ",".join(self.words),
            **{name: _text(getattr(self, name)) for name in ("uid", "gid", "size", "inodes")},
            "mode": "" if self.mode is None else f"{self.mode:04o}",
            "timeout": "" if self.timeout == TIMEOUT else str(self.timeout),
            "copy": "" if self.copy else "false",
        }
        return {name: text for name, text in texts.items() if text}

    @classmethod
    def decode(cls, data: Mapping[str, str]) -> DriverOptions:
        """Decode the stored form."""
        numbers = {
            name: int(data[name]) for name in ("uid", "gid", "size", "inodes", "timeout") if name in data
        }
        return cls(
            type=data.get("type", ""),
            device=data.get("device", ""),
            words=tuple(data["o"].split(",")) if data.get("o") else (),
            mode=int(data["mode"], 8) if "mode" in data else None,
            copy="copy" not in data,
            **numbers,
        )


def _text(value: object) -> str:
    return "" if value is None else str(value)


def layers(options: DriverOptions) -> dict[str, list[str]]:
    """Return the directories of an overlay, by word."""
    pairs = (word.partition("=") for word in options.words)
    found = {name: value for name, _equals, value in pairs if name in ("lowerdir", "upperdir", "workdir")}
    return {name: value.split(":") if name == "lowerdir" else [value] for name, value in found.items()}
