# SPDX-License-Identifier: GPL-3.0-or-later
"""Write a file of credentials: one entry at a time, atomically, and leave all else unchanged.

A corrupt file is never overwritten. A symbolic link is followed, not replaced. Source: containers-auth.json(5).
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

from ...errors import LockTimeout
from ...kernel import files
from ...kernel.atomic_file import FreshFile
from ..tar.streams import write_all
from . import credentials, helpers
from .credentials import AuthFile, Credentials

#: Seconds to wait for another process that holds the file, which only writes a few lines.
_PATIENCE = 10.0


def load(path: str) -> AuthFile:
    """Read a file of credentials; a missing file is empty. Raises InvalidOption."""
    return credentials.read(path) if os.path.exists(path) else credentials.parse(b"", path)


def own(file: AuthFile, key: str) -> Credentials | None:
    """Return a file's credentials for exactly this key. Raises the errors of ``credentials.of_file``."""
    registry, _slash, path = key.partition("/")
    auths = {name: file.auths[name] for name in credentials.spellings(key) if name in file.auths}
    return credentials.of_file(file._replace(auths=auths), registry, path)


def keys(file: AuthFile) -> tuple[str, ...]:
    """Return the keys of a file's entries, and the registries that have a credential helper of their own."""
    helped = (key for key in file.helpers if own(file, key) is not None)
    return tuple(dict.fromkeys((*file.auths, *helped)))


def put(path: str, key: str, known: Credentials) -> None:
    """Store a user and password under a key, in the file or in the credential helper that it names.

    Raises InvalidOption (the file is corrupt), HostLacks and EngineError (its helper), LockTimeout.
    """
    with _held(path) as file:
        helper = file.helper_of(key)
        if helper is not None:
            helpers.store(helper, credentials.in_helpers(key), known.username, known.password, path)
            return
        word = base64.b64encode(f"{known.username}:{known.password}".encode()).decode("ascii")
        _write(path, {**file.document, "auths": {**file.auths, key: {"auth": word}}})


def remove(path: str, wanted: tuple[str, ...]) -> None:
    """Remove the credentials under these keys, in all spellings of them; raises the errors of ``put``."""
    with _held(path) as file:
        doomed = {spelling for key in wanted for spelling in credentials.spellings(key)} | {*wanted}
        for key in wanted:
            helper = file.helper_of(key)
            if helper is not None:
                helpers.erase(helper, credentials.in_helpers(key), path)
        left = {name: entry for name, entry in file.auths.items() if name not in doomed}
        if left != file.auths:
            _write(path, {**file.document, "auths": left})


@contextmanager
def _held(path: str) -> Iterator[AuthFile]:
    """Lock and read the file; a missing directory is created, private."""
    directory = os.path.dirname(os.path.realpath(path))
    files.make_private(directory)
    with files.directory(directory) as fd:
        _lock(fd, path)
        yield load(path)


def _lock(fd: int, path: str) -> None:
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # noqa: PERF203  (retried until the lock is free)
            if time.monotonic() > until:
                raise LockTimeout(f"{path} is locked by another process for over {_PATIENCE:.0f} s") from None
            time.sleep(0.05)
        else:
            return


def _write(path: str, document: Mapping[str, Any]) -> None:
    place = os.path.realpath(path)
    with closing(FreshFile(place)) as fresh:
        write_all(fresh.fd, memoryview(f"{json.dumps(document, indent=chr(9))}\n".encode()))
        if os.path.exists(place):
            old = os.stat(place)
            os.fchown(fresh.fd, old.st_uid, old.st_gid)
        os.fchmod(fresh.fd, 0o600)
        os.fsync(fresh.fd)
        fresh.put()
    files.fsync_directory(os.path.dirname(place))
