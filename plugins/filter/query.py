# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Query a result with a JMESPath expression."""

from __future__ import annotations

DOCUMENTATION = r"""
name: query
short_description: Query a result with a JMESPath expression
version_added: 0.1.0
description:
  - Applies a JMESPath expression (U(https://jmespath.org)) to a result, or to any other data.
  - If the expression is invalid, or a function does not accept its arguments, the error shows the position in the
    expression.
author:
  - Slipway authors (@slipway)
positional: expression
options:
  _input:
    description: The data, for example the result of M(slipway.oci.container_info).
    type: raw
    required: true
  expression:
    description:
      - The expression. In it, strings are enclosed in single quotes, and numbers, booleans and V(null) in backquotes.
    type: str
    required: true
requirements:
  - The Python library C(jmespath) on the controller
seealso:
  - plugin: slipway.oci.containers
    plugin_type: inventory
"""

EXAMPLES = r"""
- name: Get information about all containers
  slipway.oci.container_info:
  register: all

- name: List the names of running containers
  ansible.builtin.debug:
    msg: "{{ all | slipway.oci.query('containers[?State.Running].Name') }}"

- name: List the containers of one tier, newest first
  ansible.builtin.debug:
    msg: >-
      {{ all | slipway.oci.query("reverse(sort_by(containers[?Config.Labels.tier == 'web'], &Created))[].Name") }}

- name: List the volumes of each container with their mount points
  ansible.builtin.debug:
    msg: "{{ all | slipway.oci.query(wanted) }}"
  vars:
    wanted: "containers[].{name: Name, mounts: Mounts[?Type == 'volume'].[Name, Destination]}"
"""

RETURN = r"""
_value:
  description: The result of the expression, V(null) if it matches nothing.
  type: raw
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.slipway.oci.plugins.plugin_utils.jmespath_query import Query, QueryError


def query(data: Any, expression: str) -> Any:
    """Return the result of the expression for the data."""
    try:
        return Query(expression).search(data)
    except QueryError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """The class that Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"query": query}
