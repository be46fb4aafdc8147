# SPDX-License-Identifier: GPL-3.0-or-later
"""Run module ``container``, and send the engine to hosts that lack it.

meta/runtime.yml maps every module without its own action plugin to this one.
"""

from __future__ import annotations

from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible_collections.slipway.oci.plugins.plugin_utils.image_delivery import ImageAction


class ActionModule(ImageAction, NormalAction):
    """Ansible's normal action, with delivery of the engine and of images that the host cannot pull."""
