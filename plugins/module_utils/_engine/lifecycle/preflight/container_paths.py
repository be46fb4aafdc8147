# SPDX-License-Identifier: GPL-3.0-or-later
"""Path lookup as a container will see it once started: in its root file system and the mounts over it."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import MappingProxyType
from typing import NamedTuple, Optional

from ...kernel.files import held
from ...kernel.inroot import open_in_root

#: MAXSYMLINKS of the kernel, for the whole path.
_SYMLINKS = 40
#: In place of a descriptor: a mount whose content is unknown before the start.
UNKNOWN = -1
_LOOK = os.O_PATH | os.O_NOFOLLOW


class Found(NamedTuple):
    """A file in the container: resolved path, descriptor (O_PATH), and whether it is outside all mounts."""

    path: str
    fd: int
    in_root: bool


class Paths:
    """The container's files.

    ``mounts`` maps destinations to descriptors, or to UNKNOWN; none is closed here. ``may_pass`` returns whether the
    container's user may traverse a directory; its second argument is ``in_root`` of Found. ``executes`` maps the
    destination of each mount, also of one that starts with the root's content, to whether its files can be executed.
    """

    def __init__(
        self,
        root: int,
        mounts: Mapping[str, int],
        may_pass: Callable[[os.stat_result, bool], bool] = lambda _seen, _in_root: True,
        executes: Mapping[str, bool] = MappingProxyType({}),
    ) -> None:
        self._root = root
        self._mounts: dict[str, int] = {}
        self._may_pass = may_pass
        # Upper mounts come first, so a destination inside one is resolved by that mount's content.
        for destination, fd in sorted(mounts.items(), key=lambda item: item[0].count("/")):
            self._mounts[self.landing(destination)] = fd
        self._executes = {self.landing(destination): does for destination, does in executes.items()}

    def may_execute(self, found: Found) -> bool:
        """Return whether the file is outside all noexec mounts: those of the task and those of the host."""
        top = _top(found.path, self._executes)
        by_host = os.fstatvfs(found.fd).f_flag & os.ST_NOEXEC
        return not by_host and (top is None or self._executes[top])

    def is_shown_by(self, path: str, destinations: Collection[str]) -> bool:
        """Return whether the innermost mount that contains the path is one of ``destinations``."""
        return _top(path, self._mounts) in destinations

    def landing(self, path: str) -> str:
        """Return where a path leads, following symlinks as far as its components exist."""
        names = path.split("/")
        for end in range(len(names), 0, -1):
            try:
                with self.find("/".join(names[:end]) or "/") as found:
                    if found is None:
                        return path
                    return "/".join((found.path.rstrip("/"), *names[end:])) or "/"
            except OSError:  # noqa: PERF203  (a parent may exist)
                continue
        return path

    @contextmanager
    def find(self, path: str) -> Iterator[Optional[Found]]:
        """Yield what the absolute path leads to, symlinks followed; None if that is unknown before the start.

        Raises OSError as the kernel would: ENOENT, ENOTDIR, ELOOP, EACCES.
        """
        with ExitStack() as stack:
            yield self._walk(path, stack)

    def _walk(self, path: str, stack: ExitStack) -> Optional[Found]:
        at: list[str] = []
        names = path.split("/")[::-1]
        found: Optional[Found] = self._open("/", stack)
        links = 0
        while names and found is not None:
            name = names.pop()
            if name in ("", "."):
                continue
            self._check_passable(found, path)
            at = at[:-1] if name == ".." else [*at, name]
            found = self._open("/" + "/".join(at), stack)
            while found is None and names and self._leads_on(at, names):
                at.append(names.pop())
                found = self._open("/" + "/".join(at), stack)
            if found is not None and stat.S_ISLNK(os.fstat(found.fd).st_mode):
                links += 1
                if links > _SYMLINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
                target = os.readlink("", dir_fd=found.fd)
                at = [] if target.startswith("/") else at[:-1]
                names += target.split("/")[::-1]
                found = self._open("/" + "/".join(at), stack)
        return found

    def _leads_on(self, at: list[str], names: list[str]) -> bool:
        """Return whether a known mount covers a lower part of the path, below an unknown one."""
        way = "/" + "/".join((*at, *names[::-1]))
        top = _top(way, self._mounts)
        return top is not None and self._mounts[top] != UNKNOWN and len(top) > len("/" + "/".join(at))

    def _check_passable(self, found: Found, path: str) -> None:
        seen = os.fstat(found.fd)
        if not stat.S_ISDIR(seen.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
        if not self._may_pass(seen, found.in_root):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), found.path)

    def _open(self, path: str, stack: ExitStack) -> Optional[Found]:
        """Open a path without symlinks in the mount that contains it; return None for an unknown mount."""
        top = _top(path, self._mounts)
        if top is None:
            fd = open_in_root(self._root, path, _LOOK)
            return Found(path, stack.enter_context(held(fd)), in_root=True)
        source, below = self._mounts[top], path[len(top.rstrip("/")) :].strip("/")
        if source == UNKNOWN:
            return None
        fd = open_in_root(source, below, _LOOK) if below else os.dup(source)
        return Found(path, stack.enter_context(held(fd)), in_root=False)


def _top(path: str, mounts: Iterable[str]) -> Optional[str]:
    """Return the innermost mount that contains the path."""
    tops = [top for top in mounts if path == top or path.startswith(f"{top.rstrip('/')}/")]
    return max(tops, key=len, default=None)
