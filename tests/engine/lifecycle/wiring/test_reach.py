# SPDX-License-Identifier: GPL-3.0-or-later
"""Reachability of containers in several networks, the host and an outside client, also after incidents."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from dnsquestion import AAAA, A, answers
from powercut import reboot

from _engine.kernel.net import nft
from _engine.network import aardvark
from enginehost import eventually
from netlab import HOST4, HOST6, LATE, LOST

# Independent of the runtime.
pytestmark = pytest.mark.parametrize("runtime", ["runc"], indirect=True)

SUBNETS = {number: [f"10.96.{number}.0/24", f"fd96:{number}::/64"] for number in range(6)}
NETWORKS = {
    "open": {},
    "closed": {"internal": True},
    "one": {"opt": {"isolate": True}},
    "two": {"opt": {"isolate": True}},
    "strict": {"opt": {"isolate": "strict"}},
    "other": {},
}
#: Containers by name: their networks and options.
CONTAINERS = {
    "web": (["open:alias=www"], {"publish": ["8080:80", "8080:80/udp", "127.0.0.1:8081:80", "8080:80/sctp"]}),
    "peer": (["open"], {}),
    "shut": (["closed"], {}),
    "inner": (["closed"], {}),
    "first": (["one"], {"publish": ["8082:80"]}),
    "second": (["two"], {}),
    "alone": (["strict"], {}),
    "both": (["other", "closed"], {}),
}


class Ask(NamedTuple):
    """A client, an address (or a container's: ``name/4``), a port, and whether an answer is expected."""

    who: str
    what: str
    port: int
    answered: bool
    protocols: tuple[str, ...] = ("tcp",)


BOTH = ("tcp", "udp")
ASKS = [
    *(
        Ask(who, f"{to}/{version}", 80, answered, BOTH if answered else ("udp",))
        for version in (4, 6)
        for who, to, answered in (
            ("peer", "web", True),
            ("web", "web", True),
            ("inner", "shut", True),
            ("both", "shut", True),
            ("host", "web", True),
            ("peer", "first", True),
            ("peer", "shut", False),
            ("shut", "peer", False),
            ("second", "first", False),
            ("peer", "alone", False),
            ("alone", "peer", False),
            ("second", "web", True),
        )
    ),
    Ask("outside", HOST4, 8080, True, BOTH),
    Ask("outside", HOST6, 8080, True, BOTH),
    Ask("host", "127.0.0.1", 8080, True, BOTH),
    Ask("host", HOST4, 8080, True, BOTH),
    Ask("web", HOST4, 8080, True, BOTH),
    Ask("web", HOST6, 8080, True, BOTH),
    Ask("peer", HOST4, 8080, True, BOTH),
    Ask("peer", HOST6, 8080, True),
    Ask("both", HOST4, 8080, True),
    Ask("outside", HOST4, 8082, True),
    Ask("host", "127.0.0.1", 8081, True),
    Ask("outside", HOST4, 8081, False),
    Ask("peer", HOST4, 8081, False),
    Ask("shut", HOST4, 8080, False),
]


class Town:
    """The containers on the host of the lab."""

    def __init__(self, host, lab) -> None:
        self.host, self.lab = host, lab
        for number, (name, options) in enumerate(NETWORKS.items()):
            host.network(name, subnet=SUBNETS[number], **options)
        self.start()

    def start(self) -> None:
        """Start all containers."""
        for name, (networks, options) in CONTAINERS.items():
            self.host.start("sleep", "100000", name=name, network=networks, stop_timeout=0, **options)

    def netns(self, name: str) -> str:
        """Return the path of a container's network namespace."""
        return self.host.layout.container(self.host.record(name).id).netns

    def addresses(self, name: str) -> dict[int, str]:
        """Return the addresses of a container in its first network, by IP version."""
        ips = self.host.record(name).endpoints[0].addresses
        return {6 if ":" in ip else 4: ip for ip in ips}

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Name each container's namespace in the lab, and run a TCP and a UDP server in it."""
        with ExitStack() as stack:
            for name in CONTAINERS:
                place = Path(self.lab.path(name))
                place.symlink_to(self.netns(name))
                stack.callback(place.unlink)
            for name in CONTAINERS:
                for protocol in BOTH:
                    stack.enter_context(self.lab.serving(name, "::", 80, protocol))
            yield

    def wrong(self) -> list[str]:
        """Return, as text, unexpected and missing answers."""
        with self.serving():
            found = [self._told(ask, protocol) for ask in ASKS for protocol in ask.protocols]
            return [text for text in found if text] + self._names()

    def _told(self, ask: Ask, protocol: str) -> str:
        whose, _slash, version = ask.what.partition("/")
        where = self.addresses(whose)[int(version)] if version else ask.what
        answer = self.lab.asked(ask.who, where, ask.port, protocol, wait=LATE if ask.answered else LOST)
        said = f"{ask.who} asks {ask.what} port {ask.port}/{protocol}: {answer or 'no answer'}"
        return "" if bool(answer) == ask.answered else said

    def _names(self) -> list[str]:
        """Return the names that are not resolved as expected by container ``peer``."""
        if aardvark.find() is None:
            return []
        ips = self.addresses("web")
        known = {
            (name, kind): [ips[version]] for name in ("web", "www") for kind, version in ((A, 4), (AAAA, 6))
        }
        asked = {one: answers(self.netns("peer"), one[0], "10.96.0.1", one[1]) for one in known}
        return [f"{one}: {asked[one]}" for one in known if asked[one] != known[one]]


@pytest.fixture
def town(host, lab):
    """Return the running containers."""
    return Town(host, lab)


def restarted(town: Town) -> None:
    """Restart container ``web``."""
    town.host.bring("web", "restarted", stop_time=0)


def killed(town: Town) -> None:
    """Kill container ``web`` and its monitor, and start it again."""
    state = town.host.inspect("web")["State"]
    for pid in (state["ConmonPid"], state["Pid"]):
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: not Path(f"/proc/{state['Pid']}").exists(), "ended")
    town.start()


def booted(town: Town) -> None:
    """Simulate a power cut; the kernel's network state is kept, which is worse than a boot."""
    reboot(town.host)
    town.start()


def flushed(town: Town) -> None:
    """Flush the whole ruleset, and reload it."""
    nft.apply("flush ruleset")
    assert town.host.agent("network", "reload").returncode == 0


def without_iptables(_town: Town) -> None:
    """Flush the rules of iptables, as an administrator's own script does."""
    for program in ("iptables", "ip6tables"):
        for table in ("filter", "nat"):
            subprocess.run([program, "-t", table, "-F"], check=True)


BEFALLS = [restarted, killed, booted, flushed, without_iptables]


def of_rows(host) -> dict[str, tuple[object, object]]:
    """Return the endpoints and ports of each container."""
    records = {name: host.record(name) for name in CONTAINERS}
    return {name: (record.endpoints, record.ports) for name, record in records.items()}


def test_who_reaches_whom(town):
    """Containers reach each other exactly as allowed, over both IP versions, TCP and UDP."""
    before = of_rows(town.host)
    for befall in (None, *BEFALLS):
        if befall:
            befall(town)
        name = befall.__name__ if befall else "at first"
        assert (name, town.wrong(), of_rows(town.host)) == (name, [], before)
