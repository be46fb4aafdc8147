# SPDX-License-Identifier: GPL-3.0-or-later
"""The directory that images are saved to: made beside its place, and never in place of one that holds something else."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from ...errors import InUse, InvalidOption, Missing
from ...images.archive import docker_dir, oci_layout
from ...images.save.sinks import unwritten
from ...trees.fresh_directory import FreshDirectory, fresh_directory

#: What an OCI layout, and what a directory of `dir:`, has at its top.
_LAYOUT = frozenset({oci_layout.INDEX, "oci-layout", "blobs"})
_DOCKER_DIR = frozenset({docker_dir.MANIFEST, "version"})
_BLOB = re.compile(r"(?:sha512-)?[0-9a-f]{64,128}|signature-[0-9]+")


def check_directory(path: str) -> str:
    """Return the directory to write, symlinks followed; raises InvalidOption (``dest``) where there can be none."""
    dest = os.path.realpath(path)
    parent = os.path.dirname(dest)
    if not os.path.isdir(parent):
        raise Missing("dest", path, "is in a directory that does not exist", remedy=f"Make {parent} first")
    if not os.path.lexists(dest):
        return dest
    if not os.path.isdir(dest):
        raise InvalidOption(
            "dest", path, "is no directory", remedy="Name a directory, or take another format"
        )
    if os.path.ismount(dest):
        raise InvalidOption("dest", path, "is mounted on", remedy="Name a directory below it")
    other = _others(os.listdir(dest))
    if other:
        why = f"holds what belongs to no saved image: {other}"
        raise InvalidOption("dest", path, why, remedy="Name an empty directory, or one that is not there")
    return dest


@contextmanager
def new_directory(dest: str) -> Iterator[FreshDirectory]:
    """Give a new directory for the place; raises InUse, StoreFull, InvalidOption (``dest``)."""
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
    """Return a name that is none of a saved image's, "" where all are."""
    if oci_layout.INDEX in names:
        return min({*names} - _LAYOUT, default="")
    if docker_dir.MANIFEST in names:
        return min(
            (name for name in names if name not in _DOCKER_DIR and not _BLOB.fullmatch(name)), default=""
        )
    return min(names, default="")
