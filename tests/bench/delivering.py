# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure how modules and the engine come to a host: packed on the controller, counted on the wire, the first task there."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace

from figure import Figure, medians, seconds_of, size
from place import Place
from playbook import PING, Plays, Task, container
from sshhost import SshHost, sshd
from starting import Host

_FEW, _MANY = 2, 6
_VOLUME = {"name": "first"}

# -- packing -------------------------------------------------------------------------------------

#: In a process of its own, since Ansible packs a module once in each: prints seconds to pack it, and to pack the engine.
_PACK = """
import json, sys, time
from ansible.executor.module_common import modify_module
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader, module_loader
from ansible.template import Templar
init_plugin_loader()
name = sys.argv[1]
path = module_loader.find_plugin_with_context(name).plugin_resolved_path
from ansible_collections.slipway.oci.plugins.plugin_utils import delivery
begin = time.perf_counter()
if name.startswith("slipway.oci."):
    delivery.name_of_engine()
modify_module(
    module_name=name, module_path=path, module_args={}, templar=Templar(DataLoader()),
    task_vars={"ansible_python_interpreter": sys.executable}, module_compression="ZIP_DEFLATED",
)
packed = time.perf_counter()
delivery.archived_engine()
print(json.dumps([packed - begin, time.perf_counter() - packed]))
"""


def measure_packing(place: Place, rounds: int) -> list[Figure]:
    """Return what the controller takes to pack a module once in a play, and the engine once where a host lacks it."""
    samples = [
        (*_pack(place, "slipway.oci.container"), _pack(place, "ansible.builtin.ping")[0])
        for _round in range(rounds + 1)
    ][1:]
    module, engine, peer = medians(samples)
    return [
        Figure("packing module container", module, "packing ping", peer, rounds, 1.5),
        Figure("  packing the engine, where a host lacks it", engine, "packing ping", peer, rounds),
    ]


def _pack(place: Place, module: str) -> tuple[float, float]:
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": os.path.abspath(".build/collections"),
        "ANSIBLE_HOME": f"{place.disk}/ansible",
    }
    argv = [sys.executable, "-c", _PACK, module]
    said = subprocess.run(argv, env=environment, check=True, capture_output=True, text=True).stdout
    packed, engine = json.loads(said)
    return packed, engine


# -- on the wire ---------------------------------------------------------------------------------


def measure_wire(place: Place, host: Host, rounds: int) -> list[Figure]:
    """Return the bytes that one more task sends over ssh, without and with pipelining, and those of the engine."""
    with sshd() as far, counted(far) as wire:
        for_user = {**far.variables, "ansible_port": wire.port}
        figures = []
        for told, pipelining in (("", "false"), (", ANSIBLE_PIPELINING=true", "true")):
            plays = Plays(place, {"far": for_user}, {"ANSIBLE_PIPELINING": pipelining})
            ours = container(host)
            plays.run([ours])
            samples = [(_sent(plays, wire, ours), _sent(plays, wire, PING)) for _round in range(rounds)]
            task, peer = medians(samples)
            what = f"container task over ssh, bytes sent{told}"
            figures.append(Figure(what, task, "ansible.builtin.ping", peer, rounds, 1.15, size))
        engine = _sent_of_engine(place, plays, wire)
        return [*figures, Figure("  the engine, once for a host", engine, "ping", peer, 1, None, size)]


def _sent(plays: Plays, wire: SimpleNamespace, task: Task) -> float:
    """Return the bytes that one more task sends, by the difference of two plays."""
    sent = []
    for count in (_FEW, _MANY):
        before = wire.sent
        plays.run([task] * count, same=True)
        sent.append(wire.sent - before)
    return (sent[1] - sent[0]) / (_MANY - _FEW)


def _sent_of_engine(place: Place, plays: Plays, wire: SimpleNamespace) -> float:
    """Return the bytes that a host's first task sends more than its second."""
    task, sent = _first(place), []
    for _turn in range(2):
        before = wire.sent
        plays.run([task])
        sent.append(wire.sent - before)
    return sent[0] - sent[1]


@contextmanager
def counted(far: SshHost) -> Iterator[SimpleNamespace]:
    """Yield a ``port`` that leads to the sshd, and how many bytes its clients have ``sent`` so far."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        wire = SimpleNamespace(port=listening.getsockname()[1], sent=0)
        key = Path(far.top, "host.pub").read_text(encoding="ascii")
        with open(f"{far.top}/known_hosts", "a", encoding="ascii") as known:
            known.write(f"[127.0.0.1]:{wire.port} {key}")
        threading.Thread(target=_serve, args=(listening, far.port, wire), daemon=True).start()
        try:
            yield wire
        finally:
            far.hang_up()
            listening.shutdown(socket.SHUT_RDWR)


def _serve(listening: socket.socket, port: int, wire: SimpleNamespace) -> None:
    while True:
        try:
            client, _address = listening.accept()
        except OSError:  # shut down: nobody comes any more
            return
        server = socket.create_connection(("127.0.0.1", port))
        for way in ((client, server, wire), (server, client, None)):
            threading.Thread(target=_hand_on, args=way, daemon=True).start()


def _hand_on(source: socket.socket, target: socket.socket, wire: SimpleNamespace | None) -> None:
    """Hand on what comes until it ends; ``wire`` counts it. Only one thread of one client at a time adds to the count."""
    with suppress(OSError):  # one of the two is gone
        while data := source.recv(1 << 16):
            if wire is not None:
                wire.sent += len(data)
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


# -- the first task ------------------------------------------------------------------------------


def measure_first(place: Place, rounds: int) -> list[Figure]:
    """Return the time of a play of one task on a host without an engine, and again when it is there."""
    plays, samples = Plays(place), []
    for _round in range(rounds):
        task = _first(place)
        samples.append(
            (
                seconds_of(lambda task=task: plays.run([task])),
                seconds_of(lambda task=task: plays.run([task], same=True)),
                seconds_of(lambda: plays.run([PING], same=True)),
            )
        )
    first, second, peer = medians(samples)
    return [
        Figure("a play of one task, the first on a bare host", first, "of one ping", peer, rounds),
        Figure("  the same again", second, "of one ping", peer, rounds),
    ]


def _first(place: Place) -> Task:
    """Return a task for an engine that is not there yet."""
    top = place.fresh("bare")
    where = {"root": f"{top}/root", "run_root": f"{place.run}/{os.path.basename(top)}"}
    return {"slipway.oci.volume": {**_VOLUME, **where}}
