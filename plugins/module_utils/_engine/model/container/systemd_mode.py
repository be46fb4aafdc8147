# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a container runs systemd, and what podman sets up for such a container; pure.

Source: podman-run(1) ``--systemd``, and libpod's setupSystemd. systemd's own requirements are in
https://systemd.io/CONTAINER_INTERFACE.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence

from ...errors import InvalidOption
from ..values.text import plain_text

#: For no command; if the command is systemd or an init; for every command.
NEVER, BY_COMMAND, ALWAYS = "false", "true", "always"
_WORDS = (NEVER, BY_COMMAND, ALWAYS)
_INITS = frozenset(("/sbin/init", "/usr/sbin/init", "/usr/local/sbin/init"))
#: Directories that systemd writes to at boot, and that must not persist between boots.
TMPFS = ("/run", "/run/lock", "/tmp", "/var/log/journal")  # noqa: S108 paths in the container
#: The signal that shuts systemd down; on SIGTERM it would reexecute itself (systemd(1), "Signals").
STOP_SIGNAL = signal.SIGRTMIN + 3
#: Where programs in the container look for systemd's own hierarchy, with cgroups v1.
HIERARCHY = "/sys/fs/cgroup/systemd"


def parse(option: str, value: object) -> str:
    """Parse ``true``, ``false`` or ``always``; the first two are booleans in YAML."""
    word = plain_text(option, value).lower()
    if word not in _WORDS:
        raise InvalidOption(option, value, "is not known", remedy=f"Known: {', '.join(_WORDS)}")
    return word


def is_meant(word: str, argv: Sequence[str], *, init: bool) -> bool:
    """Return whether a container with this option runs systemd.

    ``argv`` is the entrypoint and the command; ``init``: the engine's init is PID 1. The shell form of ``CMD`` in a
    Containerfile prefixes ``/bin/sh -c``.
    """
    if word != BY_COMMAND:
        return word == ALWAYS
    program = next(iter(argv[2:] if [*argv[:2]] == ["/bin/sh", "-c"] else argv), "")
    return not init and (program in _INITS or os.path.basename(program) == "systemd")
