# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell whether a container is healthy."""

from __future__ import annotations

DOCUMENTATION = r"""
name: healthy
short_description: Tell whether a container is healthy
version_added: 0.1.0
description:
  - True when the result says of its container that it runs and that its health check finds it healthy, of several that all are.
  - False for a container that has no health check, or whose first check has not ended.
  - What tells of no container is an error, never false, since a slip of the pen would look like an unhealthy container.
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
  description: Whether it is healthy, whether all of them are.
  type: bool
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.slipway.oci.plugins.plugin_utils.result_containers import NoContainer, states


def healthy(value: Any) -> bool:
    """Tell whether all containers of a result run and are healthy."""
    try:
        return all(_is_healthy(state) for state in states(value))
    except NoContainer as error:
        raise AnsibleFilterError(f"slipway.oci.healthy: {error}") from None


def _is_healthy(state: Any) -> bool:
    # The last result stays in the shape of a container that has ended.
    return state["Status"] == "running" and (state.get("Health") or {}).get("Status") == "healthy"


class TestModule:
    """The test, as Ansible looks for it."""

    def tests(self) -> dict[str, Callable[..., bool]]:
        """Return it by its name."""
        return {"healthy": healthy}
