# SPDX-License-Identifier: GPL-3.0-or-later
"""Lookup of a container's program as the kernel does it.

By PATH, through the mounts, with the rights of the container's user, and down to the interpreter.
Sources: execve(2), execvp(3), path_resolution(7).
"""

from __future__ import annotations

import errno
import os
import posixpath
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Optional

from ...errors import InvalidOption
from ...frozen import dataclass
from ...model.container import executable
from .container_paths import Found, Paths

#: Exit status of a shell, and of podman, for a program that can't be found, and for one that can't be run.
NOT_FOUND, NOT_RUNNABLE = 127, 126
#: How deep interpreters that are scripts may be nested (Linux, exec_binprm).
_DEEPEST = 5
_BINFMT = "/proc/sys/fs/binfmt_misc"
_ACL = "system.posix_acl_access"


class NotRunnable(InvalidOption):
    """The container's program can't be run; ``rc`` is the exit status that a shell would return for it."""

    def __init__(self, option: str, value: str, why: str, rc: int, remedy: str = "") -> None:
        super().__init__(option, value, why, remedy=remedy)
        self.fields["rc"] = rc


@dataclass(frozen=True)
class Runner:
    """The credentials that run a program: ids inside the container, and two flags.

    ``overrides``: root's capability to ignore modes. ``foreign``: the ids of mounts are not those inside.
    """

    uid: int
    gids: frozenset[int]
    overrides: bool
    foreign: bool = False

    def may_pass(self, seen: os.stat_result, in_root: bool) -> bool:  # noqa: FBT001
        """Return whether the runner may traverse a directory."""
        return self.overrides or (self.foreign and not in_root) or self._may_execute(seen)

    def may_run(self, fd: int, *, in_root: bool) -> bool:
        """Return whether the runner may execute a file; True where an ACL decides."""
        seen = os.fstat(fd)
        if self.overrides or (self.foreign and not in_root):
            return bool(seen.st_mode & 0o111)
        return self._may_execute(seen) or _has_acl(fd)

    def _may_execute(self, seen: os.stat_result) -> bool:
        if seen.st_uid == self.uid:
            return bool(seen.st_mode & stat.S_IXUSR)
        return bool(seen.st_mode & (stat.S_IXGRP if seen.st_gid in self.gids else stat.S_IXOTH))


def _has_acl(fd: int) -> bool:
    try:
        return _ACL in os.listxattr(f"/proc/self/fd/{fd}")
    except OSError:
        return False


class Search:
    """One search for a program.

    ``option`` and ``where`` (such as "in the container") are for the errors. ``kernels`` are the mount points of the
    kernel's own file systems, whose content is unknown before the start.
    """

    def __init__(
        self,
        paths: Paths,
        runner: Runner,
        *,
        cwd: str,
        option: str,
        where: str,
        kernels: Collection[str] = (),
    ) -> None:
        self.paths = paths
        self.runner = runner
        self.cwd = cwd
        self.option = option
        self.where = where
        self.kernels = kernels

    def check(self, program: str, path: str) -> bool:
        """Check that the program can be run; ``path`` is PATH's value. Raises NotRunnable.

        Returns whether the runtime certainly finds it and its interpreters: they are in the root file system itself or in
        the kernel's file systems, not in another mount or somewhere unknown.
        """
        if "/" in program:
            return self.runnable(program, posixpath.join("/", self.cwd, program), 0)
        problem: Optional[NotRunnable] = None
        for place in path.split(":"):
            try:
                return self.runnable(program, posixpath.join("/", self.cwd, place, program), 0)
            except NotRunnable as error:  # noqa: PERF203  (continue with the next directory, as execvp(3))
                problem = error if error.fields["rc"] == NOT_RUNNABLE else problem
        if problem is not None:  # a program that exists and can't be run is reported before a missing one
            raise problem
        why = f"is not in PATH ({path}) {self.where}"
        raise NotRunnable(self.option, program, why, NOT_FOUND, "Give its full path, or set PATH in env")

    def runnable(self, program: str, path: str, depth: int) -> bool:
        """Return whether the runtime certainly finds the program. Raises NotRunnable if it can't be run."""
        with self.found(program, path, depth) as found:
            if found is None:
                return self.paths.is_shown_by(path, self.kernels)
            what = self.look(program, path, found)
            if not what.interpreter:
                return found.in_root
            inner = posixpath.join("/", self.cwd, what.interpreter)
            if depth >= _DEEPEST:
                raise self.bad(program, f"needs more than {_DEEPEST} nested script interpreters")
            return self.runnable(program, inner, depth + 1) and found.in_root

    @contextmanager
    def found(self, program: str, path: str, depth: int) -> Iterator[Optional[Found]]:
        """Yield the file at the path, None where it is unknown before the start. Raises NotRunnable."""
        try:
            with self.paths.find(path) as found:
                yield found
        except OSError as error:
            raise self.missing(program, path, depth, error) from None

    def look(self, program: str, path: str, found: Found) -> executable.Executable:
        """Return the file's kind of executable. Raises NotRunnable if the kernel does not execute it."""
        mode = os.fstat(found.fd).st_mode
        if not stat.S_ISREG(mode):
            raise self.bad(
                program,
                f"leads to {found.path}, which is {'a directory' if stat.S_ISDIR(mode) else 'not a regular file'}",
            )
        if not self.runner.may_run(found.fd, in_root=found.in_root):
            who = f"user {self.runner.uid}"
            raise self.bad(
                program, f"leads to {path}, which {who} may not execute (mode {stat.S_IMODE(mode):04o})"
            )
        if not self.paths.may_execute(found):
            raise self.bad(program, f"leads to {found.path}, which is mounted with noexec")
        with open(f"/proc/self/fd/{found.fd}", "rb") as stream:
            what = executable.parse(stream.read(executable.HEAD))
        if not _has_handlers():
            if what.kind == executable.UNKNOWN:
                raise self.bad(
                    program,
                    f"leads to {path}, which is not a program: neither ELF nor a script that starts with #!",
                )
            if not what.runs_on(os.uname().machine):
                raise self.bad(
                    program, f"leads to {path}, which is a program for another architecture than this host's"
                )
        return what

    def bad(self, program: str, why: str) -> NotRunnable:
        """Return the error for a program that exists and can't be run."""
        return NotRunnable(self.option, program, why, NOT_RUNNABLE)

    def missing(self, program: str, path: str, depth: int, error: OSError) -> NotRunnable:
        """Return the error for a program that was not found."""
        if error.errno == errno.EACCES:
            return self.bad(
                program, f"can't be reached by user {self.runner.uid}, who may not traverse {error.filename}"
            )
        why = os.strerror(error.errno or 0)
        if depth:
            return NotRunnable(
                self.option,
                program,
                f"needs {path!r}, which is not {self.where}: {why}",
                NOT_FOUND,
                "Remove the carriage return at the end of its #! line, which counts as part of the name"
                if path.endswith("\r")
                else "",
            )
        remedy = "List the image's files with module container_export, or name another program"
        return NotRunnable(self.option, program, f"is not {self.where}: {why}", NOT_FOUND, remedy)


def _has_handlers() -> bool:
    """Return whether the host has handlers of binfmt_misc: which formats they run is unknown here."""
    try:
        return any(name not in ("register", "status") for name in os.listdir(_BINFMT))
    except OSError:
        return False
