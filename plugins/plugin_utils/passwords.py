# SPDX-License-Identifier: GPL-3.0-or-later
"""Describe to the agent how to give a password to a become program (agent/connect/become.py)."""

from __future__ import annotations

import re
from typing import Any, Optional

from ansible.plugins.become import BecomeBase

#: The ASCII colon and the fullwidth one.
_COLONS = ":\uff1a"


def talk_of(become: Optional[BecomeBase]) -> Optional[dict[str, Any]]:
    """Return the prompts, the password, and the success marker; None if there will be no prompt."""
    if become is None or not become.expect_prompt():
        return None
    password = str(become.get_option("become_pass"))
    return {"prompts": _prompts(become), "password": password, "success": become.success}


def _prompts(become: BecomeBase) -> list[str]:
    """Return patterns of the prompt. sudo's prompt is set by Ansible; other plugins list localised prompts."""
    if isinstance(become.prompt, str):
        return [re.escape(become.prompt)]
    words = _option(become, "prompt_l10n") or getattr(become, "SU_PROMPT_LOCALIZATIONS", ["password"])
    return [rf"(?:{'|'.join(map(re.escape, words))})[^\n{_COLONS}]*[{_COLONS}]"]


def _option(become: BecomeBase, name: str) -> Any:
    return become.get_option(name) if become.has_option(name) else None
