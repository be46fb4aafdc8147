# SPDX-License-Identifier: GPL-3.0-or-later
"""Run plays of a few tasks as a user does, and tell what one more task takes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from figure import seconds_of
from place import Place
from starting import IMAGE, Host

Task = dict[str, Any]
LOCAL = {"ansible_connection": "local"}
PING: Task = {"ansible.builtin.ping": {}}
_CHANGED = re.compile(r"\bchanged=[1-9]")


@dataclass(frozen=True)
class Plays:
    """Plays on the hosts of an inventory; ``settings`` are variables of Ansible's environment."""

    place: Place
    hosts: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: {"localhost": LOCAL})
    settings: Mapping[str, str] = field(default_factory=dict)

    def run(self, tasks: Sequence[Task], *, same: bool = False) -> None:
        """Run the tasks on all hosts; ``same``: fail if they change anything."""
        inventory, playbook = f"{self.place.disk}/hosts.json", f"{self.place.disk}/play.json"
        every = {"ansible_python_interpreter": sys.executable}
        _write(inventory, {"all": {"hosts": self.hosts, "vars": every}})
        _write(playbook, [{"hosts": "all", "gather_facts": False, "tasks": [*tasks]}])
        argv = ["ansible-playbook", "-i", inventory, playbook]
        done = subprocess.run(argv, env=self._environment(), check=False, capture_output=True, text=True)
        if done.returncode != 0 or (same and _CHANGED.search(done.stdout)):
            raise RuntimeError(f"the play went wrong:\n{done.stdout}{done.stderr}")

    def times(self, task: Task, few: int, many: int) -> tuple[float, float]:
        """Return the seconds of one more task on all hosts, by the difference of two plays, and those of the short play."""
        short, long = (
            seconds_of(lambda count=count: self.run([task] * count, same=True)) for count in (few, many)
        )
        return (long - short) / (many - few), short

    def _environment(self) -> dict[str, str]:
        home = f"{self.place.disk}/ansible"
        return {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": os.path.abspath(".build/collections"),
            "ANSIBLE_HOME": home,
            "ANSIBLE_REMOTE_TEMP": f"{home}/tmp",
            "ANSIBLE_LOCALHOST_WARNING": "false",
            **self.settings,
        }


def container(host: Host, name: str = "app") -> Task:
    """Return a task as in the README, with a volume, an environment and a limit."""
    options = {
        "name": name,
        "image": IMAGE,
        "command": ["/bin/sleep", "1000"],
        "volume": ["app-data:/data", "/etc/default:/etc/app:ro"],
        "env": {"MODE": "production"},
        "network": "host",
        "memory": "256m",
        "state": "started",
    }
    return task(host, "container", **options)


def task(host: Host, module: str, **options: Any) -> Task:
    """Return a task of a module of ours, for the engine of this host."""
    where = {"root": host.layout.root, "run_root": host.layout.run_root}
    return {f"slipway.oci.{module}": {**options, **where}}


def _write(path: str, content: object) -> None:
    with open(path, "w", encoding="ascii") as file:
        json.dump(content, file)
