# SPDX-License-Identifier: GPL-3.0-or-later
"""Report on the engine and its host: versions, programs, kernel features, and directories."""

from __future__ import annotations

import os
import platform
from typing import Any

from ...errors import HostLacks
from ...kernel.cgroup import cgroups
from ...kernel.command import run
from ...network import aardvark, firewall
from ...runtime import apparmor
from ...runtime.conmon import find_conmon
from ...runtime.oci import find_runtime
from ...runtime.programs import describe_program
from ...state import containers, images, volumes
from ...version import VERSION
from ..core.engine import Engine
from ..core.outcome import Outcome
from ..resources.cgroup import manager
from ..resources.storage_driver import foreseen
from ..wiring import host_parameters


def host(engine: Engine) -> Outcome:
    """Return ``engine``: the facts that troubleshooting needs first. A missing program is null, no error."""
    driver, lacks = foreseen(engine)
    return Outcome(
        result={
            "engine": {
                "version": VERSION,
                "root": engine.layout.root,
                "run_root": engine.layout.run_root,
                "runtime": _runtime(engine),
                "conmon": _conmon(engine),
                "kernel": platform.release(),
                "architecture": platform.machine(),
                "python": platform.python_version(),
                "cgroup_version": cgroups.version(),
                "cgroup_manager": manager(engine),
                "overlay": _has_overlayfs(),
                "storage_driver": driver,
                "storage_lacks": lacks,
                "selinux": os.path.exists("/sys/fs/selinux/enforce"),
                "apparmor": apparmor.is_enabled(),
                "apparmor_profile": apparmor.default(),
                "dns": _dns(),
                "firewall": firewall.told(),
                "sysctls": host_parameters.told(engine),
                "counts": _counts(engine),
            }
        }
    )


def _runtime(engine: Engine) -> dict[str, str] | None:
    try:
        return vars(find_runtime(engine.runtime).describe())
    except HostLacks:
        return None


def _conmon(engine: Engine) -> dict[str, str] | None:
    try:
        path = find_conmon(engine.conmon)
    except HostLacks:
        return None
    said = run([path, "--version"], timeout=10.0, check=False).stdout.decode("utf-8", "replace")
    words = said.split()
    return {"path": path, "version": words[2] if len(words) > 2 else ""}


def _dns() -> dict[str, str]:
    path = aardvark.find()
    if path is None:
        return {"name": "hosts", "path": "", "version": ""}
    return vars(describe_program(aardvark.PROGRAM, path, least=None))


def _has_overlayfs() -> bool:
    with open("/proc/filesystems", encoding="ascii") as stream:
        return "\toverlay\n" in stream.read()


def _counts(engine: Engine) -> dict[str, Any]:
    with engine.database.reading() as connection:
        records = containers.all(connection)
        return {
            "containers": len(records),
            "running": sum(record.status == "running" for record in records),
            "images": len(images.all(connection)),
            "volumes": len(volumes.all(connection)),
        }
