# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure a ``container`` task that finds nothing to do against ``ansible.builtin.ping``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from figure import Figure, medians, seconds_of
from place import Place
from starting import IMAGE, Host

_FEW, _MANY = 5, 25
Task = dict[str, Any]


def measure_unchanged(place: Place, host: Host, rounds: int) -> list[Figure]:
    """Return the time of one task by the difference between long and short plays, so that Ansible's start drops out."""
    ping, container = {"ansible.builtin.ping": {}}, _container(host)
    _play(place, [container])
    samples = [(*_times(place, container), *_times(place, ping)) for _round in range(rounds)]
    ours, ours_short, peer, peer_short = medians(samples)
    return [
        Figure("container task, unchanged", ours, "ansible.builtin.ping", peer, rounds, 1.3),
        Figure(f"  a whole play of {_FEW} such tasks", ours_short, f"of {_FEW} pings", peer_short, rounds),
    ]


def _container(host: Host) -> Task:
    """Return a task as in the README, with a volume, an environment and a limit."""
    return {
        "slipway.oci.container": {
            "name": "app",
            "image": IMAGE,
            "command": ["/bin/sleep", "1000"],
            "volume": ["app-data:/data", "/etc/default:/etc/app:ro"],
            "env": {"MODE": "production"},
            "network": "host",
            "memory": "256m",
            "state": "started",
            "root": host.layout.root,
            "run_root": host.layout.run_root,
        }
    }


def _times(place: Place, task: Task) -> tuple[float, float]:
    """Return the seconds that one more task takes, and those of the short play."""
    few, many = (
        seconds_of(lambda count=count: _play(place, [task] * count, same=True)) for count in (_FEW, _MANY)
    )
    return (many - few) / (_MANY - _FEW), few


def _play(place: Place, tasks: list[Task], *, same: bool = False) -> None:
    """Run the tasks on this machine; ``same``: fail if they change anything."""
    path = f"{place.disk}/play.yml"
    with open(path, "w", encoding="ascii") as file:
        json.dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}], file)
    argv = ["ansible-playbook", "-i", "localhost,", "-c", "local", path]
    argv += ["-e", f"ansible_python_interpreter={sys.executable}"]
    done = subprocess.run(argv, env=_environment(place), check=False, capture_output=True, text=True)
    if done.returncode != 0 or (same and "changed=0" not in done.stdout):
        raise RuntimeError(f"the play went wrong:\n{done.stdout}{done.stderr}")


def _environment(place: Place) -> dict[str, str]:
    home = f"{place.disk}/ansible"
    return {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": os.path.abspath(".build/collections"),
        "ANSIBLE_HOME": home,
        "ANSIBLE_REMOTE_TEMP": f"{home}/tmp",
        "ANSIBLE_LOCALHOST_WARNING": "false",
    }
