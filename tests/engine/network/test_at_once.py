# SPDX-License-Identifier: GPL-3.0-or-later
"""Attach and detach from several processes at once."""

from __future__ import annotations

import os
from collections.abc import Callable

from _engine.kernel.net import netns, nft
from _engine.model.network.wiring import Port, Publication
from _engine.network import bridge, firewall, rules
from netlab import Lab, attachment, plain, record

NETWORK = record("busy", 1)
PROCESSES, EACH = 4, 6


def published(number: int) -> Publication:
    """Return the port of a container."""
    addresses = tuple(map(plain, attachment(NETWORK, number).addresses))
    return Publication(
        f"{number:064x}", addresses, (Port("tcp", "", 8000 + number, 80), Port("udp", "", 8000 + number, 80))
    )


def at_once(act: Callable[[int], None]) -> list[int]:
    """Call a function for each container number, in several processes; return their exit codes."""
    pids = []
    for first in range(PROCESSES):
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                for number in range(2 + first, 2 + PROCESSES * EACH, PROCESSES):
                    act(number)
                code = 0
            finally:
                os._exit(code)
        pids.append(pid)
    return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]


def elements(lab: Lab) -> set[rules.Element]:
    """Return all ports in the table."""
    objects = lab.host(nft.table, "inet", "slipway")
    return {
        one for number in range(2, 2 + PROCESSES * EACH) for one in rules.owned(objects, f"{number:064x}")
    }


def test_containers_come_and_go_at_once(lab):
    """Containers that several processes attach and publish concurrently all exist, and are all gone afterwards."""
    lab.host(bridge.ensure, NETWORK)
    lab.host(firewall.load, [NETWORK], [])

    def come(number: int) -> None:
        lab.attach(f"c{number}", NETWORK, attachment(NETWORK, number))
        lab.host(firewall.publish, published(number))

    def go(number: int) -> None:
        known = published(number) if number % 2 else None
        lab.host(firewall.withdraw, published(number).container_id, known=known)
        lab.host(bridge.detach, attachment(NETWORK, number))
        netns.unpin(lab.path(f"c{number}"))

    numbers = range(2, 2 + PROCESSES * EACH)
    assert at_once(come) == [0] * PROCESSES
    assert {*lab.host(bridge.observe, NETWORK).ports} == {
        attachment(NETWORK, number).host_interface for number in numbers
    }
    assert elements(lab) == {one for number in numbers for one in rules.elements(published(number))}
    assert at_once(go) == [0] * PROCESSES
    assert lab.host(bridge.observe, NETWORK).ports == ()
    assert elements(lab) == set()
