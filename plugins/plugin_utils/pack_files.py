# SPDX-License-Identifier: GPL-3.0-or-later
"""Pack files and rendered templates of the controller into a tar for the host."""

from __future__ import annotations

import io
import os
import stat
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible_collections.slipway.oci.plugins.module_utils._engine.model.values.globs import Excluded, nothing
from ansible_collections.slipway.oci.plugins.module_utils._engine.model.values.sparse import (
    MOST_EXTENTS,
    Extents,
    to_pax,
)

from .file_chunks import parts

_Identities = frozenset[tuple[int, int]]


class Parcel:
    """A tar in a private temporary file, ``path``, which ``close`` deletes.

    ``loader`` is Ansible's, which decrypts vault files. Owners are left out, because the controller's IDs
    mean nothing on the host, and so are the timestamps of rendered content.
    """

    def __init__(self, loader: Any, directory: str) -> None:
        self._loader = loader
        fd, self.path = tempfile.mkstemp(prefix="slipway-", suffix=".tar", dir=directory)  # 0600
        self._file = os.fdopen(fd, "wb")
        self._tar = tarfile.TarFile(
            fileobj=self._file,
            mode="w",
            format=tarfile.PAX_FORMAT,
            encoding="utf-8",
            errors="surrogateescape",
        )

    def close(self) -> None:
        """Delete the file."""
        self._file.close()
        os.unlink(self.path)

    def finish(self) -> str:
        """Finish the tar, after which nothing can be added, and return its path."""
        self._tar.close()
        self._file.flush()
        return self.path

    def add_content(self, path: str, content: bytes, *, mode: int = 0o644) -> None:
        """Add a file with this content."""
        member = tarfile.TarInfo(path)
        member.size, member.mode = len(content), mode
        self._tar.addfile(member, io.BytesIO(content))

    def add_file(self, path: str, source: str) -> None:
        """Add a file of the controller, decrypted if it is encrypted."""
        info = os.stat(source)
        if not stat.S_ISREG(info.st_mode):
            raise AnsibleActionFail(
                f"{source} is not a regular file: devices, FIFOs and sockets are not copied"
            )
        member = _member(path, tarfile.REGTYPE, info)
        with self._real(source) as real, open(real, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            extents = [*islice(parts(file.fileno(), size), MOST_EXTENTS + 1)]
            if len(extents) > MOST_EXTENTS:
                raise AnsibleActionFail(f"{source} has more than {MOST_EXTENTS} holes, and cannot be sent")
            member.pax_headers = to_pax(extents, size)
            member.size = sum(length for _offset, length in extents)
            self._tar.addfile(member, io.BufferedReader(_Parts(file.fileno(), extents)))

    def add_tree(self, top: str, source: str, *, follow: bool = False, excluded: Excluded = nothing) -> None:
        """Add a directory tree of the controller; with ``follow``, with the targets of its symlinks."""
        self._tar.addfile(_member(top or ".", tarfile.DIRTYPE, os.stat(source)))
        for path, place in _below(source, "", frozenset(), follow=follow, excluded=excluded):
            inner = f"{top}/{path}" if top else path
            info = os.stat(place, follow_symlinks=follow)
            if stat.S_ISDIR(info.st_mode):
                self._tar.addfile(_member(inner, tarfile.DIRTYPE, info))
            elif stat.S_ISLNK(info.st_mode):
                member = _member(inner, tarfile.SYMTYPE, info)
                member.linkname = os.readlink(place)
                self._tar.addfile(member)
            else:
                self.add_file(inner, place)

    @contextmanager
    def _real(self, source: str) -> Iterator[str]:
        real = self._loader.get_real_file(source, decrypt=True)
        try:
            yield real
        finally:
            self._loader.cleanup_tmp_file(real)


class _Parts(io.RawIOBase):
    """A reader of successive ranges of a file."""

    def __init__(self, fd: int, extents: Extents) -> None:
        super().__init__()
        self._fd = fd
        self._left = [*extents][::-1]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Read the next bytes; a file that was truncated meanwhile ends early, which tarfile reports."""
        if not self._left:
            return 0
        offset, length = self._left.pop()
        data = os.pread(self._fd, min(length, len(buffer)), offset)
        if 0 < len(data) < length:
            self._left.append((offset + len(data), length - len(data)))
        buffer[: len(data)] = data
        return len(data)


def _member(path: str, kind: bytes, info: os.stat_result) -> tarfile.TarInfo:
    member = tarfile.TarInfo(path)
    member.type, member.mode, member.mtime = kind, stat.S_IMODE(info.st_mode), int(info.st_mtime)
    return member


def _below(
    directory: str, path: str, above: _Identities, *, follow: bool, excluded: Excluded
) -> Iterator[tuple[str, str]]:
    """Yield each path below the directory and its location, parents first."""
    info = os.stat(directory)
    here = (info.st_dev, info.st_ino)
    if here in above:
        raise AnsibleActionFail(f"the symlinks below {directory} form a loop")
    for name in sorted(os.listdir(directory)):
        inner, place = f"{path}/{name}" if path else name, os.path.join(directory, name)
        if not excluded(inner):
            yield inner, place
            if os.path.isdir(place) and (follow or not os.path.islink(place)):
                yield from _below(place, inner, above | {here}, follow=follow, excluded=excluded)
