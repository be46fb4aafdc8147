# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``container_commit``: its options and its implementation."""

from __future__ import annotations

from ..._engine.lifecycle.build.commit import commit
from ..runner import run
from ..tasks.image.commit import COMMIT_OPTIONS, to_commit


def main() -> None:
    """Run the module."""
    run(COMMIT_OPTIONS, to_commit, commit, otherwise="committed {container}", result={"image": {}})
