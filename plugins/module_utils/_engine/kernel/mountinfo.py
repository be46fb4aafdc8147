# SPDX-License-Identifier: GPL-3.0-or-later
"""List the mounts that this process sees; source: proc_pid_mountinfo(5)."""

from __future__ import annotations

import re
from typing import NamedTuple, Optional

_ESCAPED = re.compile(r"[ \t\n\\]")
_ESCAPE = re.compile(r"\\([0-7]{3})")


class MountEntry(NamedTuple):
    """One mount.

    Paths are unescaped; bytes that are not UTF-8 are surrogates, as everywhere in Python. ``device`` is
    ``major:minor``; ``root`` is the directory of the file system that is mounted, ``target`` the mount point;
    ``options`` are the mount's, ``super_options`` the file system's, both comma-separated.
    """

    mount_id: int
    parent_id: int
    device: str
    root: str
    target: str
    options: str
    fstype: str
    source: str
    super_options: str


def parse(text: str) -> tuple[MountEntry, ...]:
    """Return the mounts of a mountinfo text, in its order."""
    # Not splitlines(): a name may contain Unicode line separators.
    return tuple(_entry(line) for line in text.split("\n") if line)


def read(having: str = "") -> tuple[MountEntry, ...]:
    """Return the mounts of this process's namespace, only those whose line contains ``having``.

    Other lines are not parsed: a host with a hundred containers has hundreds of mounts, and a start calls
    this dozens of times.
    """
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape", newline="\n") as stream:
        return parse("".join(line for line in stream if having in line))


def at(target: str) -> Optional[MountEntry]:
    """Return the topmost mount on exactly ``target``, without following symlinks, or None."""
    stacked = [entry for entry in read(f" {_escaped(target)} ") if entry.target == target]
    # In a stack, the lower mount is the parent of the next. The position does not show that: the kernel lists
    # mounts by age, and an old mount may have been moved onto a younger one.
    covered = {entry.parent_id for entry in stacked if entry.parent_id != entry.mount_id}
    return next((entry for entry in reversed(stacked) if entry.mount_id not in covered), None)


def below(path: str) -> tuple[MountEntry, ...]:
    """Return the mounts on ``path`` and below, each before the mount that it is on."""
    everything = read()
    parents = {entry.mount_id: entry.parent_id for entry in everything}
    prefix = path.rstrip("/") + "/"
    found = [entry for entry in reversed(everything) if f"{entry.target.rstrip('/')}/".startswith(prefix)]
    return tuple(sorted(found, key=lambda entry: -_depth(entry.mount_id, parents)))


def _depth(mount_id: int, parents: dict[int, int]) -> int:
    """Return the number of mounts below a mount."""
    depth = 0
    # The root mount's parent is not listed (it is outside of the chroot), or is itself.
    while mount_id in parents and parents[mount_id] != mount_id:
        mount_id = parents[mount_id]
        depth += 1
    return depth


def _escaped(path: str) -> str:
    """Return a path escaped as in mountinfo (fs/proc_namespace.c, show_mountinfo)."""
    return _ESCAPED.sub(lambda found: f"\\{ord(found[0]):03o}", path)


def _entry(line: str) -> MountEntry:
    # A single dash ends the tags (shared:1 ...), of which there may be any number.
    left, _ignored, right = line.partition(" - ")
    mount_id, parent_id, device, root, target, options = left.split(" ")[:6]
    fstype, source, super_options = right.split(" ", 2)
    return MountEntry(
        int(mount_id),
        int(parent_id),
        device,
        _plain(root),
        _plain(target),
        options,
        fstype,
        _plain(source),
        _plain(super_options),
    )


def _plain(text: str) -> str:
    return _ESCAPE.sub(lambda found: chr(int(found[1], 8)), text)
