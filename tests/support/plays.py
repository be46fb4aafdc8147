# SPDX-License-Identifier: GPL-3.0-or-later
"""Run playbooks, and see what each task returned."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Task:
    """A task of a play that has ended on a host: its name, its outcome (ok, failed, unreachable) and its result."""

    name: str
    outcome: str
    result: dict[str, Any]
    host: str

    @property
    def changed(self) -> bool:
        """Tell whether it says that something was changed."""
        return self.result["changed"]


@dataclass(frozen=True)
class Play:
    """A play that has ended: its tasks in order, and what else it printed."""

    tasks: tuple[Task, ...]
    output: str = ""

    def __getitem__(self, name: str) -> dict[str, Any]:
        """Return the result of the one task of that name."""
        (task,) = (task for task in self.tasks if task.name == name)
        return task.result

    @property
    def changed(self) -> list[str]:
        """Name the tasks that say that they changed something."""
        return [task.name for task in self.tasks if task.changed]

    @property
    def failed(self) -> list[tuple[str, str]]:
        """Return name and message of the tasks that failed."""
        return [(task.name, task.result.get("msg", "")) for task in self.tasks if task.outcome != "ok"]


def environment(tree: Path, top: str, settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment that a play is run in: these settings over the ones that all tests have."""
    return {
        **os.environ,
        "ANSIBLE_CALLBACK_PLUGINS": str(tree / "tests/integration/callback"),
        "ANSIBLE_STDOUT_CALLBACK": "results",
        "ANSIBLE_LOCAL_TEMP": f"{top}/ansible",
        "ANSIBLE_REMOTE_TEMP": f"{top}/ansible",
        "ANSIBLE_PIPELINING": "true",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        **settings,
    }


def run_playbook(
    tree: Path, top: str, *arguments: str, settings: Mapping[str, str], before: Sequence[str] = ()
) -> Play:
    """Run ansible-playbook in the directory ``top`` with these arguments and settings (ANSIBLE_...).

    ``before`` are words in front of the command.
    """
    done = subprocess.run(
        [*before, "ansible-playbook", *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=top,
        env=environment(tree, top, settings),
    )
    shutil.rmtree(f"{top}/ansible", ignore_errors=True)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    others = [line for line in done.stdout.splitlines() if not line.startswith("{")]
    assert lines, done.stdout + done.stderr
    return Play(
        tuple(Task(line["task"], line["outcome"], line["result"], line["host"]) for line in lines),
        "\n".join(others),
    )
