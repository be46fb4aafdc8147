# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell whether this host and a runtime can checkpoint, and what CRIU said when it failed. Sources: criu(8), runc(8)."""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress

from ..errors import HostLacks, RuntimeFailed, Setting, Words
from ..kernel import command
from .oci import OciRuntime

#: ``criu check`` makes a few processes and looks at the kernel.
_TIMEOUT = 60.0
_ERROR = re.compile(r"^(?:\([\d.]+\)\s+)?(?:\d+: )?Error \([^)]*\): (.*)$", re.MULTILINE)
#: How much of a log is read, from its end, and how many of its errors are handed on.
_MOST_LOG, _MOST_ERRORS = 1 << 20, 4
#: The images that CRIU writes last: without it they are not all there.
INVENTORY = "inventory.img"
#: Names CRIU's settings to the runtime (runc, crun).
_ANNOTATION = "org.criu.config"


def check(runtime: OciRuntime, *, program: str = "criu") -> None:
    """Raise HostLacks where no container of this runtime can be checkpointed or restored."""
    if runtime.name == "crun" and not _has_criu(runtime):
        raise HostLacks(
            f"{runtime.path} was built without CRIU, so it can make no checkpoints",
            remedy=Words("Make the container with ", Setting("runtime", "runc")),
            program="crun",
        )
    if command.find_program(program) is None:
        raise HostLacks(
            f"the program {program} is not installed, which makes checkpoints",
            remedy="Install criu with the host's package manager",
            program="criu",
        )
    done = command.run([program, "check"], timeout=_TIMEOUT, check=False)
    if done.returncode != 0:
        raise HostLacks(
            f"CRIU can't work on this host: {_said(done)}",
            remedy="Install another version of criu, one that knows this kernel (criu check tells)",
            program="criu",
            kernel=os.uname().release,
        )


def _has_criu(runtime: OciRuntime) -> bool:
    # crun lists what it was built with: "+SYSTEMD +SELINUX ... +CRIU +YAJL".
    return b"+CRIU" in command.run([runtime.path, "--version"], timeout=_TIMEOUT).stdout


def _said(done: command.Completed) -> str:
    text = (done.stdout + done.stderr).decode(errors="replace")
    return _errors(text) or " ".join(text.split())[-500:] or f"criu check ended with {done.returncode}"


def configure(bundle: str, cgroup: str) -> None:
    """Write CRIU's settings for a restore, and name them in the bundle's config.json.

    CRIU would put the processes back into the cgroup that they were in, which is another container's, or nobody's, where the
    checkpoint came in an archive. What these settings say of modes, the runtime overrules (runc says soft).
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
    """Put in the error what CRIU says in its log, and where that lies."""
    words = _errors(_tail(path))
    if words:
        error.message += f"; CRIU says: {words}"
        error.remedy = f"All that it says is in {path}"


def _errors(text: str) -> str:
    found = dict.fromkeys(match.strip() for match in _ERROR.findall(text))
    return "; ".join([*found][-_MOST_ERRORS:])


def _tail(path: str) -> str:
    with suppress(FileNotFoundError), open(path, "rb") as stream:
        stream.seek(max(0, os.fstat(stream.fileno()).st_size - _MOST_LOG))
        return stream.read().decode(errors="replace")
    return ""
