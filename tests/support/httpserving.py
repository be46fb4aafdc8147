# SPDX-License-Identifier: GPL-3.0-or-later
"""What the small HTTP servers of the tests have in common: a thread on loopback, and the bodies of requests."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import BinaryIO

_PIECE = 1 << 16


class Server(ThreadingHTTPServer):
    """A server that its handlers outlive by nothing: at its end their connections are cut, and they are waited for."""

    daemon_threads = False
    block_on_close = True

    def __init__(self, handler: type[BaseHTTPRequestHandler], tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self._tls, self._lock = tls, threading.Lock()
        self._open: set[socket.socket] = set()
        self.ending = threading.Event()

    def finish_request(self, request: socket.socket, client_address: tuple[str, int]) -> None:
        """Serve one connection; a client that goes, or does not like our certificate, is no event."""
        with suppress(OSError), self._secured(request) as connection:
            with self._lock:
                self._open.add(connection)
            try:
                super().finish_request(connection, client_address)
            finally:
                with self._lock:
                    self._open.discard(connection)

    def _secured(self, request: socket.socket) -> socket.socket:
        if not self._tls:
            return request
        request.settimeout(30)  # for the handshake; whoever connects and says nothing must not hold us up
        secured = self._tls.wrap_socket(request, server_side=True)
        secured.settimeout(None)
        return secured

    def cut_all(self) -> None:
        """End all connections, also those on which somebody waits."""
        self.ending.set()
        with self._lock:
            for one in self._open:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler], tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Serve on a port of loopback until the caller is done."""
    with Server(handler, tls) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
            server.cut_all()


def body_of(headers: Message, stream: BinaryIO) -> Iterator[bytes]:
    """Yield a request's body, with a length or in chunks."""
    if headers.get("Transfer-Encoding", "").lower() == "chunked":
        while size := int(stream.readline().partition(b";")[0], 16):
            yield from _exactly(stream, size)
            stream.readline()
        while stream.readline().strip():
            pass
    else:
        yield from _exactly(stream, int(headers.get("Content-Length", 0)))


def _exactly(stream: BinaryIO, size: int) -> Iterator[bytes]:
    while size:
        piece = stream.read(min(size, _PIECE))
        if not piece:
            raise ConnectionError("the client has gone in the middle of a request's body")
        size -= len(piece)
        yield piece
