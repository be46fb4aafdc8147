# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test whether a container is running."""

from __future__ import annotations

DOCUMENTATION = r"""
name: running
short_description: Test whether a container is running
version_added: 0.1.0
description:
  - True if the container of the result is running. With several containers, true if all of them are. A paused container
    is not running.
  - A value without a container is an error, not false, because a typing error would otherwise look like a stopped
    container.
author:
  - Slipway authors (@slipway)
options:
  _input:
    description:
      - A result of M(slipway.oci.container) or M(slipway.oci.container_info), its
        RV(slipway.oci.container#module:container) or RV(slipway.oci.container_info#module:containers), or one item of
        the latter.
      - Alternatively, the variable C(slipway_container) set by P(slipway.oci.containers#inventory).
    type: raw
    required: true
seealso:
  - plugin: slipway.oci.healthy
    plugin_type: test
"""

EXAMPLES = r"""
- name: Get information about the container
  slipway.oci.container_info:
    name: app
  register: app

- name: Report that it is running
  ansible.builtin.debug:
    msg: app runs
  when: app is slipway.oci.running

- name: List the running containers
  ansible.builtin.debug:
    msg: "{{ app.containers | select('slipway.oci.running') | map(attribute='Name') }}"
"""

RETURN = r"""
_value:
  description: Whether the container is running, or all of the containers are.
  type: bool
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.slipway.oci.plugins.plugin_utils.result_containers import NoContainer, states


def running(value: Any) -> bool:
    """Return whether all containers of a result are running."""
    try:
        return all(state["Status"] == "running" for state in states(value))
    except NoContainer as error:
        raise AnsibleFilterError(f"slipway.oci.running: {error}") from None


class TestModule:
    """The class that Ansible loads."""

    def tests(self) -> dict[str, Callable[..., bool]]:
        """Return the test by its name."""
        return {"running": running}
