# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine as an archive: list its files, name it by their content, and pack them reproducibly."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from .version import VERSION

#: The Python package that contains them on a host, both in the archive and installed.
PACKAGE = "slipway_oci"
#: The parts of ``module_utils`` that are copied to the host: the engine, and the code that runs a task with
#: it.
PARTS = ("_engine", "_module")
_CACHE = "__pycache__"
_OLDEST = (1980, 1, 1, 0, 0, 0)
_PLAIN_FILE = 0o100644 << 16


def files(top: str) -> dict[str, bytes]:
    """Return the content of each engine file, by its path below ``top``, the directory with PARTS."""
    found = {}
    for path in sorted(path for part in PARTS for path in _below(top, part)):
        with open(f"{top}/{path}", "rb") as file:
            found[path] = file.read()
    return found


def _below(top: str, part: str) -> Iterator[str]:
    for directory, names, files_here in os.walk(f"{top}/{part}"):
        names[:] = [name for name in names if name != _CACHE and not name.startswith(".")]
        below = os.path.relpath(directory, top)
        yield from (f"{below}/{name}" for name in files_here if not name.startswith("."))


def name(found: Mapping[str, bytes]) -> str:
    """Return the engine's name for these files: its version and a digest of their paths and contents."""
    import hashlib  # loads OpenSSL, which the agent does not need

    digest = hashlib.sha256()
    for path in sorted(found):
        digest.update(b"%s\0%d\0%s" % (path.encode(), len(found[path]), found[path]))
    return f"{VERSION}-{digest.hexdigest()[:32]}"


def pack(found: Mapping[str, bytes]) -> bytes:
    """Return a zip archive of these files, from which Python can import PACKAGE."""
    from io import BytesIO
    from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

    packed = BytesIO()
    with ZipFile(packed, "w") as archive:
        for path, content in ((f"{PACKAGE}/__init__.py", b""), *sorted(_placed(found))):
            member = ZipInfo(path, _OLDEST)
            member.create_system, member.external_attr = 3, _PLAIN_FILE  # as written on Unix
            archive.writestr(member, content, ZIP_DEFLATED, 9)
    return packed.getvalue()


def unpack(archive: str) -> dict[str, bytes]:
    """Return the files of a packed engine, in the form that ``files`` returns."""
    from zipfile import ZipFile

    begin = f"{PACKAGE}/"
    with ZipFile(archive) as opened:
        found = {
            path[len(begin) :]: opened.read(path) for path in opened.namelist() if path.startswith(begin)
        }
    return {path: content for path, content in found.items() if path.startswith(PARTS)}


def _placed(found: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    return ((f"{PACKAGE}/{path}", content) for path, content in found.items())
