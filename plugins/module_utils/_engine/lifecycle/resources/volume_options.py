# SPDX-License-Identifier: GPL-3.0-or-later
"""Check that this host supports a volume's options, before anything is changed and without mounting."""

from __future__ import annotations

import os
import stat

from ...errors import CommandTimeout, HostLacks, InvalidOption, Missing
from ...kernel import command
from ...model.values.names import near
from ...model.volume.options import BIND, OVERLAY, DriverOptions, layers
from ..core.engine import Engine

_OPTION = "options"
#: The directories of udev's links for LABEL= and so on (mount(8)), below /dev/disk/by-.
_TAGS = {"LABEL": "label", "UUID": "uuid", "PARTLABEL": "partlabel", "PARTUUID": "partuuid"}


def check(engine: Engine, name: str, options: DriverOptions) -> None:
    """Check the options. Raises InvalidOption, Missing, and HostLacks for what the host does not support."""
    if options.has_quota:
        from ...volumes import quota

        quota.check(_nearest(engine.layout.volumes))
    if options.is_mounted_apart:
        _check_type(options.type)
        _check_device(name, options)


def _nearest(path: str) -> str:
    """Return the path or its nearest existing parent: before the engine's first run it does not exist."""
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return path


def _check_type(kind: str) -> None:
    helper = command.find_program(f"mount.{kind.partition('.')[0]}")
    if kind in ("nfs", "nfs4", "cifs") and helper is None:
        raise HostLacks(
            f"type={kind} needs the program mount.{kind}, which is not installed",
            remedy="Install nfs-common, nfs-utils or cifs-utils",
            program=f"mount.{kind}",
        )
    if command.find_program("mount") is None:
        raise HostLacks("the program mount is not installed", remedy="Install util-linux", program="mount")
    if kind == BIND or helper is not None or kind in (known := _known_types()) or _has_module(kind):
        return
    found = near(kind, known)
    raise InvalidOption(
        _OPTION,
        f"type={kind}",
        "is not a file system of this kernel" + (f"; near: {', '.join(found)}" if found else ""),
        remedy="Correct the type, or load the file system's kernel module",
    )


def _known_types() -> set[str]:
    with open("/proc/filesystems", encoding="ascii", errors="replace") as stream:
        return {line.split()[-1] for line in stream if line.strip()}


def _has_module(kind: str) -> bool:
    """Return whether a mount would load the module of that file system: modules.alias has ``fs-NAME``."""
    try:
        with open(f"/lib/modules/{os.uname().release}/modules.alias", encoding="utf-8") as stream:
            return any(line.startswith(f"alias fs-{kind} ") for line in stream)
    except FileNotFoundError:
        return False


def _check_device(name: str, options: DriverOptions) -> None:
    if options.type == OVERLAY:
        for path in (path for paths in layers(options).values() for path in paths):
            _check_directory(name, path, options)
    elif options.type == BIND:
        _check_directory(name, options.device, options)
    else:
        _check_block(name, options)


def _check_directory(name: str, path: str, options: DriverOptions) -> None:
    if not stat.S_ISDIR(_mode(name, path, path, options)):
        raise InvalidOption(_OPTION, path, f"of volume {name} is not a directory", remedy="Name a directory")


def _check_block(name: str, options: DriverOptions) -> None:
    """Check a device that is named by path or tag; a server or a helper is checked by the mount only."""
    tag, equals, value = options.device.partition("=")
    path = f"/dev/disk/by-{_TAGS[tag]}/{value}" if equals and tag in _TAGS else options.device
    if options.is_network or not path.startswith("/"):
        return
    told = f"device={options.device}"
    mode = _mode(name, told, path, options)
    if stat.S_ISDIR(mode):
        raise InvalidOption(
            _OPTION, told, f"of volume {name} is a directory", remedy="Use type=bind for a directory"
        )
    if not (stat.S_ISBLK(mode) or stat.S_ISREG(mode)):
        raise InvalidOption(_OPTION, told, f"of volume {name} is neither a block device nor a file")


def _mode(name: str, told: str, path: str, options: DriverOptions) -> int:
    """Return the file type and mode of the path.

    A program is run for it, with a timeout, because the path may be on a server that is gone.
    """
    argv = ["stat", "-L", "-c", "%f", "--", path]
    try:
        done = command.run(argv, timeout=options.timeout, check=False)
    except CommandTimeout:
        raise InvalidOption(
            _OPTION,
            told,
            f"of volume {name} did not answer within {options.timeout} s",
            remedy="Check that its server is reachable, or raise the timeout with o=timeout=SECONDS",
        ) from None
    if done.returncode == 0:
        return int(done.stdout, 16)
    said = done.stderr.decode("utf-8", "replace").strip().rpartition(": ")[2]
    raise Missing(
        _OPTION,
        told,
        f"of volume {name} cannot be accessed: {said}",
        remedy="Attach the device, or create the file or directory, first",
    )
