# SPDX-License-Identifier: GPL-3.0-or-later
"""Share namespaces with the host, another container or a path (namespaces.py)."""

from __future__ import annotations

from ..core.engine import Engine
from .contract import Resource, Run


class _Namespaces(Resource):
    """The namespaces that are not the container's own; the kernel keeps each as long as anybody is in it."""

    name, step = "namespaces", "prepare"

    def acquire(self, engine: Engine, run: Run) -> Run:
        from .namespaces import join

        return run._replace(shared=join(engine, run.record))


NAMESPACES = _Namespaces()
