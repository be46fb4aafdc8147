# SPDX-License-Identifier: GPL-3.0-or-later
"""Check that the programs of hooks can be run, before the running container is touched.

A hook's effect can't be tried in advance: it may create something that must exist only once, such as a network.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from ...errors import InvalidOption
from ...kernel.files import held
from ...model.container.hooks import INSIDE, OPTION, Hook
from ...model.container.spec import ContainerSpec
from ...model.mounts.mount import SHOWN
from .container_paths import Paths
from .program import NotRunnable, Runner, Search

_ROOT = Runner(0, frozenset({0}), overrides=True, foreign=True)


def check(hooks: Iterable[Hook], spec: ContainerSpec, program: str, inside: Paths) -> None:
    """Check the hooks that apply to the container. Raises InvalidOption.

    ``program`` is the first word of its command, ``inside`` its files.
    """
    mounts = any(mount.kind in SHOWN for mount in (spec.mounts or {}).values())
    chosen = [hook for hook in hooks if hook.when.holds(spec.annotation or {}, program, bind_mounts=mounts)]
    if not chosen:
        return
    with held(os.open("/", os.O_PATH | os.O_CLOEXEC)) as host:
        for hook in chosen:
            if set(hook.stages) - {INSIDE}:
                _check(hook, Paths(host, {}), "on this host")
            if INSIDE in hook.stages:
                _check(hook, inside, "in the container")


def _check(hook: Hook, paths: Paths, where: str) -> None:
    path = hook.entry["path"]
    try:
        Search(paths, _ROOT, cwd="/", option=OPTION, where=where).check(path, "")
    except NotRunnable as error:
        why = error.message.partition(": ")[2]
        raise InvalidOption(
            OPTION, hook.file, f"names a program that can't be run {where}: {why}", remedy=error.remedy
        ) from None
