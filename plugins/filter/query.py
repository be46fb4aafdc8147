# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find things in a result by a JMESPath expression."""

from __future__ import annotations

DOCUMENTATION = r"""
name: query
short_description: Find things in a result by a JMESPath expression
version_added: 0.1.0
description:
  - Applies an expression in JMESPath (U(https://jmespath.org)) to a result, or to any other data.
  - An expression that can't be read, and a function that does not take what it is given, are errors that show the place
    in the expression.
author:
  - Slipway authors (@slipway)
positional: expression
options:
  _input:
    description: The data, as the result of M(slipway.oci.container_info).
    type: raw
    required: true
  expression:
    description:
      - The expression. Texts in it stand between single quotes, numbers, booleans and V(null) between backquotes.
    type: str
    required: true
requirements:
  - The Python library C(jmespath) on the controller
seealso:
  - plugin: slipway.oci.containers
    plugin_type: inventory
"""

EXAMPLES = r"""
- name: Look at all containers
  slipway.oci.container_info:
  register: all

- name: Name those that run
  ansible.builtin.debug:
    msg: "{{ all | slipway.oci.query('containers[?State.Running].Name') }}"

- name: Name those of one tier, the newest first
  ansible.builtin.debug:
    msg: >-
      {{ all | slipway.oci.query("reverse(sort_by(containers[?Config.Labels.tier == 'web'], &Created))[].Name") }}

- name: Tell which volume is mounted where
  ansible.builtin.debug:
    msg: "{{ all | slipway.oci.query(wanted) }}"
  vars:
    wanted: "containers[].{name: Name, mounts: Mounts[?Type == 'volume'].[Name, Destination]}"
"""

RETURN = r"""
_value:
  description: What the expression finds, V(null) when it finds nothing.
  type: raw
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.slipway.oci.plugins.plugin_utils.jmespath_query import Query, QueryError


def query(data: Any, expression: str) -> Any:
    """Return what the expression finds in the data."""
    try:
        return Query(expression).search(data)
    except QueryError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """The filter, as Ansible looks for it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return it by its name."""
        return {"query": query}
