# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test whether a container is healthy."""

from __future__ import annotations

DOCUMENTATION = r"""
name: healthy
short_description: Test whether a container is healthy
version_added: 0.1.0
description:
  - True if the container of the result is running and healthy according to its health check. With several containers,
    true if all of them are.
  - False for a container without a health check, or whose first check has not finished.
  - A value without a container is an error, not false, because a typing error would otherwise look like an unhealthy
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
  - plugin: slipway.oci.running
    plugin_type: test
"""

EXAMPLES = r"""
- name: Wait until the container is healthy
  slipway.oci.container_info:
    name: app
  register: app
  until: app is slipway.oci.healthy
  retries: 30
  delay: 1
"""

RETURN = r"""
_value:
  description: Whether the container is healthy, or all of the containers are.
  type: bool
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.slipway.oci.plugins.plugin_utils.result_containers import NoContainer, states


def healthy(value: Any) -> bool:
    """Return whether all containers of a result are running and healthy."""
    try:
        return all(_is_healthy(state) for state in states(value))
    except NoContainer as error:
        raise AnsibleFilterError(f"slipway.oci.healthy: {error}") from None


def _is_healthy(state: Any) -> bool:
    # A container that has exited still has its last health status.
    return state["Status"] == "running" and (state.get("Health") or {}).get("Status") == "healthy"


class TestModule:
    """The class that Ansible loads."""

    def tests(self) -> dict[str, Callable[..., bool]]:
        """Return the test by its name."""
        return {"healthy": healthy}
