# SPDX-License-Identifier: GPL-3.0-or-later
"""Read /proc/self/mountinfo (proc_pid_mountinfo(5))."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ESCAPE = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True)
class MountEntry:
    """One line of mountinfo; paths are unescaped, options as the kernel prints them."""

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
    """Return the entries in the kernel's order: a later mount on the same target hides an earlier one."""
    return tuple(_entry(line) for line in text.splitlines() if line)


def _entry(line: str) -> MountEntry:
    left, _dash, right = line.partition(" - ")
    mount_id, parent_id, device, root, target, options = left.split(" ")[:6]
    fstype, source, super_options = (right.split(" ") + ["", ""])[:3]
    return MountEntry(
        int(mount_id), int(parent_id), device, _plain(root), _plain(target), options, fstype, _plain(source), super_options
    )


def _plain(text: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), text)


def read() -> tuple[MountEntry, ...]:
    """Return the mounts of this process's namespace."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as stream:
        return parse(stream.read())


def at(target: str) -> MountEntry | None:
    """Return the topmost mount on exactly this target."""
    found = [entry for entry in read() if entry.target == target]
    return found[-1] if found else None


def below(path: str) -> tuple[MountEntry, ...]:
    """Return the mounts on and below the path, those to be unmounted first coming first."""
    prefix = path.rstrip("/") + "/"
    return tuple(entry for entry in reversed(read()) if entry.target == path or entry.target.startswith(prefix))
