# SPDX-License-Identifier: GPL-3.0-or-later
"""Run jobs as AWX does: ansible-runner in a private data directory, where a job can be cancelled at any moment."""

from __future__ import annotations

import json
import os
import select
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from glob import glob
from pathlib import Path
from typing import Any

import ansible_runner
from ansible.parsing.vault import VaultLib, VaultSecret

#: How a cancelled job is killed: as ansible-runner does, or with all that it has started, as when a host's session goes.
BY_RUNNER, WITH_ALL = "by runner", "with all"
#: The longest that anything of a cancelled job may go on (seconds).
_PATIENCE = 30.0


class Job:
    """A job that has ended: what AWX would keep of it."""

    def __init__(self, runner: Any) -> None:
        self.status: str = runner.status
        self.artifacts = Path(runner.config.artifact_dir)
        kept = (json.loads(path.read_text()) for path in self.artifacts.glob("job_events/*-*.json"))
        self._events = [event for event in kept if event["event"] == "runner_on_ok"]

    @property
    def stdout(self) -> str:
        """Return what AWX shows as the job's output."""
        return (self.artifacts / "stdout").read_text()

    @property
    def done(self) -> set[str]:
        """Name the tasks that have ended well."""
        return {event["event_data"]["task"] for event in self._events}

    @property
    def changed(self) -> set[str]:
        """Name the tasks that say that they changed something."""
        return {
            event["event_data"]["task"] for event in self._events if event["event_data"]["res"]["changed"]
        }


class PrivateData:
    """A private data directory, laid out as AWX does: inventory, project, env, artifacts."""

    def __init__(self, top: Path, collections: Path, extravars: dict[str, Any]) -> None:
        self.top = top
        for name in ("inventory", "project", "env"):
            (top / name).mkdir(parents=True)
        host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        self._write("inventory/hosts.json", {"all": {"hosts": {"web": host}}})
        self._write("env/extravars", extravars)
        self._write("env/envvars", self._variables(collections))
        # How often it is asked whether the job is cancelled; AWX's own five seconds would miss every moment.
        self._write(
            "env/settings", {"pexpect_timeout": 0.01, "fact_cache_type": "jsonfile", "fact_cache": "facts"}
        )

    def _variables(self, collections: Path) -> dict[str, str]:
        return {
            "ANSIBLE_COLLECTIONS_PATH": str(collections),
            "ANSIBLE_REMOTE_TEMP": f"{self.top}/tmp",
            "ANSIBLE_LOCAL_TEMP": f"{self.top}/tmp",
            "ANSIBLE_NOCOLOR": "1",
        }

    def _write(self, name: str, content: object) -> None:
        (self.top / name).write_text(json.dumps(content))

    def project(self, name: str, content: object) -> None:
        """Write a file of the project: a playbook."""
        self._write(f"project/{name}", content)

    def vault(self, name: str, content: object, password: str) -> None:
        """Write a file of the project, encrypted with a password that the job is asked for, and that AWX knows."""
        self._write("env/passwords", {r"^Vault password:\s*?$": password})
        path = self.top / "project" / name
        path.parent.mkdir(exist_ok=True)
        plain, secret = json.dumps(content).encode(), VaultSecret(password.encode())
        path.write_bytes(VaultLib([("default", secret)]).encrypt(plain, secret))

    def run(self, playbook: str, cmdline: str = "", cancelled: Callable[[], bool] = lambda: False) -> Job:
        """Run a playbook of the project, with more words for ansible-playbook; True of ``cancelled`` cancels it."""
        (self.top / "env/cmdline").write_text(cmdline)
        told = {"private_data_dir": str(self.top), "playbook": playbook, "quiet": True}
        return Job(ansible_runner.run(**told, cancel_callback=cancelled))

    def cancel(self, playbook: str, moment: Callable[[], object], how: str, cmdline: str = "") -> Job:
        """Run a playbook, cancel it at the moment, and return when all of Ansible that it has started has ended.

        ``how`` is BY_RUNNER, which kills ansible-playbook alone, so that the task at work comes to its end, or WITH_ALL.
        """
        ours = set(_below(os.getpid()))
        started: dict[int, int] = {}
        wished = False

        def cancelled() -> bool:
            nonlocal wished
            # Runner asks again until the process has gone, and takes the last answer; the moment may have passed by then.
            if wished or not moment():
                return wished
            wished = True
            # What is stopped starts nothing more: look until there is nothing new.
            while new := self._begun(how) - ours - started.keys():
                started.update(_opened(new))
                if how == WITH_ALL:
                    _send(started.values(), signal.SIGSTOP)
            return True

        job = self.run(playbook, cmdline, cancelled)
        if how == WITH_ALL:
            _send(started.values(), signal.SIGKILL)
        for process in started.values():
            assert select.select([process], [], [], _PATIENCE)[0], "a process of the job goes on and on"
            os.close(process)
        return job

    def _begun(self, how: str) -> set[int]:
        """Return all that runs below us, or of it only ansible-playbook, its workers and modules: they name our place."""
        below, place = set(_below(os.getpid())), os.fsencode(f"{self.top}/")
        return below if how == WITH_ALL else {pid for pid in below if place in _command(pid)}


def _below(pid: int) -> Iterator[int]:
    """Yield the processes that a process has started, and those that they have, and so on."""
    for path in glob(f"/proc/{pid}/task/*/children"):
        with suppress(OSError):  # it has ended meanwhile
            for child in map(int, Path(path).read_text().split()):
                yield child
                yield from _below(child)


def _opened(pids: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield each with its pidfd, but for those that have ended meanwhile."""
    for pid in pids:
        with suppress(ProcessLookupError):
            yield pid, os.pidfd_open(pid)


def _command(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""  # it has ended meanwhile


def _send(processes: Iterable[int], number: int) -> None:
    for process in processes:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(process, number)
