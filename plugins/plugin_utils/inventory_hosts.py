# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts of an inventory that is still being read, by Ansible's patterns, and their variables as a play sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleParserError
from ansible.inventory.manager import InventoryManager, order_patterns, split_host_pattern
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager

#: The connection to a container.
CONNECTION = "slipway.oci.container"


class InventoryHosts:
    """What the sources before this one have brought; ``inventory`` is the data that a plugin gets, ``path`` its source."""

    def __init__(self, inventory: Any, loader: Any, path: str) -> None:
        self._manager = InventoryManager(loader, sources=[*inventory.processed_sources, path], parse=False)
        # There is no other way to lend it the data: a plugin is given these and not their manager.
        self._manager._inventory = inventory  # noqa: SLF001
        variables = VariableManager(loader=loader, inventory=self._manager)
        self._variables = HostVars(self._manager, variables, loader)

    def matching(self, patterns: list[str]) -> list[str]:
        """Return the names of the hosts that a list of patterns means. Raises AnsibleParserError when it means none.

        Containers that another source has found are meant by their names alone: ``all`` would ask each for its own.
        """
        # Before all sources are read, a host need not be in group all yet.
        words = ["*" if word == "all" else word for word in order_patterns(split_host_pattern(patterns))]
        hosts = self._manager.get_hosts(words, ignore_limits=True, ignore_restrictions=True)
        found = [
            host.name
            for host in hosts
            if host.vars.get("ansible_connection") != CONNECTION or host.name in words
        ]
        if not found:
            raise AnsibleParserError(
                f"hosts: {', '.join(patterns)} means no host. Known are those of the inventory sources before this one:"
                " sources are read in the order of -i, those of a directory in that of their names"
            )
        return found

    def is_controller(self, name: str) -> bool:
        """Tell whether the name means the controller itself, and no host that the inventory speaks of."""
        return bool(self._manager.get_host(name).implicit)

    def variables(self, name: str) -> Mapping[str, Any]:
        """Return the variables of a host, each templated when it is read."""
        variables: Mapping[str, Any] = self._variables[name]
        return variables
