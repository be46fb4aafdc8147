# SPDX-License-Identifier: GPL-3.0-or-later
"""CRIU: check whether this host and a runtime support checkpoints, and report CRIU's errors.

Sources: criu(8), runc(8).
"""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress

from ..errors import HostLacks, RuntimeFailed, Setting, Words
from ..kernel import command
from .oci import OciRuntime

#: In seconds; ``criu check`` starts a few processes and probes the kernel.
_TIMEOUT = 60.0
_ERROR = re.compile(r"^(?:\([\d.]+\)\s+)?(?:\d+: )?Error \([^)]*\): (.*)$", re.MULTILINE)
#: The most bytes read from the end of a log, and the most errors that are quoted.
_MOST_LOG, _MOST_ERRORS = 1 << 20, 4
#: The image file that CRIU writes last: without it a checkpoint is incomplete.
INVENTORY = "inventory.img"
#: The annotation that names CRIU's configuration file to the runtime (runc, crun).
_ANNOTATION = "org.criu.config"


def check(runtime: OciRuntime, *, program: str = "criu") -> None:
    """Check that containers of this runtime can be checkpointed and restored; raises HostLacks."""
    if runtime.name == "crun" and not _has_criu(runtime):
        raise HostLacks(
            f"{runtime.path} was built without CRIU, so it can't create checkpoints",
            remedy=Words("Create the container with ", Setting("runtime", "runc")),
            program="crun",
        )
    if command.find_program(program) is None:
        raise HostLacks(
            f"the program {program}, which creates checkpoints, is not installed",
            remedy="Install criu with the host's package manager",
            program="criu",
        )
    done = command.run([program, "check"], timeout=_TIMEOUT, check=False)
    if done.returncode != 0:
        raise HostLacks(
            f"CRIU can't work on this host: {_said(done)}",
            remedy="Install a version of criu that supports this kernel, which criu check tests",
            program="criu",
            kernel=os.uname().release,
        )


def _has_criu(runtime: OciRuntime) -> bool:
    # crun lists what it was built with: "+SYSTEMD +SELINUX ... +CRIU +YAJL".
    return b"+CRIU" in command.run([runtime.path, "--version"], timeout=_TIMEOUT).stdout


def _said(done: command.Completed) -> str:
    text = (done.stdout + done.stderr).decode(errors="replace")
    return (
        _errors(text) or " ".join(text.split())[-500:] or f"criu check exited with status {done.returncode}"
    )


def configure(bundle: str, cgroup: str) -> None:
    """Write CRIU's configuration file for a restore, and name it in the bundle's config.json.

    By default CRIU restores the processes into their original cgroup, which may be another container's, or
    missing if the checkpoint was imported from an archive. The runtime overrides the cgroup mode of this file
    (runc uses soft).
    """
    settings, config = f"{bundle}/criu.conf", f"{bundle}/config.json"
    with open(config, "rb") as stream:
        document = json.load(stream)
    document.setdefault("annotations", {})[_ANNOTATION] = settings
    for path, content in (
        (settings, f"cgroup-root {cgroup}\n".encode()),
        (config, json.dumps(document).encode()),
    ):
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as stream:
            stream.write(content)


def add_log(error: RuntimeFailed, path: str) -> None:
    """Add the errors of CRIU's log, and the log's path, to the error."""
    words = _errors(_tail(path))
    if words:
        error.message += f"; CRIU reports: {words}"
        error.remedy = f"See CRIU's log, {path}"


def _errors(text: str) -> str:
    found = dict.fromkeys(match.strip() for match in _ERROR.findall(text))
    return "; ".join([*found][-_MOST_ERRORS:])


def _tail(path: str) -> str:
    with suppress(FileNotFoundError), open(path, "rb") as stream:
        stream.seek(max(0, os.fstat(stream.fileno()).st_size - _MOST_LOG))
        return stream.read().decode(errors="replace")
    return ""
