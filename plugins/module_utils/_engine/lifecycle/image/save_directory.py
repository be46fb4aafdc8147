# SPDX-License-Identifier: GPL-3.0-or-later
"""The directory that images are saved to; it never replaces a directory with other files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from ...errors import InUse, InvalidOption, Missing
from ...images.archive import docker_dir, oci_layout
from ...images.save.sinks import unwritten
from ...trees.fresh_directory import FreshDirectory, fresh_directory

#: The top-level entries of an OCI layout, and of a `dir:` directory.
_LAYOUT = frozenset({oci_layout.INDEX, "oci-layout", "blobs"})
_DOCKER_DIR = frozenset({docker_dir.MANIFEST, "version"})
_BLOB = re.compile(r"(?:sha512-)?[0-9a-f]{64,128}|signature-[0-9]+")


def check_directory(path: str) -> str:
    """Return the directory to write, symbolic links resolved. Raises Missing and InvalidOption (``dest``)."""
    dest = os.path.realpath(path)
    parent = os.path.dirname(dest)
    if not os.path.isdir(parent):
        raise Missing("dest", path, "is in a directory that does not exist", remedy=f"Create {parent} first")
    if not os.path.lexists(dest):
        return dest
    if not os.path.isdir(dest):
        raise InvalidOption(
            "dest", path, "is not a directory", remedy="Name a directory, or use another format"
        )
    if os.path.ismount(dest):
        raise InvalidOption("dest", path, "is a mount point", remedy="Name a directory below it")
    other = _others(os.listdir(dest))
    if other:
        why = f"contains {other}, which does not belong to a saved image"
        raise InvalidOption("dest", path, why, remedy="Name an empty directory, or one that does not exist")
    return dest


@contextmanager
def new_directory(dest: str) -> Iterator[FreshDirectory]:
    """Yield a new directory that can replace ``dest``. Raises InUse, StoreFull, InvalidOption (``dest``)."""
    try:
        with fresh_directory(dest) as directory:
            yield directory
    except BlockingIOError as error:
        raise InUse(
            f"another task is saving to {dest}", remedy="Wait for it, and run the task again"
        ) from error
    except OSError as error:
        unwritten(dest, error)


def _others(names: list[str]) -> str:
    """Return a name that does not belong to a saved image, "" without one."""
    if oci_layout.INDEX in names:
        return min({*names} - _LAYOUT, default="")
    if docker_dir.MANIFEST in names:
        return min(
            (name for name in names if name not in _DOCKER_DIR and not _BLOB.fullmatch(name)), default=""
        )
    return min(names, default="")
