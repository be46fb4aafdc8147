# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure tasks that find nothing to do against ``ansible.builtin.ping``: one more, in a play, and on many hosts at once."""

from __future__ import annotations

from _engine.agent.install import exit_command
from _engine.lifecycle.converge.container import converge
from _engine.lifecycle.converge.request import Request
from figure import Figure, medians, seconds_of
from place import Place
from playbook import LOCAL, PING, Plays, Task, container, task
from starting import Host

_FEW, _MANY = 5, 25
_FORKS = (1, 5, 20)
#: Containers that are configured and never started.
_OTHERS = 1000
#: All of them this machine, each with a container of its own.
_HOSTS = {f"h{number}": LOCAL for number in range(20)}


def measure_unchanged(place: Place, host: Host, rounds: int) -> list[Figure]:
    """Return the time of one task by the difference between long and short plays, so that Ansible's start drops out."""
    plays, ours = Plays(place), container(host)
    plays.run([ours])
    samples = [(*plays.times(ours, _FEW, _MANY), *plays.times(PING, _FEW, _MANY)) for _round in range(rounds)]
    one, short, peer, peer_short = medians(samples)
    return [
        Figure("container task, unchanged", one, "ansible.builtin.ping", peer, rounds, 1.15),
        Figure(f"  a whole play of {_FEW} such tasks", short, f"of {_FEW} pings", peer_short, rounds),
    ]


def measure_modules(place: Place, host: Host, rounds: int) -> list[Figure]:
    """Return the time of a play in which each task is another module, so that each is packed."""
    plays = Plays(place)
    tasks = [
        container(host),
        task(host, "volume", name="app-data"),
        task(host, "container_info", name=["app"]),
        task(host, "image_info"),
        task(host, "engine_info"),
    ]
    plays.run(tasks)
    samples = [
        (
            seconds_of(lambda: plays.run(tasks, same=True)),
            seconds_of(lambda: plays.run([PING] * len(tasks), same=True)),
        )
        for _round in range(rounds)
    ]
    ours, peer = medians(samples)
    what = f"a whole play of {len(tasks)} different modules"
    return [Figure(what, ours, f"of {len(tasks)} pings", peer, rounds, 1.3)]


def measure_forks(place: Place, host: Host, rounds: int) -> list[Figure]:
    """Return the time of one more task on 20 hosts by the number of forks."""
    ours = container(host, "app-{{ inventory_hostname }}")
    Plays(place, _HOSTS).run([ours])
    return [_at_once(Plays(place, _HOSTS, {"ANSIBLE_FORKS": str(forks)}), ours, rounds) for forks in _FORKS]


def _at_once(plays: Plays, ours: Task, rounds: int) -> Figure:
    samples = [(plays.times(ours, 1, 3)[0], plays.times(PING, 1, 3)[0]) for _round in range(rounds)]
    one, peer = medians(samples)
    what = f"container task, unchanged, {len(plays.hosts)} hosts, {plays.settings['ANSIBLE_FORKS']} forks"
    return Figure(what, one, "ansible.builtin.ping", peer, rounds, 1.15)


def measure_crowd(place: Place, host: Host, rounds: int) -> list[Figure]:
    """Return the time of one task beside many containers against the same task before there were any."""
    plays, ours = Plays(place), container(host)
    plays.run([ours])
    alone = _one(plays, ours, rounds)
    others = [f"other-{number}" for number in range(_OTHERS)]
    with host.open() as engine:
        for name in others:
            converge(engine, Request(name, "present", host.spec(name)), exit_command)
    crowded = _one(plays, ours, rounds)
    for name in others:  # what is measured next is not to be beside them
        host.bring(name, "absent")
    what = f"container task, unchanged, beside {_OTHERS} other containers"
    return [Figure(what, crowded, "alone", alone, rounds, 1.05)]


def _one(plays: Plays, ours: Task, rounds: int) -> float:
    return medians([(plays.times(ours, _FEW, _MANY)[0],) for _round in range(rounds)])[0]
