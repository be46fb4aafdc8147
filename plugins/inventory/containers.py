# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The containers of this host and of others as an inventory."""

from __future__ import annotations

DOCUMENTATION = r"""
name: containers
short_description: The containers of this host and of others
version_added: 0.1.0
description:
  - Makes a host of each container that slipway.oci knows, here or on other hosts of the inventory, with the variables that
    connection plugin P(slipway.oci.container#connection) needs, so that a play can run in it.
  - All containers are listed, whether they run or not; O(filters) and O(query) choose among them. Only those that run can be
    connected to.
  - Takes files whose name is or ends with C(slipway.yml) or C(slipway.yaml), such as C(containers.slipway.yml).
  - Nothing is changed on the hosts.
extends_documentation_fragment:
  - constructed
  - inventory_cache
author:
  - Slipway authors (@slipway)
options:
  plugin:
    description: The name of this plugin.
    type: str
    required: true
    choices: [slipway.oci.containers]
  hosts:
    description:
      - The hosts whose containers are listed, as patterns (U(https://docs.ansible.com/ansible/latest/inventory_guide/intro_patterns.html)).
      - They are hosts of the inventory sources before this one. Each is reached by its own connection, become included; as many
        at once as C(forks) says.
      - A container that an earlier source has found is meant by its name alone, so V(all) are machines.
      - V(localhost) is the controller itself, unless the inventory has a host of that name.
    type: list
    elements: str
    default: [localhost]
  root:
    description:
      - Directory of the engine on the hosts, if it is not the default one. Becomes C(ansible_slipway_root) of the containers.
    type: str
    env:
      - name: ANSIBLE_SLIPWAY_ROOT
    ini:
      - section: slipway_connection
        key: root
  run_root:
    description:
      - The engine's volatile directory on the hosts, if it is not the default one. Becomes C(ansible_slipway_run_root).
    type: str
    env:
      - name: ANSIBLE_SLIPWAY_RUN_ROOT
    ini:
      - section: slipway_connection
        key: run_root
  agent:
    description:
      - Path of the program C(slipway) on the hosts, if it is not where the engine puts it. Becomes C(ansible_slipway_agent).
    type: str
    env:
      - name: ANSIBLE_SLIPWAY_AGENT
    ini:
      - section: slipway_connection
        key: agent
  unreachable:
    description:
      - What to do when a host can't be reached, or does not answer as it should, for example since no container
        was ever started there.
      - With V(warn) the other hosts are listed all the same. With V(fail) this inventory source fails.
    type: str
    choices: [warn, fail]
    default: warn
  filters:
    description:
      - Which containers are listed, by podman's filters. A container has to pass all of them.
      - Of several values of one filter one is enough; of several labels a container must have all, as with podman.
      - C(status) is V(created), V(initialized), V(running), V(paused), V(stopped), V(exited), V(removing) or V(unknown).
      - C(label) is C(NAME) or C(NAME=VALUE).
      - C(image) is an image's name, which may lack the tag and the beginning (V(app) for V(localhost/app:1)), or its id.
      - C(name) is a regular expression that a part of the name has to match.
      - C(network) is a network's name, V(host) or V(none).
      - C(health) is V(healthy), V(unhealthy), V(starting), or V(none) for containers without a health check.
    type: dict
    default: {}
  query:
    description:
      - A JMESPath expression that chooses among the containers of a host that have passed O(filters). It is applied to the
        list of them, each as C(podman inspect) shows it, and has to return a list of some of them.
    type: str
  env:
    description:
      - Keep the environments of the containers in C(slipway_container.Config.Env). They often hold secrets, and an inventory is
        shown, cached, and stored by AWX; so they are left out unless this is set.
    type: bool
    default: false
  hostname:
    description:
      - What a container is named in the inventory, its V(name) or the first twelve digits of its V(id).
    type: str
    choices: [name, id]
    default: name
  host_prefix:
    description:
      - Put the name of the container's host and a dash before it, as in C(web1-app).
      - Without it, containers of one name on two hosts, or one that is named like another host of the inventory, are an error.
    type: bool
    default: false
  group:
    description:
      - The group of all containers that are listed; none when it is empty.
    type: str
    default: slipway_containers
requirements:
  - The Python library C(jmespath) on the controller for O(query)
notes:
  - "Each container has the variables C(ansible_connection), C(ansible_host) (its name), C(ansible_slipway_host) (unless that is
    the controller itself) and those of O(root), O(run_root) and O(agent), for the connection; C(slipway_host), the name of its
    host; and C(slipway_container), what C(podman inspect) would say."
  - "C(slipway_address) is the first address of a container in networks of its own, of IPv4 before IPv6, and empty where it has
    none. C(slipway_ports) maps its published ports to the first port of the host for each, as in C({80/tcp: 8080})."
  - The cache holds what the hosts have answered. O(filters), O(query), groups and variables are applied to it anew each time.
seealso:
  - plugin: slipway.oci.container
    plugin_type: connection
  - plugin: slipway.oci.query
    plugin_type: filter
"""

