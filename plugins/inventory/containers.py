# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventory plugin: the containers of the controller and of other hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
name: containers
short_description: Containers of the controller and of other hosts
version_added: 0.1.0
description:
  - Adds each container of slipway.oci, on the controller or on other hosts of the inventory, as a host with the
    variables that the connection plugin P(slipway.oci.container#connection) needs, so that plays can run in it.
  - All containers are listed, running or not. O(filters) and O(query) select among them. Only running containers can be
    connected to.
  - The file name of the source must be C(slipway.yml) or C(slipway.yaml), or end with C(.slipway.yml) or
    C(.slipway.yaml), for example C(containers.slipway.yml).
  - The plugin changes nothing on the hosts.
extends_documentation_fragment:
  - constructed
  - inventory_cache
author:
  - Slipway authors (@slipway)
options:
  plugin:
    description: Name of this plugin.
    type: str
    required: true
    choices: [slipway.oci.containers]
  hosts:
    description:
      - Hosts whose containers are listed, as patterns
        (U(https://docs.ansible.com/ansible/latest/inventory_guide/intro_patterns.html)).
      - They must be hosts of inventory sources that precede this one. Each is reached by its own connection, including
        become, up to C(forks) hosts at a time.
      - A container found by an earlier source is matched only by its exact name, so V(all) does not include containers.
      - V(localhost) is the controller, unless the inventory has a host of that name.
    type: list
    elements: str
    default: [localhost]
  root:
    description:
      - State directory of the engine on the hosts, if it is not the default. Sets C(ansible_slipway_root) of the
        containers.
    type: str
    env:
      - name: ANSIBLE_SLIPWAY_ROOT
    ini:
      - section: slipway_connection
        key: root
  run_root:
    description:
      - Volatile directory of the engine on the hosts, if it is not the default. Sets C(ansible_slipway_run_root) of the
        containers.
    type: str
    env:
      - name: ANSIBLE_SLIPWAY_RUN_ROOT
    ini:
      - section: slipway_connection
        key: run_root
  agent:
    description:
      - Path of the program C(slipway) on the hosts, if it is not the default. Sets C(ansible_slipway_agent) of the
        containers.
    type: str
    env:
      - name: ANSIBLE_SLIPWAY_AGENT
    ini:
      - section: slipway_connection
        key: agent
  unreachable:
    description:
      - What to do when a host cannot be reached or does not return a list of containers.
      - With V(warn), the other hosts are still listed. With V(fail), this inventory source fails.
    type: str
    choices: [warn, fail]
    default: warn
  filters:
    description:
      - List only containers that match all of these filters, which are those of podman.
      - If a filter has several values, a container must match one of them. With several labels, it must have all of
        them, as with podman.
      - "C(status): V(created), V(initialized), V(running), V(paused), V(stopped), V(exited), V(removing) or V(unknown)."
      - "C(label): C(NAME) or C(NAME=VALUE)."
      - "C(image): the name of an image, whose tag and leading components may be left out (V(app) for
        V(localhost/app:1)), or its ID."
      - "C(name): a regular expression that must match a part of the name."
      - "C(network): the name of a network, V(host) or V(none)."
      - "C(health): V(healthy), V(unhealthy), V(starting), or V(none) for containers without a health check."
    type: dict
    default: {}
  query:
    description:
      - JMESPath expression that selects containers of a host. It is applied to the list of containers that match
        O(filters), in the format of C(podman inspect), and must return a subset of that list.
    type: str
  env:
    description:
      - Include the environment of each container, as C(slipway_container.Config.Env). It is left out by default,
        because environments often contain secrets, and inventories are displayed, cached, and stored by AWX.
    type: bool
    default: false
  hostname:
    description:
      - Name of a container in the inventory, either its V(name) or the first 12 digits of its V(id).
    type: str
    choices: [name, id]
    default: name
  host_prefix:
    description:
      - Prefix the name with the name of the container's host and a dash, for example C(web1-app).
      - Without a prefix, it is an error if two containers have the same name, or if a container has the name of another
        host of the inventory.
    type: bool
    default: false
  group:
    description:
      - Group that all listed containers are added to. If empty, they are not added to a group.
    type: str
    default: slipway_containers
requirements:
  - The Python library C(jmespath) on the controller, for O(query)
notes:
  - "Each container has the variables C(ansible_connection), C(ansible_host) (its name), C(ansible_slipway_host) (unless
    its host is the controller) and those of O(root), O(run_root) and O(agent), for the connection. C(slipway_host) is
    the name of its host, and C(slipway_container) the output of C(podman inspect) for it."
  - "C(slipway_address) is the first address of the container in its networks, IPv4 before IPv6, and empty if it has
    none. C(slipway_ports) maps each published port to the first host port that it is published on, for example
    C({80/tcp: 8080})."
  - The cache contains the replies of the hosts. O(filters), O(query), groups and variables are applied to it each time.
seealso:
  - plugin: slipway.oci.container
    plugin_type: connection
  - plugin: slipway.oci.query
    plugin_type: filter
"""

EXAMPLES = r"""
# The running containers of the controller.
plugin: slipway.oci.containers
filters:
  status: running
---
# The containers of two groups of hosts, prefixed with the host (web1-app, web2-app), in groups by tier and by
# host.
plugin: slipway.oci.containers
hosts: [webservers, databases, "!web9"]
host_prefix: true
filters:
  label: [team=blue]
keyed_groups:
  - key: slipway_container.Config.Labels.tier
    prefix: tier
  - key: slipway_host
    prefix: host
groups:
  unwell: slipway_container.State.Health.Status == 'unhealthy'
  web: "'80/tcp' in slipway_ports"
compose:
  ansible_slipway_user: slipway_container.Config.Labels.admin | default('root')
---
# The newest running container.
plugin: slipway.oci.containers
query: "sort_by([?State.Running], &Created)[-1:]"
"""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

from ansible import constants, context
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible_collections.slipway.oci.plugins.plugin_utils.agent_client import NOT_FOUND, path_of
from ansible_collections.slipway.oci.plugins.plugin_utils.agent_delivery import Engine
from ansible_collections.slipway.oci.plugins.plugin_utils.agent_requests import answered, listing
from ansible_collections.slipway.oci.plugins.plugin_utils.container_filters import chooser
from ansible_collections.slipway.oci.plugins.plugin_utils.container_network import network_facts
from ansible_collections.slipway.oci.plugins.plugin_utils.host_connection import LOCAL, HostConnection, reach
from ansible_collections.slipway.oci.plugins.plugin_utils.inventory_hosts import CONNECTION, InventoryHosts
from ansible_collections.slipway.oci.plugins.plugin_utils.jmespath_query import Query, QueryError

_FILES = ("slipway.yml", "slipway.yaml")
_ID_DIGITS = 12
_Shape = dict[str, Any]


class _Found(NamedTuple):
    """A container and the host that it is on."""

    host: str
    shape: _Shape


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """The class that Ansible loads."""

    NAME = "slipway.oci.containers"
    #: Labels and other values of a container are data, never templates.
    trusted_by_default = False

    def verify_file(self, path: str) -> bool:
        """Return whether a source is for this plugin, judging by its file name."""
        name = os.path.basename(path)
        ours = name in _FILES or name.endswith(tuple(f".{file}" for file in _FILES))
        return ours and bool(super().verify_file(path))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:  # noqa: FBT001, FBT002
        """Add the containers, after checking all of them: Ansible keeps the hosts of a source that fails."""
        super().parse(inventory, loader, path, cache=cache)
        self._read_config_data(path)
        self._hosts = InventoryHosts(inventory, loader, path)
        fits, query = chooser(self.get_option("filters")), self._query()
        answers = self._answers(path, cache=cache)
        named = self._named(
            [
                _Found(host, shape)
                for host, shapes in answers.items()
                for shape in _chosen(shapes, fits, query)
            ]
        )
        group = inventory.add_group(self.get_option("group")) if self.get_option("group") else None
        for name, found in named.items():
            self._add(name, found, group)

    # -- asking the hosts ------------------------------------------------------------------------

    def _answers(self, path: str, *, cache: bool) -> dict[str, list[_Shape]]:
        """Return the containers of each host, from the cache if possible and ``cache`` allows it."""
        kept = self.get_option("cache")
        key, asked = self.get_cache_key(path), self._question()
        cached = self._cache.get(key, {}) if kept and cache else {}
        known = cached["answers"] if cached.get("asked") == asked else {}
        answers = self._asked(known)
        if kept and answers != known:
            self._cache[key] = {"asked": asked, "answers": answers}
        return answers

    def _question(self) -> dict[str, Any]:
        """Return the options that a host's reply depends on."""
        return {option: self.get_option(option) for option in ("root", "run_root", "agent", "env")}

    def _asked(self, known: Mapping[str, list[_Shape]]) -> dict[str, list[_Shape]]:
        """Return the containers of each host, asking up to ``forks`` of the unknown ones at a time."""
        hosts = self._hosts.matching(self.get_option("hosts"))
        answers = {host: known[host] for host in hosts if host in known}
        with ThreadPoolExecutor(constants.DEFAULT_FORKS) as pool:
            coming = {host: self._coming(pool, host) for host in hosts if host not in known}
        for host, answer in coming.items():
            try:
                answers[host] = answer.result()
            except AnsibleError as error:  # noqa: PERF203  (negligible next to querying a host)
                if self.get_option("unreachable") == "fail":
                    raise AnsibleParserError(f"{host}: {error}") from None
                self.display.warning(f"The containers of {host} are not in the inventory: {error}")
        return {host: answers[host] for host in hosts if host in answers}

    def _coming(self, pool: ThreadPoolExecutor, name: str) -> Future[list[_Shape]]:
        """Start to ask a host. Only the program runs in a thread: loading plugins is not thread-safe."""
        try:
            here = self._hosts.is_controller(name)
            host = reach("", LOCAL) if here else reach(name, self._hosts.variables(name))
        except AnsibleError as error:
            failed: Future[list[_Shape]] = Future()
            failed.set_exception(error)
            return failed
        return pool.submit(self._ask, host)

    def _ask(self, host: HostConnection) -> list[_Shape]:
        agent, root, run_root = (self.get_option(option) for option in ("agent", "root", "run_root"))
        argv = listing(path_of(agent, root), root, run_root)
        installs = not context.CLIARGS.get("check")
        try:
            answer = host.run(argv, b"\n")
            if answer.rc == NOT_FOUND and not agent:
                nothing = (
                    None if root else "[]"
                )  # a host without any task so far; but an explicit root must exist
                answer = Engine(host, root, run_root, installs=installs).run(argv[1:], b"\n", nothing=nothing)
        finally:
            host.close()
        return answered(argv, *answer, env=self.get_option("env"))

    # -- choosing and naming ---------------------------------------------------------------------

    def _query(self) -> Query | None:
        expression = self.get_option("query")
        try:
            return None if expression is None else Query(expression)
        except QueryError as error:
            raise AnsibleParserError(f"query: {error}") from None

    def _named(self, chosen: list[_Found]) -> dict[str, _Found]:
        """Return the containers by inventory name; refuse duplicates, which Ansible would silently merge."""
        named: dict[str, _Found] = {}
        for found in chosen:
            name = self._name(found)
            if name in named:
                raise AnsibleParserError(
                    f"there is a container {name} on {named[name].host} and on {found.host}: set host_prefix: true"
                )
            known = self.inventory.hosts.get(name)
            if known is not None and not self._is(known, found):
                raise AnsibleParserError(
                    f"the container {name} on {found.host} has the name of another host of the inventory:"
                    " set host_prefix: true, or exclude it with filters"
                )
            named[name] = found
        return named

    def _name(self, found: _Found) -> str:
        name = found.shape["Name"]
        if self.get_option("hostname") == "id":
            name = found.shape["Id"][:_ID_DIGITS]
        return f"{found.host}-{name}" if self.get_option("host_prefix") else name

    def _is(self, known: Any, found: _Found) -> bool:
        """Return whether a host of the inventory is this container, added by another source."""
        return all(known.vars.get(key) == value for key, value in self._connection(found).items())

    # -- adding ----------------------------------------------------------------------------------

    def _add(self, name: str, found: _Found, group: str | None) -> None:
        self.inventory.add_host(name, group)
        facts = {"slipway_host": found.host, "slipway_container": found.shape, **network_facts(found.shape)}
        variables = {**self._connection(found), **facts}
        for key, value in variables.items():
            self.inventory.set_variable(name, key, value)
        strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), variables, name, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, name, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, name, strict=strict)

    def _connection(self, found: _Found) -> dict[str, str]:
        """Return the variables that the connection plugin needs."""
        variables = {"ansible_connection": CONNECTION, "ansible_host": found.shape["Name"]}
        if not self._hosts.is_controller(found.host):
            variables["ansible_slipway_host"] = found.host
        for option in ("root", "run_root", "agent"):
            if self.get_option(option):
                variables[f"ansible_slipway_{option}"] = self.get_option(option)
        return variables


def _chosen(shapes: list[_Shape], fits: Callable[[_Shape], bool], query: Query | None) -> list[_Shape]:
    passed = [shape for shape in shapes if fits(shape)]
    if query is None:
        return passed
    try:
        answer = query.search(passed)
    except QueryError as error:
        raise AnsibleParserError(f"query: {error}") from None
    wanted = answer if isinstance(answer, list) else [] if answer is None else [answer]
    if any(shape not in passed for shape in wanted):
        raise AnsibleParserError(
            "query: it must return containers of the list. For example, [?State.Running] selects the running ones"
        )
    return [shape for shape in passed if shape in wanted]
