# SPDX-License-Identifier: GPL-3.0-or-later
"""Install the engine below its root, with the program ``slipway``: the same files, the same directory.

conmon runs the program at a container's exit; users run it on the host. It is a directory of files with their bytecode and a
launcher, not a zip that is compiled at each call, because it is started at every exit.
"""

from __future__ import annotations

import fcntl
import os
import py_compile
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress

from .. import archive
from ..kernel import libc
from ..kernel.files import directory, make_private, usual_umask
from ..kernel.removal import remove_tree
from ..lifecycle.core.engine import Engine
from ..lifecycle.host.run_root import recorded
from ..model.engine.layout import Layout
from ..model.engine.places import DEFAULT_ROOT
from ..version import VERSION
from . import sources

#: The command for users; only the engine at the default root installs it, so tests never touch it.
COMMAND = "/usr/local/bin/slipway"
#: Everything below an engine's root is accessible to root only: a symlink could report only "Permission denied" to other users.
_COMMAND_TEXT = """#!/bin/sh
# The container engine of the Ansible collection slipway.oci.
program={program}
[ -x "$program" ] && exec "$program" "$@"
if [ "$(id -u)" -eq 0 ]; then
    echo "slipway: $program is gone. Run a task of slipway.oci to install it again" >&2
else
    echo "slipway: the engine needs root. Run it with sudo" >&2
fi
exit 125
"""
#: The lock keeps a newer version, which replaces this one, from removing the files of a running process. If they were
#: removed before, the version at the link runs; if the link leads to this file again, as in a moved root, there is none.
_LAUNCHER = """#!{python} -IS
# slipway {version}: the container engine of the Ansible collection slipway.oci.
import fcntl
import os
import sys

if sys.version_info < (3, 9):
    sys.stderr.write("slipway: needs Python 3.9 or newer, and " + sys.executable + " is older\\n")
    sys.exit(125)
try:
    fcntl.flock(os.open({home!r}, os.O_RDONLY | os.O_CLOEXEC), fcntl.LOCK_SH)
    os.stat({home!r})
except FileNotFoundError:
    newer = os.path.realpath({program!r})
    if newer == os.path.realpath(__file__) or not os.path.exists(newer):
        sys.stderr.write("slipway: " + {home!r} + " is gone. Run a task of slipway.oci to install it again\\n")
        sys.exit(125)
    os.execv(newer, [newer, *sys.argv[1:]])
sys.path.insert(0, {home!r})
from {package}._engine.agent.main import main  # noqa: E402

sys.exit(main(sys.argv[1:], root={root!r}, run_root={run_root!r}))
"""
_LINK = "current"


def exit_command(engine: Engine, *, keep: bool) -> tuple[str, ...]:
    """Install the agent if necessary; return the cleanup command for containers, without the id."""
    with engine.timings.of("install_agent"):
        program = install(engine.layout)
    return (program, "cleanup", "--keep") if keep else (program, "cleanup")


def exec_exit_command(engine: Engine) -> tuple[str, ...]:
    """Return the command that cleans up a detached exec session (session and container ids follow)."""
    return (*exit_command(engine, keep=False), "--exec")


def install(layout: Layout) -> str:
    """Install this engine if necessary; return the program's path, which survives upgrades."""
    home = _home(layout)
    launcher = _launcher(layout, home)
    if not _is_current(layout, home, launcher):
        make_private(layout.agent)
        with _locked(layout):
            if not os.path.isdir(home):
                _place(layout, home, launcher)
            elif not _has_text(f"{home}/slipway", launcher):  # another run root, or another Python
                _replace(f"{home}/slipway", launcher.encode(), 0o700, by=_new(layout))
            _link(layout, os.path.basename(home))
            _remove_others(layout.agent, os.path.basename(home))
    if layout.root == DEFAULT_ROOT:
        offer(layout.agent_program, COMMAND)
    return layout.agent_program


def deliver(root: str, run_root: str) -> str:
    """Install this engine, which runs from an archive; return the directory to import it from.

    ``run_root``: the program's default run root, unless the root records the one last used with it.
    """
    usual_umask()
    layout = Layout(root, recorded(root) or run_root)
    install(layout)
    return _home(layout)


