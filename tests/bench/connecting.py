# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure plays in a container, reached by our connection, against the same plays by others."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from podmancopy import CONTAINER_OPTIONS, podman_at

from _engine.agent.install import exit_command
from _engine.kernel.process import Process
from _engine.lifecycle.converge import converge
from _engine.lifecycle.load import load
from _engine.lifecycle.request import Request
from _engine.model.spec import ContainerSpec
from debianimage import IMAGE, debian_archive
from figure import Figure, medians, seconds_of
from peercollections import peer_collections
from place import Place, undisturbed
from sshhost import sshd
from starting import Host, wait_gone

_TASKS = 20
_NAME = "inside"
_PYTHON = "/usr/bin/python3"
#: What a play of so many tasks has beside it, and how much longer it may take.
_PEERS = (("ours", "local", "connection: local", 1.35), ("ours", "podman", "containers.podman.podman", 0.5))
_NESTED = (("nested", "ssh", "plain ssh to that host", 1.35),)
_WAYS = {"ours": "in a container", "nested": "in a container of a host behind ssh"}


def measure_connection(place: Place, host: Host, rounds: int) -> list[Figure]:
    """Return the times of whole plays, with Ansible's own settings and then with pipelining, which podman's has not."""
    archive = str(debian_archive(Path(".build/debian")))
    with _ours(host, archive) as ours, _podman(place, archive) as podman, sshd() as outer:
        local = {"ansible_connection": "local"}
        ways = {"ours": ours, "local": local, "podman": podman, "ssh": outer.variables}
        ways["nested"] = {**ours, "ansible_slipway_host": "ssh"}
        return [
            figure
            for pipelining in (False, True)
            for figure in _compared(place, ways, rounds, pipelining=pipelining)
        ]


def _compared(
    place: Place, ways: Mapping[str, Mapping[str, Any]], rounds: int, *, pipelining: bool
) -> Iterator[Figure]:
    """Yield the figures of one setting; each round runs each way once."""
    run = {way: _playing(place, ways, way, pipelining=pipelining) for way in ways}
    samples = [[seconds_of(run[way]) for way in ways] for _round in range(rounds + 1)][1:]
    taken = dict(zip(ways, medians(samples)))
    setting = ", pipelining" if pipelining else ""
    for way, peer, words, aim in (*_PEERS, *_NESTED):
        what = f"{_TASKS} tasks {_WAYS[way]}{setting}"
        yield Figure(what, taken[way], words, taken[peer], rounds, aim)


def _playing(
    place: Place, ways: Mapping[str, Mapping[str, Any]], way: str, *, pipelining: bool
) -> Callable[[], None]:
    """Return what plays the tasks this way; all ways are in its inventory, as hosts."""
    inventory, playbook = f"{place.disk}/inventory.json", f"{place.disk}/{way}.json"
    tasks = [{"ansible.builtin.command": {"argv": ["true"]}}] * _TASKS
    play = {"hosts": way, "gather_facts": False, "tasks": tasks}
    every = {"ansible_python_interpreter": _PYTHON, "ansible_pipelining": pipelining}
    Path(inventory).write_text(json.dumps({"all": {"hosts": ways, "vars": every}}), encoding="ascii")
    Path(playbook).write_text(json.dumps([play]), encoding="ascii")
    argv = ["ansible-playbook", "-i", inventory, playbook]

    def run() -> None:
        done = subprocess.run(argv, env=_environment(place), check=False, capture_output=True, text=True)
        if f"ok={_TASKS} " not in done.stdout:
            raise RuntimeError(f"the play went wrong:\n{done.stdout}{done.stderr}")

    return run


def _environment(place: Place) -> dict[str, str]:
    home = f"{place.disk}/ansible"
    collections = f"{os.path.abspath('.build/collections')}:{peer_collections(Path.cwd())}"
    return {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": collections,
        "ANSIBLE_HOME": home,
        "ANSIBLE_REMOTE_TEMP": f"{home}/tmp",
        "ANSIBLE_LOCALHOST_WARNING": "false",
    }


@contextmanager
def _ours(host: Host, archive: str) -> Iterator[dict[str, Any]]:
    """Yield how Ansible reaches a container of ours that runs; it goes at the end."""
    wanted = {"name": _NAME, "image": IMAGE, "network": ["none"]}
    with host.open() as engine:
        load(engine, archive)
        told = converge(engine, Request(_NAME, "started", ContainerSpec.parse(wanted)), exit_command)
    monitor = Process.of(told.result["container"]["State"]["ConmonPid"])
    try:
        yield {
            "ansible_connection": "slipway.oci.container",
            "ansible_host": _NAME,
            "ansible_slipway_root": host.layout.root,
            "ansible_slipway_run_root": host.layout.run_root,
        }
    finally:
        with undisturbed():
            host.bring(_NAME, "absent")
            wait_gone(monitor)


@contextmanager
def _podman(place: Place, archive: str) -> Iterator[dict[str, Any]]:
    """Yield how Ansible reaches a container of podman's that runs, of the same image."""
    podman = podman_at(place)
    podman.run("load", "-q", "-i", archive)
    podman.run("run", "-d", f"--name={_NAME}", *CONTAINER_OPTIONS, IMAGE)
    try:
        yield {
            "ansible_connection": "containers.podman.podman",
            "ansible_host": _NAME,
            "ansible_podman_extra_args": " ".join(podman.options),
        }
    finally:
        with undisturbed():
            podman.run("rm", "-f", "-t0", _NAME)
