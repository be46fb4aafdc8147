# SPDX-License-Identifier: GPL-3.0-or-later
"""Change and read nftables, with the library and with the program."""

from __future__ import annotations

import pytest

from _engine.errors import CommandFailed, HostLacks
from _engine.kernel import command
from _engine.kernel.net import netns, nft


@pytest.fixture(params=[nft.LIBRARY, nft.PROGRAM])
def backend(request, monkeypatch, need):
    """Make only one of the two available."""
    if request.param == nft.LIBRARY:
        need(nft._load() is not None, "libnftables")
        return request.param
    monkeypatch.setattr(nft, "_loaded", [])
    monkeypatch.setattr(nft, "LIBRARY", "libnone.so.1")
    return request.param


def test_a_table_is_made_and_read(space, backend):
    """A script is executed in the caller's namespace, and the table is read with numeric symbols."""
    assert nft.backend() == backend
    script = (
        'table inet t { map m { type inet_service : ipv4_addr; elements = { 80 comment "x" : 10.0.0.1 }; }; }'
    )
    assert netns.call(space, lambda: nft.table("inet", "t")) is None
    netns.call(space, lambda: nft.apply(script))
    assert netns.call(space, lambda: nft.has_table("inet", "t"))
    found = netns.call(space, lambda: nft.table("inet", "t"))
    maps = [item["map"]["elem"] for item in found if "map" in item]
    assert maps == [[[{"elem": {"val": 80, "comment": "x"}}, "10.0.0.1"]]]
    assert not nft.has_table("inet", "t")


def test_a_script_is_done_as_a_whole_or_not_at_all(space, backend):
    """A script with an error changes nothing, and the error is nftables's message."""
    with pytest.raises(CommandFailed, match="No such file or directory"):
        netns.call(space, lambda: nft.apply("table inet t\ndelete element inet t m { 80 }"))
    assert not netns.call(space, lambda: nft.has_table("inet", "t"))


def test_a_host_without_either_is_told(monkeypatch):
    """Without library and program, the error names the role that installs them."""
    monkeypatch.setattr(nft, "_loaded", [None])
    monkeypatch.setattr(command, "SEARCH_PATH", "/nonexistent")
    with pytest.raises(HostLacks, match=r"slipway\.oci\.host") as caught:
        nft.apply("table inet t")
    assert caught.value.fields == {"program": "nft"}