def offer(program: str, place: str) -> None:
    """Install a command for users that runs the program; a file of any other origin is not replaced."""
    if os.path.lexists(place) and not (os.path.islink(place) and os.readlink(place) == program):
        return
    text = _COMMAND_TEXT.format(program=shlex.quote(program))
    _replace(place, text.encode(), 0o755, by=f"{place}.{os.urandom(4).hex()}")


def _home(layout: Layout) -> str:
    """Return this engine's directory below a root: the one it runs from, if it is installed there."""
    installed = sources.installed()
    if os.path.dirname(installed) == os.path.realpath(layout.agent):
        return f"{layout.agent}/{os.path.basename(installed)}"
    return f"{layout.agent}/{sources.name()}"


def _launcher(layout: Layout, home: str) -> str:
    # Not the interpreter of a virtual environment, which may be removed while the host's stays.
    python = getattr(sys, "_base_executable", sys.executable)
    return _LAUNCHER.format(
        python=python,
        version=VERSION,
        home=home,
        program=layout.agent_program,
        package=archive.PACKAGE,
        root=layout.root,
        run_root=layout.run_root,
    )


def _is_current(layout: Layout, home: str, launcher: str) -> bool:
    try:
        linked = os.readlink(f"{layout.agent}/{_LINK}") == os.path.basename(home)
    except OSError:
        return False
    return linked and _has_text(f"{home}/slipway", launcher)


def _has_text(path: str, text: str) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read() == text.encode()
    except FileNotFoundError:
        return False


def _new(layout: Layout) -> str:
    """Return a temporary path to rename from; leftovers are removed by the next installation."""
    return f"{layout.agent}/.new-{os.urandom(8).hex()}"


@contextmanager
def _locked(layout: Layout) -> Iterator[None]:
    """Hold the installation lock; the kernel releases it however this process ends."""
    with directory(layout.agent) as fd:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield


def _place(layout: Layout, home: str, launcher: str) -> None:
    """Write all files to a staging directory, then rename it: after a power loss it is whole or absent."""
    stage = _new(layout)
    make_private(stage)
    try:
        _write_all(sources.files(), stage, home)
        _write(f"{stage}/slipway", launcher.encode(), 0o700)
        with directory(stage) as fd:
            libc.syncfs(fd)  # one call, instead of an fsync of each of several hundred files
        os.rename(stage, home)
    finally:
        remove_tree(stage)


def _write_all(files: Mapping[str, bytes], stage: str, home: str) -> None:
    for path, content in {"__init__.py": b"", **files}.items():
        below = f"{archive.PACKAGE}/{path}"
        _write(f"{stage}/{below}", content, 0o600)
        if path.endswith(".py"):
            py_compile.compile(
                f"{stage}/{below}",
                dfile=f"{home}/{below}",
                doraise=True,
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            )


def _write(path: str, content: bytes, mode: int, *, durable: bool = False) -> None:
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "wb") as stream:
        stream.write(content)
        if durable:
            stream.flush()
            os.fsync(stream.fileno())


def _replace(path: str, content: bytes, mode: int, *, by: str) -> None:
    """Replace a file durably: write the temporary path ``by``, then rename."""
    _write(by, content, mode, durable=True)
    os.replace(by, path)


def _link(layout: Layout, target: str) -> None:
    temporary = _new(layout)
    os.symlink(target, temporary)
    os.replace(temporary, f"{layout.agent}/{_LINK}")


def _remove_others(top: str, kept: str) -> None:
    """Remove leftovers and engines that no process runs from. conmon only knows the link."""
    for entry in os.listdir(top):
        if entry not in (kept, _LINK):
            with suppress(BlockingIOError), _unused(f"{top}/{entry}"):
                remove_tree(f"{top}/{entry}")


@contextmanager
def _unused(path: str) -> Iterator[None]:
    """Lock a directory so that no process starts from it; raises BlockingIOError if one runs from it."""
    with ExitStack() as stack:
        with suppress(FileNotFoundError, NotADirectoryError):
            fcntl.flock(stack.enter_context(directory(path)), fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
