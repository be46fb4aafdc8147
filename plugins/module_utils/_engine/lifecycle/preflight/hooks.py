# SPDX-License-Identifier: GPL-3.0-or-later
"""Refuse hooks whose programs can't be run, on the host or in the container, while the one that runs is still untouched.

What a hook does when it runs can't be tried before: it may make what there must not be two of, such as a network.
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
    """Raise InvalidOption for one that the container gets; ``program`` is its command's first word, ``inside`` its files."""
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
