# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine on a host whose network is a namespace, and tasks of module network there."""

from __future__ import annotations

import os
import subprocess
import threading
from contextlib import contextmanager

import pytest

from _engine.kernel import libc
from _engine.lifecycle.host.opening import open_engine
from _engine.lifecycle.network.converge import converge_network
from _engine.lifecycle.network.tell import networks
from _engine.model.network.grammar import parse
from _engine.plan.network import How


class Node:
    """An engine, and the network namespace in which each call is made."""

    def __init__(self, top) -> None:
        self.top = top
        self.fd = _in_thread(self._made)

    def _made(self) -> int:
        libc.unshare(libc.CLONE_NEWNET)
        return os.open("/proc/thread-self/ns/net", os.O_RDONLY)

    def within(self, act):
        """Return the result of ``act`` in the host's network."""

        def entered():
            libc.setns(self.fd, libc.CLONE_NEWNET)
            return act()

        return _in_thread(entered)

    def ip(self, *words: str) -> str:
        """Run the program ip there, and return its output."""
        return self.within(
            lambda: subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout
        )

    @contextmanager
    def _engine(self, **settings):
        with open_engine(f"{self.top}/root", f"{self.top}/run", **settings) as engine:
            yield engine

    def engine(self, act, **settings):
        """Return the result of ``act`` with the engine, opened there."""

        def opened():
            with self._engine(**settings) as engine:
                return act(engine)

        return self.within(opened)

    def want(self, name="app", state="present", *, how=How(), labels=None, predicting=False, **options):  # noqa: B008
        """Converge a network to the state."""
        asked = parse({"name": name, **options})
        asked = asked._replace(spec=type(asked.spec)(**{**vars(asked.spec), "labels": labels or {}}))
        return self.engine(
            lambda engine: converge_network(engine, asked, state, how),
            **({"read_only": True} if predicting else {}),
        )

    def told(self, *names: str, **how):
        """Return the report of the named networks, or of all."""
        return self.engine(lambda engine: networks(engine, names or None, **how).result["networks"])


def _in_thread(act):
    """Call a function in a thread, which may enter other namespaces; return its result or raise its error."""
    results, errors = [], []

    def run() -> None:
        try:
            results.append(act())
        except BaseException as error:  # noqa: BLE001  (raised again in the waiting thread)
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


@pytest.fixture
def node(need, tmp_path):
    """Return a host with an empty engine, in a network namespace that ends with the test."""
    need(os.geteuid() == 0, "root")
    node = Node(tmp_path)
    yield node
    os.close(node.fd)
