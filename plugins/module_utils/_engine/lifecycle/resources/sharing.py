# SPDX-License-Identifier: GPL-3.0-or-later
"""The joined namespaces as a resource (namespaces.py)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ...model.container import namespaces
from ...model.container.spec import ContainerSpec
from ...model.engine.record import ContainerRecord
from ..core.engine import Engine
from .contract import Resource, Run

if TYPE_CHECKING:
    from ..core.source import Source


class _Namespaces(Resource):
    """The namespaces that the container joins; the kernel keeps each as long as a process is in it."""

    name, step = "namespaces", "prepare"

    def check(
        self, engine: Engine, spec: ContainerSpec, _source: Source, _record: ContainerRecord | None
    ) -> Iterator[Callable[[], object]]:
        if any(not namespaces.is_own(namespaces.of(spec, kind)) for kind in namespaces.OPTIONS):
            from .namespaces import check

            yield lambda: check(engine, spec)

    def acquire(self, engine: Engine, run: Run) -> Run:
        from .namespaces import join

        return run._replace(shared=join(engine, run.record))


NAMESPACES = _Namespaces()
