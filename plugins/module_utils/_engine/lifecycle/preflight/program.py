# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the program of a container as the kernel will: by PATH, in what is mounted, for its user, down to its interpreter.

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

#: What a shell, and podman, returns for a program that can't be found, and for one that can't be run.
NOT_FOUND, NOT_RUNNABLE = 127, 126
#: How often a script's program may be a script (Linux, exec_binprm).
_DEEPEST = 5
_BINFMT = "/proc/sys/fs/binfmt_misc"
_ACL = "system.posix_acl_access"


class NotRunnable(InvalidOption):
    """The container's program can't be run; ``rc`` is what a shell would return for it."""

    def __init__(self, option: str, value: str, why: str, rc: int, remedy: str = "") -> None:
        super().__init__(option, value, why, remedy=remedy)
        self.fields["rc"] = rc


@dataclass(frozen=True)
class Runner:
    """Who runs a program: ids inside, ``overrides``: root's right to pass by modes; ``foreign``: mounts have other ids."""

    uid: int
    gids: frozenset[int]
    overrides: bool
    foreign: bool = False

    def may_pass(self, seen: os.stat_result, in_root: bool) -> bool:  # noqa: FBT001
        """Return whether he may go through a directory."""
        return self.overrides or (self.foreign and not in_root) or self._may_execute(seen)

    def may_run(self, fd: int, *, in_root: bool) -> bool:
        """Return whether he may execute a file; True where an access list decides."""
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
    """One search; ``option`` is the one to name in an error, ``where`` says in what the program is to be.

    ``kernels`` are places where the runtime mounts what only the kernel knows.
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
        """Raise NotRunnable for a program that can't be run; ``path`` is PATH's value.

        Tells whether all of it is where the runtime finds it in any case: in the root file system itself or in the kernel's
        files, and not in a mount or nobody knows where.
        """
        if "/" in program:
            return self.runnable(program, posixpath.join("/", self.cwd, program), 0)
        problem: Optional[NotRunnable] = None
        for place in path.split(":"):
            try:
                return self.runnable(program, posixpath.join("/", self.cwd, place, program), 0)
            except NotRunnable as error:  # noqa: PERF203  (the search goes on, as that of execvp(3))
                problem = error if error.fields["rc"] == NOT_RUNNABLE else problem
        if problem is not None:  # what is there and can't be run is told rather than a miss
            raise problem
        why = f"is in no directory of PATH ({path}) {self.where}"
        raise NotRunnable(self.option, program, why, NOT_FOUND, "Write its whole path, or set PATH by env")

    def runnable(self, program: str, path: str, depth: int) -> bool:
        """Return whether the runtime finds the program in any case; raises NotRunnable for one that is there and can't run."""
        with self.found(program, path, depth) as found:
            if found is None:
                return self.paths.is_shown_by(path, self.kernels)
            what = self.look(program, path, found)
            if not what.interpreter:
                return found.in_root
            inner = posixpath.join("/", self.cwd, what.interpreter)
            if depth >= _DEEPEST:
                raise self.bad(program, f"leads through more than {_DEEPEST} scripts to a program")
            return self.runnable(program, inner, depth + 1) and found.in_root

    @contextmanager
    def found(self, program: str, path: str, depth: int) -> Iterator[Optional[Found]]:
        """Open the file of this path, None where its root can't be looked at; raises NotRunnable."""
        try:
            with self.paths.find(path) as found:
                yield found
        except OSError as error:
            raise self.missing(program, path, depth, error) from None

    def look(self, program: str, path: str, found: Found) -> executable.Executable:
        """Return what the file is; raises NotRunnable for what the kernel does not execute."""
        mode = os.fstat(found.fd).st_mode
        if not stat.S_ISREG(mode):
            raise self.bad(
                program,
                f"leads to {found.path}, which is {'a directory' if stat.S_ISDIR(mode) else 'no file'}",
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
                    f"leads to {path}, which is no program: neither ELF nor a script that begins with #!",
                )
            if not what.runs_on(os.uname().machine):
                raise self.bad(
                    program, f"leads to {path}, which is a program for another processor than this host's"
                )
        return what

    def bad(self, program: str, why: str) -> NotRunnable:
        """Return the error of a program that is there and can't run."""
        return NotRunnable(self.option, program, why, NOT_RUNNABLE)

    def missing(self, program: str, path: str, depth: int, error: OSError) -> NotRunnable:
        """Return the error of a program that was not found."""
        if error.errno == errno.EACCES:
            return self.bad(
                program, f"can't be reached by user {self.runner.uid}: {error.filename} does not let it pass"
            )
        why = os.strerror(error.errno or 0)
        if depth:
            return NotRunnable(
                self.option,
                program,
                f"needs {path!r} to be run, which is not {self.where}: {why}",
                NOT_FOUND,
                "A carriage return at the end of its line #! counts as a part of the name"
                if path.endswith("\r")
                else "",
            )
        remedy = "See what the image has with module container_export, or name another program"
        return NotRunnable(self.option, program, f"is not {self.where}: {why}", NOT_FOUND, remedy)


def _has_handlers() -> bool:
    """Return whether the host has programs that run foreign ones (binfmt_misc), about which nothing is known here."""
    try:
        return any(name not in ("register", "status") for name in os.listdir(_BINFMT))
    except OSError:
        return False
