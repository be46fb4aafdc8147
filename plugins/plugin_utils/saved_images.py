# SPDX-License-Identifier: GPL-3.0-or-later
"""An image archive of the controller, compared with the images that a host would save to it."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ansible.errors import AnsibleActionFail
from ansible_collections.slipway.oci.plugins.module_utils._engine.images.save.image import (
    ARCHIVES,
    DOCKER_ARCHIVE,
)
from ansible_collections.slipway.oci.plugins.module_utils._engine.images.save.same import look, told
from ansible_collections.slipway.oci.plugins.module_utils._engine.model.container.option import LIVE

#: Options for a file of the host that a file of the controller does not take.
_NOT_HERE = ("owner", "group", "attributes", "selevel", "serole", "setype", "seuser")


class Compared(NamedTuple):
    """What the file contains and would contain, as text; ``is_same``: nothing has to be written."""

    before: str
    after: str
    is_there: bool
    is_same: bool


def compare(dest: str, wanted: Mapping[str, Any]) -> Compared:
    """Compare the file with the host's description (images/save/same.py); raises OSError if it cannot be read."""
    found = look(dest, wanted)
    return Compared(found.holds, told(wanted), found.is_there, found.is_same)


def news(dest: str, found: Compared, action: str) -> dict[str, Any]:
    """Return the result of a change, in the shape of the module's own for a file of the host."""
    differs = found.is_there and found.before != found.after
    change = {"option": "image", "before": found.before, "after": found.after, "change": LIVE}
    return {
        "changed": True,
        "dest": dest,
        "actions": [action],
        "diff": {
            "before": {"image": found.before} if differs else {},
            "after": {"image": found.after} if differs else {},
            "before_header": dest,
            "after_header": dest,
        },
        "plan": {"cost": LIVE if differs else "", "changes": [change] if differs else []},
    }


def replace_file(dest: str, mode: int | None, fetch: Callable[[str], object]) -> None:
    """Replace the file by what ``fetch`` writes to the path that it is called with, once that is complete.

    A new file is readable by its owner only, unless ``mode`` is given; an existing one keeps its mode.
    """
    fd, fresh = tempfile.mkstemp(prefix=".slipway-", dir=os.path.dirname(dest))  # 0600
    os.close(fd)
    try:
        fetch(fresh)
        kept = stat.S_IMODE(os.stat(dest).st_mode) if os.path.exists(dest) else 0o600
        os.chmod(fresh, kept if mode is None else mode)
        os.replace(fresh, dest)
    except BaseException:  # also at an interrupt
        os.unlink(fresh)
        raise


def set_mode(dest: str, mode: int | None, *, predicting: bool) -> bool:
    """Set the mode of the file, and return whether that is a change."""
    if mode is None or stat.S_IMODE(os.stat(dest).st_mode) == mode:
        return False
    if not predicting:
        os.chmod(dest, mode)
    return True


def check_options(arguments: Mapping[str, Any]) -> None:
    """Refuse options that only a file of the host takes. Raises AnsibleActionFail."""
    form = arguments.get("format", DOCKER_ARCHIVE)
    if form not in ARCHIVES:
        raise AnsibleActionFail(f"dest_on: format {form} is a directory; choose {' or '.join(ARCHIVES)}")
    for option in _NOT_HERE:
        if arguments.get(option) is not None:
            raise AnsibleActionFail(f"{option}: not for a file of the controller; leave it out, or set mode")


def check_dest(path: str) -> str:
    """Return the file with symbolic links resolved; raises AnsibleActionFail if it cannot be written."""
    dest = os.path.realpath(path)
    if os.path.lexists(dest) and not os.path.isfile(dest):
        raise AnsibleActionFail(
            f"dest: {dest} on the controller is not a regular file; name the file to write"
        )
    if not os.path.isdir(os.path.dirname(dest)):
        raise AnsibleActionFail(
            f"dest: the controller has no directory {os.path.dirname(dest)}; create it first"
        )
    return dest


def mode_of(written: Any) -> int | None:
    """Return the octal mode that a task has written; raises AnsibleActionFail."""
    if written is None:
        return None
    try:
        return int(str(written), 8) if isinstance(written, str) else int(written)
    except ValueError:
        raise AnsibleActionFail(f"mode: {written!r} is not octal; write it as in '0644'") from None
