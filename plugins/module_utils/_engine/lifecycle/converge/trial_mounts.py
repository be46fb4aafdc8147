# SPDX-License-Identifier: GPL-3.0-or-later
"""The mounts of a trial: what the new container would mount from the host, protected from changes.

A runtime creates missing mount points, also in a volume or in a directory of the host: where it would, an overlay of the
trial covers that. Content that is unknown before the start (a volume to be filled where the image has nothing, a file
system that is not mounted) is replaced by an empty directory.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from typing import Any

from ...errors import EngineError, HostLacks
from ...kernel.files import held, make_private
from ...kernel.inroot import open_in_root
from ...model.engine.layout import ContainerLayout
from ...model.mounts.mount import IMAGE, Mount
from ...rootfs import overlay
from ...rootfs import prepared_mounts as kernel
from .prediction import Shown

#: Where the runtime creates devices and links, whatever is mounted there.
_ALTERED = ("/dev",)
_PROGRAM = "/.slipway-trial"


def place(
    container: ContainerLayout,
    found: Mapping[str, Shown],
    config: dict[str, Any],
    landings: Mapping[str, str],
) -> None:
    """Create the mounts for the trial, and write their paths to ``config``."""
    made = [landings.get(item["destination"], item["destination"]) for item in config["mounts"]]
    made += [device["path"] for device in config["linux"].get("devices", ())] + [config["process"]["cwd"]]
    for number, item in enumerate(config["mounts"]):
        one = found.get(item["destination"])
        if one is not None:
            here = landings.get(item["destination"], item["destination"])
            item["source"] = _place(container, number, one, tuple(_below(here, made)))


def place_program(container: ContainerLayout, config: dict[str, Any]) -> None:
    """Bind-mount a stand-in for the container's program; it is never executed."""
    path = f"{container.static}/program"
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o755), "wb") as stream:
        os.fchmod(stream.fileno(), 0o755)
        stream.write(b"#!\n")
    config["mounts"].append(
        {"destination": _PROGRAM, "type": "bind", "source": path, "options": ["bind", "ro", "rprivate"]}
    )
    config["process"]["args"] = [_PROGRAM]


def _below(destination: str, paths: Iterable[str]) -> Iterable[str]:
    """Yield the paths that the runtime needs below a destination, relative to it."""
    prefix = f"{destination.rstrip('/')}/"
    return (path[len(prefix) :] for path in paths if path.startswith(prefix))


def _place(container: ContainerLayout, number: int, one: Shown, needed: tuple[str, ...]) -> str:
    attempts: tuple[Callable[[ExitStack], int], ...] = (
        lambda stack: _source(stack, container, number, one),
        lambda _stack: _empty(container, number),
    )
    for attempt in attempts:
        try:
            with ExitStack() as stack:
                return _mount(container, number, one.mount, stack.enter_context(held(attempt(stack))), needed)
        except (EngineError, OSError) as error:  # noqa: PERF203  (missing, or not usable as a lower layer)
            if isinstance(error, HostLacks) and one.mount.value("O") is not None:
                raise
    return _empty_path(container, number)


def _source(stack: ExitStack, container: ContainerLayout, number: int, one: Shown) -> int:
    """Return a descriptor of what the mount shows; symlinks in it are resolved inside it."""
    if one.filled:
        merged = stack.enter_context(held(os.open(container.merged, os.O_PATH)))
        return open_in_root(merged, one.mount.destination, os.O_PATH | os.O_DIRECTORY)
    path = _image(container, number, one.lowers) if one.mount.kind == IMAGE else one.path
    if path is None:
        return _empty(container, number)
    subpath = one.mount.value("subpath")
    whole = os.open(path, os.O_PATH)
    if subpath is None:
        return whole
    return open_in_root(stack.enter_context(held(whole)), subpath, os.O_PATH)


def _image(container: ContainerLayout, number: int, lowers: tuple[str, ...]) -> str:
    base = container.elsewhere(f"{container.static}/images/{number}")
    make_private(base.static, 0o711)
    return overlay.mount(base, lowers)


def _empty_path(container: ContainerLayout, number: int) -> str:
    path = f"{container.static}/empty/{number}"
    make_private(path, 0o755)
    return path


def _empty(container: ContainerLayout, number: int) -> int:
    return os.open(_empty_path(container, number), os.O_PATH)


def _mount(container: ContainerLayout, number: int, mount: Mount, fd: int, needed: tuple[str, ...]) -> str:
    target = kernel.place(container, number, fd)
    is_directory = os.path.isdir(kernel.named(fd))
    if is_directory and (_would_be_altered(mount, fd, needed) or mount.value("O") is not None):
        kernel.overlay_on(container, number, fd, target, None)
    else:
        kernel.bind(fd, target, recursive="bind" not in mount.options, shares=False)
    return target


def _would_be_altered(mount: Mount, fd: int, needed: tuple[str, ...]) -> bool:
    return mount.destination in _ALTERED or any(not _has(fd, path) for path in needed)


def _has(fd: int, path: str) -> bool:
    try:
        os.close(open_in_root(fd, path, os.O_PATH))
    except OSError:
        return False
    return True
