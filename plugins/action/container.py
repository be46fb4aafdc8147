# SPDX-License-Identifier: GPL-3.0-or-later
"""Run module ``container``, and bring the engine to a host that lacks it.

meta/runtime.yml names it for each module that has no action of its own.
"""

from __future__ import annotations

from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible_collections.slipway.oci.plugins.plugin_utils.image_delivery import ImageAction


class ActionModule(ImageAction, NormalAction):
    """What Ansible does with a module that has no action of its own, the delivery, and an image that the host can't fetch."""
