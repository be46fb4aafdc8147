# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the engine on the host and run a task with it; only this directory is sent with a module.

The action plugin (plugin_utils/delivery.py) names the required engine and, once it has sent it, the path of
the archive. The engine is imported by computed names, so that AnsiballZ does not pack it.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Mapping, NoReturn  # noqa: UP035  (Python 3.8 must be able to read this)

from .protocol import MISSING, OPTION
from .python_version import require_python

#: The same as in _engine/archive.py and _engine/model/engine/places.py.
PACKAGE, ROOT, RUN_ROOT = "slipway_oci", "/var/lib/slipway", "/run/slipway"

#: Modules whose task may be recognised before most of the engine is imported.
_RECOGNISED = ("container",)

_OURS = __name__.rpartition("._entry.")[0]
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def run_task(name: str, *, looks: bool = False) -> None:
    """Run ``_module/modules/NAME.py``, the body of a module, and exit; ``looks``: it changes nothing."""
    require_python()
    package = _OURS if find_spec(_OURS + "._module") else _found(looks=looks)
    begun = [import_module(package + "._module.recognition").begin()] if name in _RECOGNISED else []
    import_module("{}._module.modules.{}".format(package, name)).main(*begun)  # noqa: UP032  (one form for all)


def _found(*, looks: bool) -> str:
    """Return the engine's package and make it importable; if it is missing, exit with a request for it."""
    from ansible.module_utils.basic import _load_params  # for "very dynamic" modules, it says

    params = _load_params() or {}
    wanted = params.get(OPTION)
    if not wanted:
        _refuse("this module can be run only by its action plugin. Call it as slipway.oci.NAME in a task")
    root = _path(params, "root", ROOT)
    home = "{}/agent/{}".format(root, wanted["name"])
    writes = not params.get("_ansible_check_mode") and (not looks or os.path.isdir(root))
    if _is_held(home):
        _use(home, writes=writes and not looks)
        if "asks" in wanted:
            _answer({"changed": False})
    elif "archive" in wanted:
        _take(wanted["archive"], wanted["sha256"])
        if writes and root.startswith("/"):
            _install(root, _path(params, "run_root", RUN_ROOT))
    else:
        _refuse("the engine {name} is not installed on this host yet".format(**wanted))
    return PACKAGE


def _refuse(why: str) -> NoReturn:
    _answer({"failed": True, "error": MISSING, "msg": why})


def _answer(result: Mapping[str, Any]) -> NoReturn:
    sys.stdout.write(json.dumps(result))
    raise SystemExit(1 if "failed" in result else 0)


def _path(params: Mapping[str, Any], option: str, default: str) -> str:
    return os.path.expanduser(os.path.expandvars(str(params.get(option) or default)))


def _is_held(home: str) -> bool:
    """Return whether a trusted engine is installed, and lock it against removal while this process runs."""
    try:
        held = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(held, fcntl.LOCK_SH)
        above = os.path.dirname(home)
        infos = [os.stat(path) for path in (home, above, os.path.dirname(above))]
        gone = not os.path.samestat(infos[0], os.fstat(held))
    except OSError:
        return False
    return not gone and all(
        info.st_uid == os.geteuid() and not info.st_mode & _OTHERS_WRITE for info in infos
    )


def _use(place: str, *, writes: bool) -> None:
    # The installing Python compiled it; another version of Python adds its own bytecode.
    sys.dont_write_bytecode = not writes
    sys.path.insert(0, place)


def _take(archive: str, sha256: str) -> None:
    """Make the engine importable from an archive, after verifying its digest."""
    import hashlib

    with open(archive, "rb") as file:
        if hashlib.sha256(file.read()).hexdigest() != sha256:
            _refuse("{} is not the archive that was sent".format(archive))  # noqa: UP032
    _use(archive, writes=False)


def _install(root: str, run_root: str) -> None:
    """Install the engine from the archive and import it from there; if that fails, keep using the archive."""
    try:
        home: str = import_module(PACKAGE + "._engine.agent.install").deliver(root, run_root)
    except OSError:  # not root, which the engine reports, or a full disk
        return
    if _is_held(home):
        for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
            del sys.modules[name]
        _use(home, writes=True)
