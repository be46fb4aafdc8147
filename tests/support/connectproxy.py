# SPDX-License-Identifier: GPL-3.0-or-later
"""A proxy for https (CONNECT) that knows names which no DNS has: registries of a test under the names of a page's examples."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

from httpserving import Server, serving

_PIECE = 1 << 16


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    ports: Mapping[str, int]
    asked: list[str]
    server: Server

    def do_CONNECT(self) -> None:
        self.asked.append(self.path)
        port = self.ports.get(self.path)
        if port is None:
            self.send_error(502)
            return
        self.close_connection = True
        with socket.create_connection(("127.0.0.1", port), 10) as there:
            self.send_response_only(200)
            self.end_headers()
            self.wfile.flush()
            self._pass_on(there)

    def _pass_on(self, there: socket.socket) -> None:
        """Pass on what either side says until one of them ends."""
        other = {self.connection: there, there: self.connection}
        with selectors.DefaultSelector() as selector:
            for one in other:
                selector.register(one, selectors.EVENT_READ)
            while not self.server.ending.is_set():
                for key, _events in selector.select(0.2):
                    piece = key.fileobj.recv(_PIECE)
                    if not piece:
                        return
                    other[key.fileobj].sendall(piece)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name there)
        """Say nothing: ``asked`` tells."""


@contextmanager
def connect_proxy(ports: Mapping[str, int]) -> Iterator[tuple[str, list[str]]]:
    """Run the proxy; ``ports`` are those of loopback by ``HOST:PORT``. Gives its URL, and what it is asked for."""

    class Handler(_Handler):
        pass

    Handler.ports, Handler.asked = ports, []
    with serving(Handler) as server:
        yield f"http://127.0.0.1:{server.server_address[1]}", Handler.asked
