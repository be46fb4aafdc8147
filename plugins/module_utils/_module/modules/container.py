# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``container``: its options and its implementation."""

from __future__ import annotations

from ..podman_options import CONTAINER
from ..remembering import remembering
from ..runner import run
from ..tasks.container import converge_container
from ..tasks.container_options import argument_spec
from ..tasks.container_request import to_request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..recognition import Begun


def main(begun: Begun | None = None) -> None:
    """Run the module; ``begun``: the options that were already read, if the task was not recognised."""
    module, task = begun or (None, None)
    run(
        argument_spec(),
        to_request,
        remembering(converge_container, task),
        otherwise="brought container {name} to {state}",
        result={"container": {}, "spec": {}},
        foreign=CONTAINER,
        begun=module,
    )
