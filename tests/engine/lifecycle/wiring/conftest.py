# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine whose host is a separate network namespace, with a client outside."""

from __future__ import annotations

import os
import urllib.error
import urllib.request

import pytest

from _engine.kernel import libc
from _engine.network import aardvark
from enginehost import eventually
from netlab import Lab


@pytest.fixture(scope="module")
def lab(tmp_path_factory, need):
    """Return a host and an outside client for all tests of a file."""
    need(os.geteuid() == 0, "root")
    lab = Lab(tmp_path_factory.mktemp("lab"))
    yield lab
    lab.close()


@pytest.fixture
def on_the_host(lab):
    """Run the test in the lab's host, so that the machine's network is not touched."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    inside = os.open(lab.path("host"), os.O_RDONLY)
    try:
        libc.setns(inside, libc.CLONE_NEWNET)
        yield
    finally:
        libc.setns(before, libc.CLONE_NEWNET)
        os.close(before)
        os.close(inside)


@pytest.fixture
def host(on_the_host, runtime, hosts, keep_clean):
    """Return an engine for each runtime, and check that nothing is left, also in the kernel."""
    host = hosts(runtime)
    yield from keep_clean(host)
    eventually(lambda: host.links() == [], "no link and no table is left")


@pytest.fixture
def no_server(monkeypatch):
    """Hide aardvark-dns, which distributions install outside PATH."""
    monkeypatch.setattr(aardvark, "PLACES", ())
    assert aardvark.find() is None


@pytest.fixture
def passable(on_the_host, passable_host):
    """Return an engine that a user namespace's root can reach; check that it leaves no link and no table."""
    yield passable_host
    passable_host.clear()
    eventually(lambda: passable_host.links() == [], "no link and no table is left")


@pytest.fixture
def fetch(lab):
    """Return a function that gets the host name from a container's web server; "" without an answer."""

    def fetch(where: str, *, wait: float = 10.0) -> str:
        def ask() -> str:
            try:
                with urllib.request.urlopen(f"http://{where}/hostname", timeout=wait) as answer:
                    return answer.read().decode().strip()
            except (urllib.error.URLError, OSError):
                return ""

        return ask()

    def from_place(place: str, where: str, *, wait: float = 10.0) -> str:
        return lab.within(place, lambda: fetch(where, wait=wait))

    return from_place
