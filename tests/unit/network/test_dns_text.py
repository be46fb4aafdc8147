# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of a network for aardvark-dns: a line with its addresses, and a line per container."""

from __future__ import annotations

import pytest

from _engine.network.dns_text import Named, added, without

WEB = Named("a" * 64, ("10.9.0.2", "fd09::2"), ("Web", "aaaa", "web"))
DB = Named("b" * 64, ("10.9.0.3",), ("db",), ("192.0.2.5", "192.0.2.6"))
SIX = Named("c" * 64, ("fd09::4",), ("six",))
LINES = {
    WEB: f"{'a' * 64} 10.9.0.2 fd09::2 web,aaaa\n",
    DB: f"{'b' * 64} 10.9.0.3  db 192.0.2.5,192.0.2.6\n",
    SIX: f"{'c' * 64}  fd09::4 six\n",
}
FIRST = "10.9.0.1,fd09::1\n"


@pytest.mark.parametrize("named", LINES)
def test_the_line_of_a_container(named):
    """A line has the ID, the addresses of each IP version, names in lower case, and servers if there are any."""
    assert added("", ["10.9.0.1", "fd09::1"], [], named) == FIRST + LINES[named]


def test_the_first_line():
    """The first line has the gateways and the network's own servers, and is rewritten with each container."""
    before = FIRST + LINES[WEB]
    assert added(before, ["10.9.0.1"], ["192.0.2.7", "192.0.2.8"], WEB) == (
        f"10.9.0.1 192.0.2.7,192.0.2.8\n{LINES[WEB]}"
    )


def test_lines_come_and_go():
    """Adding a container again changes nothing, a changed line is replaced, and removing the last empties the file."""
    gateways = ["10.9.0.1", "fd09::1"]
    one = added("", gateways, [], WEB)
    two = added(one, gateways, [], DB)
    assert two == FIRST + LINES[WEB] + LINES[DB]
    assert added(two, gateways, [], WEB) == two
    changed = WEB._replace(names=("web", "other"))
    assert added(two, gateways, [], changed) == (
        FIRST + LINES[DB] + LINES[WEB].replace("web,aaaa", "web,other")
    )
    assert without(two, WEB.container_id) == FIRST + LINES[DB]
    assert without(two, SIX.container_id) == two
    assert without(without(two, WEB.container_id), DB.container_id) == ""
    assert without("", WEB.container_id) == ""
