# SPDX-License-Identifier: GPL-3.0-or-later
"""Published ports and isolated networks on a host without nftables."""

from __future__ import annotations

import subprocess

import pytest

from _engine.errors import HostLacks, NotFound
from _engine.kernel import command
from _engine.kernel.net import nft
from _engine.model.network.wiring import Port
from _engine.network import firewall, rules
from netlab import HOST4, OUTSIDE4
from nettown import (
    ASKED,
    GATEWAY4,
    NETWORKS,
    OTHER,
    PASSES,
    PLAIN,
    WEB,
    loaded,
    opened,
    passes,
    publication,
    seen,
)


@pytest.fixture(scope="module")
def town(lab, need):
    """Return the lab with all networks, without libnftables and nft."""
    need(command.find_program("iptables-restore") and command.find_program("ip6tables-restore"), "iptables")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nft, "_loaded", [None])
        patch.setattr(nft, "PROGRAM", "no-nft")
        with opened(lab):
            yield lab


def saved(lab) -> str:
    """Return all iptables rules on the host, without counters."""
    argv = ["nsenter", f"--net={lab.path('host')}", "sh", "-c", "iptables-save; ip6tables-save"]
    told = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    return "\n".join(line for line in told.splitlines() if line[:1] not in {"#", ":"})


@pytest.mark.parametrize(
    ("who", "where", "port", "sees"), ASKED, ids=[f"{case[0]}-{case[1]}-{case[2]}" for case in ASKED]
)
def test_who_reaches_what(town, who, where, port, sees):
    """The same clients reach a port with iptables as with nftables, from the same addresses."""
    assert firewall.backend() == "iptables"
    assert seen(town, who, where, port, expected=sees) == sees


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize(("who", "to", "arrives"), PASSES)
def test_what_passes_between_networks(town, who, to, arrives, version):
    """The same packets pass between networks with iptables as with nftables."""
    assert passes(town, who, to, version, expected=arrives) is arrives


def test_rules_are_written_once(town):
    """Loading and publishing again, or withdrawing and publishing, does not change the rules."""
    before = saved(town)
    loaded(town)
    town.host(firewall.publish, WEB)
    assert sorted(saved(town).splitlines()) == sorted(before.splitlines())
    for _ignored in range(2):
        town.host(firewall.withdraw, WEB.container_id)
        assert WEB.container_id not in saved(town)
        assert seen(town, "outside", HOST4, 8080) == ""
    assert seen(town, "outside", HOST4, 8100, expected=OUTSIDE4) == OUTSIDE4
    town.host(firewall.publish, WEB)
    assert seen(town, "outside", HOST4, 8080, expected=OUTSIDE4) == OUTSIDE4


def test_one_address_comes_before_any(town):
    """A port at a single address of the host takes precedence over the same port at any address."""
    apart = publication("other", Port("tcp", HOST4, 8080, 80))
    town.host(firewall.publish, apart)
    assert seen(town, "peer", HOST4, 8080, expected=GATEWAY4) == OTHER.subnets[0].gateway
    town.host(firewall.withdraw, apart.container_id)
    assert seen(town, "peer", HOST4, 8080, expected=GATEWAY4) == GATEWAY4


def test_it_comes_back_after_a_flush(town):
    """Without rules, nothing is reachable; after loading again, everything is as before."""
    flush = "for p in iptables ip6tables; do for t in raw mangle nat; do $p -t $t -F; $p -t $t -X; done; done"
    subprocess.run(["nsenter", f"--net={town.path('host')}", "sh", "-ec", flush], check=True)
    assert not town.host(firewall.present)
    for act in (lambda: firewall.publish(WEB), lambda: firewall.renew(NETWORKS)):
        with pytest.raises(NotFound, match="slipway"):
            town.host(act)
    town.host(firewall.withdraw, WEB.container_id)
    assert seen(town, "outside", HOST4, 8080) == ""
    loaded(town)
    assert town.host(firewall.present)
    assert seen(town, "outside", HOST4, 8080, expected=OUTSIDE4) == OUTSIDE4


def test_networks_are_renewed_without_the_ports(town):
    """Networks are added and removed while published ports stay."""
    town.host(firewall.renew, [PLAIN])
    assert passes(town, "peer", "strict", 4, expected=True)
    assert seen(town, "outside", HOST4, 8080, expected=OUTSIDE4) == OUTSIDE4
    town.host(firewall.renew, NETWORKS)
    assert not passes(town, "peer", "strict", 4, expected=False)


def test_engines_live_side_by_side(town):
    """Another engine has its own chains, whose removal does not affect the first engine."""
    before = saved(town)
    table = rules.table_of("/srv/other")
    town.host(firewall.load, [OTHER], [publication("other", Port("tcp", "", 8200, 80))], table=table)
    for port in (8080, 8200):
        assert seen(town, "outside", HOST4, port, expected=OUTSIDE4) == OUTSIDE4
    for _ignored in range(2):
        town.host(firewall.remove, table=table)
    assert saved(town) == before
    town.host(firewall.remove)
    assert "SLIPWAY" not in saved(town)
    loaded(town)


def test_a_host_without_both_is_told(town, monkeypatch):
    """Without nftables and iptables, the error names the role that installs them."""
    monkeypatch.setattr(command, "SEARCH_PATH", "/nonexistent")
    with pytest.raises(HostLacks, match=r"slipway\.oci\.host"):
        town.host(firewall.present)
