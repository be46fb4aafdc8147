# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections with a deadline for each response, however slowly its bytes arrive.

A socket's timeout starts again with each byte. A server that sends a header or a chunk size at one byte a minute, or endless
``100 Continue`` responses, could hold a task for days.
"""

from __future__ import annotations

import io
import socket
import time
from http.client import HTTPResponse
from typing import Any

from .library import HTTPConnection, HTTPConnectionPool, HTTPSConnection, HTTPSConnectionPool

#: Seconds for status and headers, and for each piece of a body; one more read of the socket may follow.
SECONDS = 60.0


class _Timed(io.RawIOBase):
    """A socket's stream whose reads end at a deadline."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self.restart()

    def restart(self) -> None:
        """Restart the clock."""
        self._until = time.monotonic() + SECONDS

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> Any:
        """Read the bytes that have arrived. Raises socket.timeout."""
        if time.monotonic() > self._until:
            raise socket.timeout("timed out")
        return self._raw.readinto(buffer)

    def close(self) -> None:
        """Close the socket's stream too."""
        self._raw.close()
        super().close()


class _Answer(HTTPResponse):
    """A response whose reads have deadlines."""

    def __init__(self, sock: Any, *args: Any, **words: Any) -> None:
        super().__init__(sock, *args, **words)
        self._timed = _Timed(self.fp.detach())
        self.fp = io.BufferedReader(self._timed)

    def read1(self, n: int = -1) -> bytes:
        """Read a piece of the body."""
        self._timed.restart()
        return super().read1(n)


class _Connection(HTTPConnection):
    response_class = _Answer


class _SecureConnection(HTTPSConnection):
    response_class = _Answer


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


def made_patient(manager: Any) -> Any:
    """Make a pool manager of urllib3 open such connections, and return it."""
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
    return manager
