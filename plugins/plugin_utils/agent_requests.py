# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of the agent of a host, and how its answer is read; pure."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Optional

from ansible.errors import AnsibleError
from ansible_collections.slipway.oci.plugins.plugin_utils.agent_client import NO_PROGRAM, missing


def listing(agent: str, root: Optional[str], run_root: Optional[str]) -> list[str]:
    """Return the command that lists the containers; it only reads."""
    places = (("--root", root), ("--run-root", run_root))
    return [agent, *(word for pair in places if pair[1] for word in pair), "ps", "--all", "--json"]


def answered(argv: list[str], rc: int, stdout: bytes, stderr: bytes, *, env: bool) -> list[dict[str, Any]]:
    """Return the containers that the agent has told of; without ``env`` their environments are left out.

    Raises AnsibleError, which says what to do.
    """
    told = stderr.decode(errors="replace").strip()
    if rc in NO_PROGRAM:
        raise AnsibleError(missing(argv[0], told))
    if rc:
        raise AnsibleError(f"{shlex.join(argv)} ended with {rc}: {told}")
    with suppress(ValueError, TypeError, KeyError):
        shapes = json.loads(stdout)
        if isinstance(shapes, list):
            return [shape if env else _without_env(shape) for shape in shapes]
    raise AnsibleError(f"{shlex.join(argv)} has not answered with a list of containers")


def _without_env(shape: Mapping[str, Any]) -> dict[str, Any]:
    return {**shape, "Config": {key: value for key, value in shape["Config"].items() if key != "Env"}}
