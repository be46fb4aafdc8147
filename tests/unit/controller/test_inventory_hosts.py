# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible.errors import AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible_collections.slipway.oci.plugins.plugin_utils.inventory_hosts import CONNECTION, InventoryHosts


@pytest.fixture
def known(tmp_path):
    """Return the hosts of a partly parsed inventory: two in a group, one in none, and a container."""
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars/webservers.yml").write_text("ansible_port: 2222\nfrom_file: group\n")
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "host_vars/web1.yml").write_text("from_file: host of {{ inventory_hostname }}\n")
    data = InventoryData()
    data.processed_sources.append(str(tmp_path / "hosts"))
    data.add_group("webservers")
    for name in ("web1", "web2"):
        data.add_host(name, "webservers")
    data.add_host("alone")
    data.add_host("box")
    data.set_variable("box", "ansible_connection", CONNECTION)
    data.set_variable("webservers", "of_group", value=1)
    data.set_variable("all", "of_all", value=2)
    data.set_variable("web1", "of_group", value=3)
    return InventoryHosts(data, DataLoader(), str(tmp_path / "c.slipway.yml"))


PATTERNS = [
    (["all"], {"web1", "web2", "alone"}),
    (["webservers", "!web2"], {"web1"}),
    (["!web2"], {"web1", "alone"}),
    (["web1,alone"], {"web1", "alone"}),
    (["web*", "&webservers"], {"web1", "web2"}),
    (["~.*2"], {"web2"}),
    (["box", "web1"], {"box", "web1"}),
    (["webservers[0]", "localhost"], {"web1", "localhost"}),
]


@pytest.mark.parametrize(("patterns", "names"), PATTERNS)
def test_patterns(known, patterns, names):
    """Patterns match as in a play, although the inventory is not fully parsed."""
    assert set(known.matching(patterns)) == names


def test_a_pattern_that_means_no_host(known):
    """A pattern that matches nothing is an error that explains the order of sources."""
    with pytest.raises(AnsibleParserError, match=r"databases matches no host.*in the order of -i"):
        known.matching(["databases"])


def test_variables(known):
    """A host's variables are those of a play, templated: its own over its groups', and those of the files beside the sources."""
    seen = known.variables("web1")
    assert (seen["of_all"], seen["of_group"], seen["ansible_port"], seen["from_file"]) == (
        2,
        3,
        2222,
        "host of web1",
    )
    assert known.variables("web2")["from_file"] == "group"


def test_the_controller(known):
    """The name localhost refers to the controller unless the inventory defines it."""
    assert known.is_controller("localhost")
    assert not known.is_controller("alone")
