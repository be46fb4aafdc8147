# SPDX-License-Identifier: GPL-3.0-or-later
"""A play with networks, on a host whose own network is a namespace that ends with the play."""

from __future__ import annotations

APART = ("unshare", "--net")
#: What the host of the play has: a bridge with the subnet that would be chosen first.
BRIDGE = [
    {"name": f"host {number}", "ansible.builtin.command": command, "changed_when": False}
    for number, command in enumerate(
        (
            "ip link add br9 type bridge",
            "ip address add 10.89.0.1/24 dev br9",
            "ip link set br9 up",
        )
    )
]
APP = {"name": "app", "opt": {"mtu": 1400}, "label": {"tier": "web"}}


def network(title: str, **options) -> dict[str, object]:
    """Return a task with module network."""
    return {"name": title, "slipway.oci.network": options}


def test_a_play_with_networks(node):
    """A network is made clear of the host's, told of, changed and removed; what is refused changes nothing."""
    play = node.play(
        *BRIDGE,
        network("make", **APP),
        network("again", **APP),
        network("name alone", name="app", label={"tier": "web"}),
        {"name": "look", "slipway.oci.network_info": {"label": ["tier=web"]}},
        network("label", **{**APP, "label": {"tier": "db"}}),
        network("anew", name="app", internal=True, label={"tier": "db"}),
        {**network("clash", name="other", subnet="10.89.0.0/25"), "ignore_errors": True},
        {**network("wrong", name="other", subnet="10.1.0.0/24", gateway="10.2.0.1"), "ignore_errors": True},
        network("away", name="app", state="absent"),
        network("away again", name="app", state="absent"),
        {"name": "look again", "slipway.oci.network_info": {}},
        options=["--diff"],
        before=APART,
    )
    assert [name for name, _message in play.failed] == ["clash", "wrong"]
    assert [name for name in play.changed if not name.startswith("host")] == ["make", "label", "anew", "away"]
    made = play["make"]["network"]
    assert made["subnets"] == [{"subnet": "10.89.1.0/24", "gateway": "10.89.1.1"}]
    assert play["look"]["networks"] == [made]
    assert play["label"]["diff"]["after"] == {"labels.tier": "db"}
    assert play["anew"]["plan"]["cost"] == "recreate"
    assert play["anew"]["network"]["options"] == {"mtu": "1400"}
    assert (play["clash"]["error"], play["clash"]["route"]) == ("subnet_in_use", "10.89.0.0/24 dev br9")
    assert (play["wrong"]["error"], play["wrong"]["option"]) == ("invalid_option", "gateway")
    assert (play["away"]["network"], play["look again"]["networks"]) == ({}, [])


def test_check_mode_foresees_a_whole_play(node):
    """In check mode a play with a clash that its own tasks mend goes through, and nothing is made."""
    node.play(network("first", name="old", subnet="10.1.0.0/24"), before=APART)
    tasks = (network("away", name="old", state="absent"), network("new", name="new", subnet="10.1.0.0/24"))
    foreseen = node.play(*tasks, check=True, before=APART)
    assert (foreseen.failed, foreseen.changed) == ([], ["away", "new"])
    assert [one["name"] for one in node.task("network_info")["networks"]] == ["old"]
    done = node.play(*tasks, before=APART)
    assert (done.failed, done.changed) == ([], ["away", "new"])
