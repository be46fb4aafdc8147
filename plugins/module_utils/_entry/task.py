# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the engine on the host and run a task with it. The files beside this one are all that travels with a module.

The action plugin (plugin_utils/delivery.py) says which engine is wanted, and where the archive is once it has sent that. It is
imported by computed names, so that AnsiballZ does not pack it.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Mapping, NoReturn  # noqa: UP035  (Python 3.8 has to read this far)

from .protocol import MISSING, OPTION
from .python_version import require_python

#: As _engine/archive.py, _engine/model/engine/places.py have them.
PACKAGE, ROOT, RUN_ROOT = "slipway_oci", "/var/lib/slipway", "/run/slipway"

#: Modules whose task may be known by what is looked at before most of the engine is imported.
_RECOGNISED = ("container",)

_OURS = __name__.rpartition("._entry.")[0]
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def run_task(name: str, *, looks: bool = False) -> None:
    """Run the task of a module, whose body is ``_module/modules/NAME.py``, and exit. ``looks``: it changes nothing."""
    require_python()
    package = _OURS if find_spec(_OURS + "._module") else _found(looks=looks)
    begun = [import_module(package + "._module.recognition").begin()] if name in _RECOGNISED else []
    import_module("{}._module.modules.{}".format(package, name)).main(*begun)  # noqa: UP032  (one form for all)


def _found(*, looks: bool) -> str:
    """Return the package that the engine is in, and make sure that Python finds it; else end the task asking for the engine."""
    from ansible.module_utils.basic import _load_params  # for very dynamic modules, as it says itself

    params = _load_params() or {}
    wanted = params.get(OPTION)
    if not wanted:
        _refuse("this module is run by its own action plugin only: write slipway.oci.NAME in a task")
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
        _refuse("the engine {name} is not on this host yet".format(**wanted))
    return PACKAGE


def _refuse(why: str) -> NoReturn:
    _answer({"failed": True, "error": MISSING, "msg": why})


def _answer(result: Mapping[str, Any]) -> NoReturn:
    sys.stdout.write(json.dumps(result))
    raise SystemExit(1 if "failed" in result else 0)


def _path(params: Mapping[str, Any], option: str, default: str) -> str:
    return os.path.expanduser(os.path.expandvars(str(params.get(option) or default)))


def _is_held(home: str) -> bool:
    """Tell whether an engine is there that nobody else can have put there, and keep it from being removed while we run."""
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
    # It was compiled by the Python that installed it; another one, or a newer, leaves there what it has compiled.
    sys.dont_write_bytecode = not writes
    sys.path.insert(0, place)


def _take(archive: str, sha256: str) -> None:
    """Have Python import the engine from an archive, if it is the one that was sent."""
    import hashlib

    with open(archive, "rb") as file:
        if hashlib.sha256(file.read()).hexdigest() != sha256:
            _refuse("{} is not what was sent".format(archive))  # noqa: UP032
    _use(archive, writes=False)


def _install(root: str, run_root: str) -> None:
    """Have the engine of the archive install itself, and Python import it from there; else it is used from the archive."""
    try:
        home: str = import_module(PACKAGE + "._engine.agent.install").deliver(root, run_root)
    except OSError:  # of somebody who is not root, which the engine tells, or a full disk
        return
    if _is_held(home):
        for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
            del sys.modules[name]
        _use(home, writes=True)
