# SPDX-License-Identifier: GPL-3.0-or-later
"""Move Ansible's temporary directory out of a home directory that is not writable, as its modules do."""

from __future__ import annotations

import re
from typing import Any

#: The command of ShellBase.mkdtemp(): create BASE (~ for an unknown user) with its parents, and a directory
#: in it.
_MADE = re.compile(
    r'mkdir -p "` echo (?P<base>[^\s`"]+) `" ?&& ?mkdir "` echo (?P=base)/ansible-tmp-[\d.-]+ `"'
)


def elsewhere(command: str, shell: Any) -> list[str]:
    """Return the command for each of the system's directories; none if it is another, or remote_tmp is set."""
    made = _MADE.search(command)
    if made is None or not str(shell.get_option("remote_tmp")).startswith("~"):
        return []
    base = re.compile(rf"(?<=` echo ){re.escape(made['base'])}(?=[/ ])")
    return [
        base.sub(str(place).replace("\\", r"\\"), command) for place in shell.get_option("system_tmpdirs")
    ]
