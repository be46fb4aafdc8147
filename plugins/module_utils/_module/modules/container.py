# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``container``: its options, and what it runs."""

from __future__ import annotations

from ..podman_options import CONTAINER
from ..runner import run
from ..tasks.container import converge_container
from ..tasks.container_options import argument_spec
from ..tasks.container_request import to_request


def main() -> None:
    """Run the module."""
    run(
        argument_spec(),
        to_request,
        converge_container,
        otherwise="brought container {name} to {state}",
        result={"container": {}, "spec": {}},
        foreign=CONTAINER,
    )