EXAMPLES = r"""
# The containers of this host that run.
plugin: slipway.oci.containers
filters:
  status: running
---
# Those of two groups of hosts, web1-app and web2-app apart, with a group for each tier and each host.
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
# The newest that runs.
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
    """A container, and the host that it was found on."""

    host: str
    shape: _Shape


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """The inventory plugin, as Ansible looks for it."""

    NAME = "slipway.oci.containers"
    #: Labels and all else that a container says are data, never templates.
    trusted_by_default = False

    def verify_file(self, path: str) -> bool:
        """Tell whether a source is meant for this plugin, by its name."""
        name = os.path.basename(path)
        ours = name in _FILES or name.endswith(tuple(f".{file}" for file in _FILES))
        return ours and bool(super().verify_file(path))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:  # noqa: FBT001, FBT002
        """Add the containers. All is looked at before the first is added: Ansible keeps what a failed source has added."""
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
        """Return the containers of each host, out of the cache where it has them. ``cache`` false asks all anew."""
        kept = self.get_option("cache")
        key, asked = self.get_cache_key(path), self._question()
        cached = self._cache.get(key, {}) if kept and cache else {}
        known = cached["answers"] if cached.get("asked") == asked else {}
        answers = self._asked(known)
        if kept and answers != known:
            self._cache[key] = {"asked": asked, "answers": answers}
        return answers

    def _question(self) -> dict[str, Any]:
        """Return what else than the host an answer depends on."""
        return {option: self.get_option(option) for option in ("root", "run_root", "agent", "env")}

    def _asked(self, known: Mapping[str, list[_Shape]]) -> dict[str, list[_Shape]]:
        """Return the containers of each host, asking as many at once as plays would of those that are not known."""
        hosts = self._hosts.matching(self.get_option("hosts"))
        answers = {host: known[host] for host in hosts if host in known}
        with ThreadPoolExecutor(constants.DEFAULT_FORKS) as pool:
            coming = {host: self._coming(pool, host) for host in hosts if host not in known}
        for host, answer in coming.items():
            try:
                answers[host] = answer.result()
            except AnsibleError as error:  # noqa: PERF203  (a try costs nothing beside a host)
                if self.get_option("unreachable") == "fail":
                    raise AnsibleParserError(f"{host}: {error}") from None
                self.display.warning(f"The containers of {host} are not in the inventory: {error}")
        return {host: answers[host] for host in hosts if host in answers}

    def _coming(self, pool: ThreadPoolExecutor, name: str) -> Future[list[_Shape]]:
        """Begin to ask a host; only the program's run is in another thread, for Ansible loads plugins and templates in one."""
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
                )  # a host that had no task yet; but a root that is said has to be there
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
        """Return the containers by their names in the inventory; two things of one name would silently become one."""
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
                    " set host_prefix: true, or leave it out with filters"
                )
            named[name] = found
        return named

    def _name(self, found: _Found) -> str:
        name = found.shape["Name"]
        if self.get_option("hostname") == "id":
            name = found.shape["Id"][:_ID_DIGITS]
        return f"{found.host}-{name}" if self.get_option("host_prefix") else name

    def _is(self, known: Any, found: _Found) -> bool:
        """Tell whether a host of the inventory is this very container, which another source has brought already."""
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
            "query: it returns other things than containers. Let it choose some of the list, as [?State.Running] does"
        )
    return [shape for shape in passed if shape in wanted]
