# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell whether a container runs."""

from __future__ import annotations

DOCUMENTATION = r"""
name: running
short_description: Tell whether a container runs
version_added: 0.1.0
description:
  - True when the result says of its container that it runs, of several that all do. A paused container does not run.
  - What tells of no container is an error, never false, since a slip of the pen would look like a container that does not run.
author:
  - Slipway authors (@slipway)
options:
  _input:
    description:
      - A result of M(slipway.oci.container) or M(slipway.oci.container_info), its RV(slipway.oci.container#module:container) or
        RV(slipway.oci.container_info#module:containers), or one of these.
      - From the inventory of P(slipway.oci.containers#inventory) also the variable C(slipway_container).
    type: raw
    required: true
seealso:
  - plugin: slipway.oci.healthy
    plugin_type: test
"""

EXAMPLES = r"""
- name: Look at the container
  slipway.oci.container_info:
    name: app
  register: app

- name: Say that it runs
  ansible.builtin.debug:
    msg: app runs
  when: app is slipway.oci.running

- name: Name all that run
  ansible.builtin.debug:
    msg: "{{ app.containers | select('slipway.oci.running') | map(attribute='Name') }}"
"""

RETURN = r"""
_value:
  description: Whether it runs, whether all of them do.
  type: bool
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.slipway.oci.plugins.plugin_utils.result_containers import NoContainer, states


def running(value: Any) -> bool:
    """Tell whether all containers of a result run."""
    try:
        return all(state["Status"] == "running" for state in states(value))
    except NoContainer as error:
        raise AnsibleFilterError(f"slipway.oci.running: {error}") from None


class TestModule:
    """The test, as Ansible looks for it."""

    def tests(self) -> dict[str, Callable[..., bool]]:
        """Return it by its name."""
        return {"running": running}
