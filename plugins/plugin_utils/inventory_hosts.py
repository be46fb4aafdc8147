# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts of an inventory that is still being parsed: matching of patterns, and variables as in a play."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleParserError
from ansible.inventory.manager import InventoryManager, order_patterns, split_host_pattern
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager

#: The connection plugin of containers.
CONNECTION = "slipway.oci.container"


class InventoryHosts:
    """The hosts of the preceding sources; ``inventory`` is the data passed to a plugin, ``path`` its source."""

    def __init__(self, inventory: Any, loader: Any, path: str) -> None:
        self._manager = InventoryManager(loader, sources=[*inventory.processed_sources, path], parse=False)
        # Private access, because a plugin gets the data but not its manager.
        self._manager._inventory = inventory  # noqa: SLF001
        variables = VariableManager(loader=loader, inventory=self._manager)
        self._variables = HostVars(self._manager, variables, loader)

    def matching(self, patterns: list[str]) -> list[str]:
        """Return the names of the hosts that match the patterns. Raises AnsibleParserError if none does.

        Containers found by another source match only by exact name; otherwise ``all`` would query each
        container.
        """
        # Until all sources are parsed, a host need not be in group all.
        words = ["*" if word == "all" else word for word in order_patterns(split_host_pattern(patterns))]
        hosts = self._manager.get_hosts(words, ignore_limits=True, ignore_restrictions=True)
        found = [
            host.name
            for host in hosts
            if host.vars.get("ansible_connection") != CONNECTION or host.name in words
        ]
        if not found:
            raise AnsibleParserError(
                f"hosts: {', '.join(patterns)} matches no host. Only hosts of preceding inventory sources are known:"
                " sources are read in the order of -i, and those of a directory in alphabetical order"
            )
        return found

    def is_controller(self, name: str) -> bool:
        """Return whether the name refers to the controller, and not to a host defined in the inventory."""
        return bool(self._manager.get_host(name).implicit)

    def variables(self, name: str) -> Mapping[str, Any]:
        """Return the variables of a host, each templated when it is read."""
        variables: Mapping[str, Any] = self._variables[name]
        return variables
