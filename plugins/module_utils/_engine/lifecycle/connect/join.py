# SPDX-License-Identifier: GPL-3.0-or-later
"""Join a running container quickly: the connection plugin does this for each command of a play.

The usual case is looked up, and checked against the kernel, in a millisecond. Anything unusual (a prefix of an id, an
outdated record, the first call after a boot) takes the slower path of all verbs, which corrects it or reports what is
wrong. Such a command has no recorded session: it leaves no file.
"""

from __future__ import annotations

import os

from ...errors import NotFound, WrongState
from ...kernel import procstat
from ...kernel.boot import is_marked
from ...model.container.execution import ExecSpec
from ...runtime.config import exec_process
from ...state import running
from ..core.process_spec import own_process

TYPE_CHECKING = False
if TYPE_CHECKING:  # `slipway connect` runs at each command of a play
    from typing import Any

    from ...model.engine.layout import Layout
    from ...runtime.config.users import ResolvedUser
    from ...state.running import Running

#: The storage driver whose program may have died, which needs a closer look.
_FUSE = "fuse-overlayfs"


def enter(layout: Layout, name: str) -> Running:
    """Return the running container with this name or id.

    Raises NotFound, WrongState, RootfsDied and the errors of the database.
    """
    found = running.find(layout.database, name) if is_marked(layout.boot_marker) else None
    if found is not None and found.driver != _FUSE and lives(found):
        return found
    return _looked_at(layout, name)


def lives(found: Running) -> bool:
    """Return whether its first process still runs, and its pid was not reused."""
    fields = procstat.stat(found.pid)
    return procstat.runs(fields) and procstat.start_time(fields) == found.pid_start


def _looked_at(layout: Layout, name: str) -> Running:
    if not os.path.isdir(layout.root):  # opening an engine would create it
        raise NotFound(
            "container", name, remedy=f"Set the engine's root: there is no engine at {layout.root}"
        )

    from ...rootfs import mount_state
    from ..core.lookup import find
    from ..exec.exec import require_running
    from ..guard.hold import hold
    from ..host.opening import open_engine

    with open_engine(layout.root, layout.run_root, known_alone=True) as engine:
        with hold(engine, find(engine, name).id, "exec") as held:
            record = require_running(held)
        mount_state.check(layout.container(record.id), record.name, record.driver)
    found = running.find(layout.database, record.id)
    if found is None:
        raise ended(record.name)
    return found


def ended(name: str) -> WrongState:
    """Return the error for a container that ran a moment ago."""
    return WrongState(f"container {name} has just exited", remedy="Start it first", name=name)


def user_of(found: Running, name: str | None) -> ResolvedUser | None:
    """Return the container's user with this name or number; None means its own user. Raises InvalidOption."""
    if name is None:
        return None
    from ..core.container_users import resolved

    return resolved(found.pid, name, found.group_add)


def process(layout: Layout, found: Running, spec: ExecSpec) -> dict[str, Any]:
    """Return the OCI process of a command. Raises InvalidOption for an unknown user."""
    own = own_process(layout, found.id, found.name)
    user = user_of(found, spec.user)
    return exec_process.build(own, spec, user, home_given=user is not None and found.home_given)
