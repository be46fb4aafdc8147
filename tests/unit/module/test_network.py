# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of module network become a request of the engine."""

from __future__ import annotations

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.slipway.oci.plugins.module_utils._engine.errors import InvalidOption, NotBuiltYet
from ansible_collections.slipway.oci.plugins.module_utils._engine.model.network.spec import (
    NetworkSpec,
    Subnet,
)
from ansible_collections.slipway.oci.plugins.module_utils._engine.plan.network import How
from ansible_collections.slipway.oci.plugins.module_utils._module.tasks.network import to_network
from ansible_collections.slipway.oci.plugins.module_utils._module.tasks.network_options import ARGUMENTS


def request(**options):
    """Return the request of a task, with options parsed as by Ansible."""
    done = ArgumentSpecValidator(ARGUMENTS).validate({"name": "app", **options})
    assert not done.error_messages
    return to_network(done.validated_parameters)


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        ({}, {}),
        ({"labels": {"tier": "web", "n": 1}}, {"labels": {"tier": "web", "n": "1"}}),
        ({"subnet": "10.1.0.0/24", "gateway": "10.1.0.9"}, {"subnets": (Subnet("10.1.0.0/24", "10.1.0.9"),)}),
        ({"net_config": [{"subnet": "10.1.0.0/24"}]}, {"subnets": (Subnet("10.1.0.0/24"),)}),
        ({"options": {"mtu": 1400}, "internal": "yes"}, {"options": {"mtu": "1400"}, "internal": True}),
        ({"opt": "mtu=1400"}, {"options": {"mtu": "1400"}}),
        ({"network_dns_servers": ["192.0.2.1"], "disable_dns": False}, {"dns_servers": ("192.0.2.1",)}),
    ],
)
def test_options_become_a_spec(options, fields):
    """The options have the names and types of podman_network, and lists may be strings."""
    assert request(**options).asked.spec == NetworkSpec("app", **fields)


def test_a_removal_asks_for_no_more():
    """For an absent network no other option matters, and an invalid name is absent."""
    found = request(state="absent", subnet=["nonsense"], force=True, recreate=True)
    assert (found.asked.spec, found.how, len(found.remarks)) == (NetworkSpec("app"), How(force=True), 1)
    assert request(name="a/b", state="absent") is None


@pytest.mark.parametrize(
    ("options", "error", "option"),
    [
        ({"ipam_driver": "dhcp"}, NotBuiltYet, "ipam_driver"),
        ({"labels": {"a=b": ""}}, InvalidOption, "label"),
        ({"subnet": ["nonsense"]}, InvalidOption, "subnet"),
        ({"opt": 7}, InvalidOption, "opt"),
    ],
)
def test_what_is_refused(options, error, option):
    """Each error names the option."""
    with pytest.raises(error) as caught:
        request(**options)
    assert caught.value.fields["option"] == option
