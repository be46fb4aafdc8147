# SPDX-License-Identifier: GPL-3.0-or-later
"""Leave the engine on the host as one program, ``slipway``: same code, same bytes.

conmon calls it when a container has ended, and a person on the host can. It is a directory of sources with their
bytecode beside a launcher, not a zip that compiles itself at each call: it is started at every exit.
"""

from __future__ import annotations

import errno
import hashlib
import os
import py_compile
import shlex
import sys
from collections.abc import Mapping

from ..errors import EngineError
from ..kernel import libc
from ..kernel.files import directory, make_private
from ..kernel.removal import remove_tree
from ..lifecycle.core.engine import Engine
from ..model.engine.layout import Layout
from ..model.engine.places import DEFAULT_ROOT
from ..version import VERSION
from . import main as _main  # noqa: F401  so that the agent's modules travel with whatever installs it
from . import sources
from .manifest import MODULES
from .sources import Sum

#: Where a person finds it; only the engine at the default root is offered there, so tests never touch it.
COMMAND = "/usr/local/bin/slipway"
#: All below an engine's root is root's alone, so that a link would tell anybody else "Permission denied" at most.
_COMMAND_TEXT = """#!/bin/sh
# The container engine of the Ansible collection slipway.oci.
program={program}
[ -x "$program" ] && exec "$program" "$@"
if [ "$(id -u)" -eq 0 ]; then
    echo "slipway: $program is gone. A task of slipway.oci.container brings it back" >&2
else
    echo "slipway: the engine needs root. Write sudo before it" >&2
fi
exit 125
"""
_LAUNCHER = """#!{python} -IS
# slipway {version}: the container engine of the Ansible collection slipway.oci.
import sys

if sys.version_info < (3, 9):
    sys.stderr.write("slipway: needs Python 3.9 or newer, and " + sys.executable + " is older\\n")
    sys.exit(125)
sys.dont_write_bytecode = True
sys.path.insert(0, {home!r})
from _engine.agent.main import main  # noqa: E402

sys.exit(main(sys.argv[1:], root={root!r}, run_root={run_root!r}))
"""


def exit_command(engine: Engine, *, keep: bool) -> tuple[str, ...]:
    """Install the agent if it is not there, and return the command that cleans up after a container (its id follows)."""
    with engine.timings.of("install_agent"):
        program = install(engine.layout)
    return (program, "cleanup", "--keep") if keep else (program, "cleanup")


def exec_exit_command(engine: Engine) -> tuple[str, ...]:
    """Return the command that clears away a detached exec that has ended (session and container follow)."""
    return (*exit_command(engine, keep=False), "--exec")


def install(layout: Layout) -> str:
    """Install the agent unless these very bytes are there, and return the program's path, which stays over upgrades."""
    known = sources.sums(MODULES)
    home = f"{layout.agent}/{VERSION}-{_digest(known, layout)}"
    current = f"{layout.agent}/current"
    if not os.path.isdir(home):
        _place(known, layout, home)
    if not os.path.islink(current) or os.readlink(current) != os.path.basename(home):
        _link(os.path.basename(home), current)
        _remove_others(layout.agent, os.path.basename(home))
    if layout.root == DEFAULT_ROOT:
        offer(f"{current}/slipway", COMMAND)
    return f"{current}/slipway"


def offer(program: str, place: str) -> None:
    """Leave a command for people that runs the program; what somebody else has put there stays."""
    if os.path.lexists(place) and not (os.path.islink(place) and os.readlink(place) == program):
        return
    temporary = f"{place}.{os.urandom(4).hex()}"
    _write(temporary, _COMMAND_TEXT.format(program=shlex.quote(program)).encode(), 0o755)
    os.replace(temporary, place)


def _digest(known: Mapping[str, Sum], layout: Layout) -> str:
    text = f"{_launcher(layout, '')}\0{sources.encode(known)}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _launcher(layout: Layout, home: str) -> str:
    # Not the interpreter of a virtual environment: it may go while the host's stays.
    python = getattr(sys, "_base_executable", sys.executable)
    return _LAUNCHER.format(
        python=python, version=VERSION, home=home, root=layout.root, run_root=layout.run_root
    )


def _place(known: Mapping[str, Sum], layout: Layout, home: str) -> None:
    """Write everything beside its place, then rename: whoever finds the directory finds it whole, also after a power cut."""
    make_private(layout.agent)
    stage = f"{layout.agent}/.new-{os.urandom(8).hex()}"
    try:
        for path, source in _texts().items():
            _write(f"{stage}/{path}", source, 0o600)
            py_compile.compile(
                f"{stage}/{path}",
                dfile=f"{home}/{path}",
                doraise=True,
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            )
        _write(f"{stage}/{sources.LIST}", sources.encode(known).encode(), 0o600)
        _write(f"{stage}/slipway", _launcher(layout, home).encode(), 0o700)
        with directory(stage) as fd:
            libc.syncfs(fd)  # one, not a sync of each of some hundred files
        os.rename(stage, home)
    except OSError:
        if not os.path.isdir(home):  # else another task was faster, with the same bytes
            raise
    finally:
        remove_tree(stage)


def _texts() -> dict[str, bytes]:
    """Return the source of each module by its path."""
    try:
        return {f"_engine/{sources.file_of(name)}": sources.read(name) for name in MODULES}
    except OSError as error:
        raise EngineError(
            f"the module came without a part of the engine: {error}",
            remedy="This is a fault of slipway.oci: please report it",
        ) from error


def _write(path: str, content: bytes, mode: int) -> None:
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "wb") as stream:
        stream.write(content)


def _link(target: str, path: str) -> None:
    temporary = f"{path}.{os.urandom(4).hex()}"
    os.symlink(target, temporary)
    os.replace(temporary, path)


def _remove_others(top: str, kept: str) -> None:
    for entry in os.listdir(top):
        if entry not in (kept, "current"):
            try:
                remove_tree(f"{top}/{entry}")
            except OSError as error:
                # Another task writes it at this moment; it will find the agent in its place, and remove its own.
                if error.errno != errno.ENOTEMPTY:
                    raise
