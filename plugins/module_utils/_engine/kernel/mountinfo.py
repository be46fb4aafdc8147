# SPDX-License-Identifier: GPL-3.0-or-later
"""Read which mounts this process sees; source: proc_pid_mountinfo(5)."""

from __future__ import annotations

import re
from typing import NamedTuple, Optional

_ESCAPED = re.compile(r"[ \t\n\\]")
_ESCAPE = re.compile(r"\\([0-7]{3})")


class MountEntry(NamedTuple):
    """One mount. Paths have no escapes left; bytes that are no UTF-8 are surrogates, as everywhere in Python.

    ``device`` is ``major:minor``; ``root`` the directory of the file system that is mounted, ``target`` where;
    ``options`` those of the mount, ``super_options`` those of the file system, both joined by commas.
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
    """Return the mounts of a mountinfo text in its order."""
    # Not splitlines(): a name may hold what Unicode takes for the end of a line.
    return tuple(_entry(line) for line in text.split("\n") if line)


def read(having: str = "") -> tuple[MountEntry, ...]:
    """Return the mounts of this process's namespace; ``having``: those whose line has this text.

    A host with a hundred containers has hundreds of mounts, and a start looks dozens of times: no other line is taken apart.
    """
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape", newline="\n") as stream:
        return parse("".join(line for line in stream if having in line))


def at(target: str) -> Optional[MountEntry]:
    """Return the topmost mount on exactly ``target`` (no symlink is followed), or None."""
    stacked = [entry for entry in read(f" {_escaped(target)} ") if entry.target == target]
    # The one below in a stack is the parent of the next. Position alone does not tell: the kernel lists by age, and
    # an old mount may have been moved onto a younger one.
    covered = {entry.parent_id for entry in stacked if entry.parent_id != entry.mount_id}
    return next((entry for entry in reversed(stacked) if entry.mount_id not in covered), None)


def below(path: str) -> tuple[MountEntry, ...]:
    """Return the mounts on ``path`` and below, each before the one that it stands on."""
    everything = read()
    parents = {entry.mount_id: entry.parent_id for entry in everything}
    prefix = path.rstrip("/") + "/"
    found = [entry for entry in reversed(everything) if f"{entry.target.rstrip('/')}/".startswith(prefix)]
    return tuple(sorted(found, key=lambda entry: -_depth(entry.mount_id, parents)))


def _depth(mount_id: int, parents: dict[int, int]) -> int:
    """Count the mounts that a mount stands on."""
    depth = 0
    # The topmost names a parent that is not listed (it lies outside a chroot), or itself.
    while mount_id in parents and parents[mount_id] != mount_id:
        mount_id = parents[mount_id]
        depth += 1
    return depth


def _escaped(path: str) -> str:
    """Return a path as the kernel writes it there (fs/proc_namespace.c, show_mountinfo)."""
    return _ESCAPED.sub(lambda found: f"\\{ord(found[0]):03o}", path)


def _entry(line: str) -> MountEntry:
    # Any number of tags (shared:1 ...) ends with a lone dash.
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
