# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages whose examples are run: their files, the commands that they show with what these print, and their tables."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

#: A block of YAML whose first line is a comment with the file's name.
_FILE = re.compile(r"^```yaml\n# (?P<name>\S+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^    \$ (?P<command>.*)\n(?P<shown>(?:    (?!\$ ).*\n)*)", re.MULTILINE)


@dataclass(frozen=True)
class Guide:
    """A page, and the directory in which its examples are run."""

    text: str
    top: Path

    @property
    def files(self) -> dict[str, str]:
        """Return the content of each file by its name, in the order of the page."""
        return {found["name"]: found["text"] for found in _FILE.finditer(self.text)}

    @property
    def commands(self) -> dict[str, str]:
        """Return what the page shows for each command."""
        return {
            found["command"]: "".join(line.removeprefix("    ") for line in found["shown"].splitlines(True))
            for found in _COMMAND.finditer(self.text)
        }

    def rows(self, heading: str) -> list[str]:
        """Return what stands in code at the beginning of each row of the table with this first heading."""
        _before, _heading, table = self.text.partition(f"| {heading} |")
        return re.findall(r"^\| `([^`]+)` \|", table.partition("\n\n")[0], re.MULTILINE)

    def write(self) -> None:
        """Write all files."""
        for name, text in self.files.items():
            path = self.top / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def run(self, command: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run a command of Ansible's among the files."""
        own = {"ANSIBLE_LOCAL_TEMP": f"{self.top}/tmp", "ANSIBLE_NOCOLOR": "true"}
        return subprocess.run(
            shlex.split(command),
            check=False,
            capture_output=True,
            text=True,
            cwd=self.top,
            env={**os.environ, **own, **settings},
        )
