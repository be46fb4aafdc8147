# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether systemd is what a container runs, and what podman gives such a container; pure.

Source: podman-run(1) ``--systemd``, and libpod's setupSystemd. systemd's own wishes are in
https://systemd.io/CONTAINER_INTERFACE.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence

from ...errors import InvalidOption
from ..values.text import plain_text

#: Never; when the command is systemd or an init; whatever the command is.
NEVER, BY_COMMAND, ALWAYS = "false", "true", "always"
_WORDS = (NEVER, BY_COMMAND, ALWAYS)
_INITS = frozenset(("/sbin/init", "/usr/sbin/init", "/usr/local/sbin/init"))
#: What systemd writes to at boot, and no two boots may share.
TMPFS = ("/run", "/run/lock", "/tmp", "/var/log/journal")  # noqa: S108 paths in the container
#: Asks systemd to shut down; TERM would have it execute itself anew (systemd(1), "Signals").
STOP_SIGNAL = signal.SIGRTMIN + 3
#: Where programs in the container look for the hierarchy in which systemd keeps its units, with cgroups v1.
HIERARCHY = "/sys/fs/cgroup/systemd"


def parse(option: str, value: object) -> str:
    """Read ``true``, ``false`` or ``always``; YAML makes booleans of the first two."""
    word = plain_text(option, value).lower()
    if word not in _WORDS:
        raise InvalidOption(option, value, "is not known", remedy=f"Known: {', '.join(_WORDS)}")
    return word


def is_meant(word: str, argv: Sequence[str], *, init: bool) -> bool:
    """Tell whether a container with this option runs systemd; ``argv``: entrypoint and command, ``init``: below an init of ours.

    Docker's ``RUN`` and ``CMD`` in shell form put ``/bin/sh -c`` before.
    """
    if word != BY_COMMAND:
        return word == ALWAYS
    program = next(iter(argv[2:] if [*argv[:2]] == ["/bin/sh", "-c"] else argv), "")
    return not init and (program in _INITS or os.path.basename(program) == "systemd")
