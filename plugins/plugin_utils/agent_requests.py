# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to a host's agent, and the parsing of its replies; pure."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Optional

from ansible.errors import AnsibleError
from ansible_collections.slipway.oci.plugins.plugin_utils.agent_client import NO_PROGRAM, missing


def listing(agent: str, root: Optional[str], run_root: Optional[str]) -> list[str]:
    """Return the command that lists the containers, which only reads."""
    places = (("--root", root), ("--run-root", run_root))
    return [agent, *(word for pair in places if pair[1] for word in pair), "ps", "--all", "--json"]


def answered(argv: list[str], rc: int, stdout: bytes, stderr: bytes, *, env: bool) -> list[dict[str, Any]]:
    """Return the containers in the agent's reply, without their environments unless ``env`` is set.

    Raises AnsibleError, with a remedy.
    """
    told = stderr.decode(errors="replace").strip()
    if rc in NO_PROGRAM:
        raise AnsibleError(missing(argv[0], told))
    if rc:
        raise AnsibleError(f"{shlex.join(argv)} exited with status {rc}: {told}")
    with suppress(ValueError, TypeError, KeyError):
        shapes = json.loads(stdout)
        if isinstance(shapes, list):
            return [shape if env else _without_env(shape) for shape in shapes]
    raise AnsibleError(f"{shlex.join(argv)} did not return a list of containers")


def _without_env(shape: Mapping[str, Any]) -> dict[str, Any]:
    return {**shape, "Config": {key: value for key, value in shape["Config"].items() if key != "Env"}}
