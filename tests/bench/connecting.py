# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure plays in a container, reached by our connection, against the same plays by others."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from _engine.agent.install import exit_command
from _engine.kernel.process import Process
from _engine.lifecycle.converge.container import converge
from _engine.lifecycle.converge.request import Request
from _engine.lifecycle.image.load import load
from _engine.model.container.spec import ContainerSpec
from debianimage import IMAGE, debian_archive
from figure import Figure, medians, seconds_of
from peercollections import peer_collections
from place import Place, undisturbed
from podmancopy import CONTAINER_OPTIONS, podman_at
from sshhost import sshd
from starting import Host, wait_gone

_TASKS = 20
_NAME = "inside"
#: Which of the inventory's hosts are compared, and how much longer the first may take.
_COMPARED = (("ours", "local", 1.1), ("ours", "podman", 0.5), ("nested", "ssh", 1.1))
_WORDS = {
    "ours": "in a container",
    "nested": "in a container of a host behind ssh",
    "local": "connection: local",
    "podman": "containers.podman.podman",
    "ssh": "ssh to that host",
}
_SETTINGS = (("", {}), (", ANSIBLE_PIPELINING=true", {"ANSIBLE_PIPELINING": "true"}))


def measure_connection(place: Place, host: Host, rounds: int) -> list[Figure]:
    """Return the times of whole plays with what Ansible has by default, then with pipelining for all who know it."""
    archive = str(debian_archive(Path(".build/debian")))
    with _ours(host, archive) as ours, _podman(place, archive) as podman, sshd() as outer:
        local = {"ansible_connection": "local"}
        nested = {**ours, "ansible_slipway_host": "ssh"}
        ways = {"ours": ours, "local": local, "podman": podman, "ssh": outer.variables, "nested": nested}
        argv = _command(place, ways)
        return [
            figure
            for told, settings in _SETTINGS
            for figure in _compared([*ways], argv, {**_environment(place), **settings}, rounds, told)
        ]


def _compared(
    ways: Sequence[str], argv: list[str], environment: Mapping[str, str], rounds: int, told: str
) -> Iterator[Figure]:
    """Yield the figures of one setting; each round goes each way once."""

    def play(way: str) -> None:
        words = [*argv, "--limit", way]
        done = subprocess.run(words, env=environment, check=False, capture_output=True, text=True)
        if f"ok={_TASKS} " not in done.stdout:
            raise RuntimeError(f"the play went wrong:\n{done.stdout}{done.stderr}")

    samples = [[seconds_of(partial(play, way)) for way in ways] for _round in range(rounds + 1)][1:]
    taken = dict(zip(ways, medians(samples)))
    for way, peer, aim in _COMPARED:
        what = f"{_TASKS} tasks {_WORDS[way]}{told}"
        yield Figure(what, taken[way], _WORDS[peer], taken[peer], rounds, aim)


def _command(place: Place, ways: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Write an inventory of all ways, and the play; return the command, which wants to be limited to one."""
    inventory, playbook = Path(place.disk, "inventory.json"), Path(place.disk, "play.json")
    every = {"ansible_python_interpreter": "/usr/bin/python3"}
    inventory.write_text(json.dumps({"all": {"hosts": ways, "vars": every}}), encoding="ascii")
    tasks = [{"ansible.builtin.command": {"argv": ["true"]}}] * _TASKS
    playbook.write_text(
        json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]), encoding="ascii"
    )
    return ["ansible-playbook", "-i", str(inventory), str(playbook)]


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
