# SPDX-License-Identifier: GPL-3.0-or-later
"""An HTTP proxy before a registry that notes what it is asked for, and answers as badly as a test wants.

    with fault_proxy(registry.port) as proxy:
        proxy.when(cut(1000), path="/blobs/", times=1)

A fault is a function of an exchange: it forwards the request, or not, and gives what is to be answered.
"""

from __future__ import annotations

import functools
import gzip
import http.client
import itertools
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler
from typing import Any, Optional

from httpserving import Server, body_of, serving

_PIECE = 1 << 16
_HOP_BY_HOP = ("connection", "transfer-encoding", "keep-alive")
_TIMEOUT = 30
#: What endless answers end at after all, so that a client without a bound fails a test and not the machine.
ENDLESS = 256 << 20
#: Bytes that a bomb becomes.
BOMB = 32 << 20


@dataclass
class Passed:
    """A request that came by, and what became of it: ``sent`` counts bytes of the body; ``headers`` have names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""
    status: int = 0
    sent: int = 0
    began: float = field(default_factory=time.monotonic)


@dataclass(frozen=True)
class Answer:
    """What is answered; ``then`` is what follows the body: "go on" with the connection, "cut", "reset" or "stall" it."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: Iterable[bytes]
    then: str = "go on"

    def having(self, name: str, value: str | None) -> Answer:
        """Return it with another header; None takes it out."""
        others = tuple(item for item in self.headers if item[0].lower() != name.lower())
        return replace(self, headers=others if value is None else (*others, (name, value)))

    def get(self, name: str) -> str | None:
        """Return a header."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


class Exchange:
    """A request whose answer is under way; ``closing`` is what ends with it."""

    def __init__(self, proxy: FaultProxy, handler: _Handler, seen: Passed, closing: ExitStack) -> None:
        self._proxy, self._handler, self.seen, self._closing = proxy, handler, seen, closing

    def forward(self, **headers: str | None) -> Answer:
        """Ask the registry, with these headers altered (``Range=None`` takes one out), and return its answer, unread."""
        given = {name: value for name, value in self.seen.headers.items() if name not in _HOP_BY_HOP}
        given.pop("content-length", None)
        for name, value in headers.items():
            given.pop(name.lower(), None)
            given.update({} if value is None else {name.lower(): value})
        return self._proxy.ask(replace(self.seen, headers=given), self._closing)

    def write(self, data: bytes) -> None:
        """Write to the client as it is."""
        self._handler.wfile.write(data)

    def wait(self, seconds: float | None = None) -> None:
        """Wait, but not longer than the proxy lives."""
        self._handler.ending.wait(seconds)


Fault = Callable[[Exchange], Optional[Answer]]


@dataclass
class _Rule:
    fault: Fault
    method: re.Pattern[str]
    path: re.Pattern[str]
    times: int | None

    def takes(self, seen: Passed) -> bool:
        """Tell whether it is for this request, and count that."""
        if self.times == 0 or not self.method.fullmatch(seen.method) or not self.path.search(seen.path):
            return False
        if self.times is not None:
            self.times -= 1
        return True


class FaultProxy:
    """A running proxy; ``address`` is what stands before a repository, ``passed`` what came by."""

    def __init__(self, server: Server, upstream: int | None, tls: ssl.SSLContext | None) -> None:
        self.port = server.server_address[1]
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"{'https' if tls else 'http'}://{self.address}"
        self.passed: list[Passed] = []
        self._upstream, self._tls, self._server = upstream, tls, server
        self._rules: list[_Rule] = []
        self._lock = threading.Lock()

    def when(self, fault: Fault, *, method: str = "GET", path: str = "", times: int | None = None) -> None:
        """Answer so to requests whose method is, and whose path holds, what these patterns say; the first that fits is taken."""
        with self._lock:
            self._rules.append(_Rule(fault, re.compile(method), re.compile(path), times))

    def clear(self) -> None:
        """Forget all faults, and what came by."""
        with self._lock:
            self._rules.clear()
            self.passed.clear()

    def hang_up(self) -> None:
        """End all connections, so that who hangs there goes on; faults do not wait any more."""
        self._server.cut_all()

    def asked(self, method: str = ".*", path: str = "") -> list[Passed]:
        """Return what came by and fits these patterns."""
        with self._lock:
            fitting = list(self.passed)
        return [one for one in fitting if re.fullmatch(method, one.method) and re.search(path, one.path)]

    def fault_for(self, seen: Passed) -> Fault:
        """Note a request, and return what answers it."""
        with self._lock:
            self.passed.append(seen)
            return next((rule.fault for rule in self._rules if rule.takes(seen)), Exchange.forward)

    def ask(self, request: Passed, closing: ExitStack) -> Answer:
        """Return the registry's answer; where there is none, 404."""
        if self._upstream is None:
            return Answer(404, (("Content-Length", "0"),), ())
        headers = {**request.headers, "x-forwarded-proto": "https"} if self._tls else request.headers
        connection = http.client.HTTPConnection("127.0.0.1", self._upstream, timeout=_TIMEOUT)
        closing.callback(connection.close)
        connection.request(request.method, request.path, body=request.body or None, headers=headers)
        response = closing.enter_context(connection.getresponse())
        kept = tuple(item for item in response.getheaders() if item[0].lower() not in _HOP_BY_HOP)
        return Answer(response.status, kept, _pieces(response))


def _pieces(response: http.client.HTTPResponse) -> Iterator[bytes]:
    while piece := response.read(_PIECE):
        yield piece


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: FaultProxy
    server: Server

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Return what serves a method, whichever it is."""
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    @property
    def ending(self) -> threading.Event:
        return self.server.ending

    def _serve(self) -> None:
        headers = {name.lower(): ", ".join(self.headers.get_all(name)) for name in self.headers}
        seen = Passed(self.command, self.path, headers, b"".join(body_of(self.headers, self.rfile)))
        fault = self.proxy.fault_for(seen)
        with ExitStack() as closing:
            answer = fault(Exchange(self.proxy, self, seen, closing))
            if answer is None:
                self.close_connection = True
            else:
                self._answer(answer, seen)

    def _answer(self, answer: Answer, seen: Passed) -> None:
        seen.status = answer.status
        self.send_response_only(answer.status)
        is_chunked = answer.get("Content-Length") is None and self.command != "HEAD" and answer.status >= 200
        for name, value in answer.headers:
            self.send_header(name, value)
        if is_chunked:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in answer.body:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if is_chunked else piece)
            seen.sent += len(piece)
        if answer.then != "go on":
            self._end(answer.then)
        elif is_chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _end(self, how: str) -> None:
        self.close_connection = True
        if how == "stall":
            self.ending.wait()
        elif how == "reset":  # SO_LINGER of no time makes close(2) send RST
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (its name there)
        """Say nothing: ``passed`` tells."""


@contextmanager
def fault_proxy(upstream: int | None, tls: ssl.SSLContext | None = None) -> Iterator[FaultProxy]:
    """Run a proxy before a port of loopback that speaks plain HTTP; with ``tls`` the proxy itself speaks TLS.

    Without ``upstream`` it is a host that has nothing, and notes who asks.
    """

    class Handler(_Handler):
        pass

    with serving(Handler, tls) as server:
        Handler.proxy = FaultProxy(server, upstream, tls)
        yield Handler.proxy


# Faults


def cut(after: int, *, how: str = "cut") -> Fault:
    """Send so many bytes of the body, and "cut", "reset" or "stall" the connection."""
    return lambda exchange: _until(exchange.forward(), after, how)


def _until(answer: Answer, after: int, how: str) -> Answer:
    return replace(answer, body=_first(answer.body, after), then=how)


def _first(body: Iterable[bytes], size: int) -> Iterator[bytes]:
    for piece in body:
        if len(piece) >= size:
            yield piece[:size]
            return
        size -= len(piece)
        yield piece


def silent(exchange: Exchange) -> None:
    """Never answer."""
    exchange.wait()


def slow(rate: int, *, after: int = 0) -> Fault:
    """Send ``after`` bytes of the body at once, and the others at so many bytes a second."""

    def act(exchange: Exchange) -> Answer:
        answer = exchange.forward()
        return replace(answer, body=_slowly(exchange, answer.body, rate, after))

    return act


def _slowly(exchange: Exchange, body: Iterable[bytes], rate: int, after: int) -> Iterator[bytes]:
    step = max(1, rate // 10)
    for byte_count, piece in _counted(body):
        start = max(0, min(len(piece), after - byte_count))
        yield piece[:start]
        for position in range(start, len(piece), step):
            yield piece[position : position + step]
            exchange.wait(step / rate)


def _counted(body: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    count = 0
    for piece in body:
        yield count, piece
        count += len(piece)


def slow_head(exchange: Exchange) -> None:
    """Send a header a byte at a time, without an end."""
    exchange.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while not exchange._handler.ending.is_set():
        exchange.write(b"a")
        exchange.wait(0.2)


def slow_chunk(exchange: Exchange) -> None:
    """Send the size of a chunk a digit at a time, without an end."""
    exchange.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not exchange._handler.ending.is_set():
        exchange.write(b"0")
        exchange.wait(0.2)


def continues(exchange: Exchange) -> None:
    """Say that the client may go on with its request, again and again."""
    while not exchange._handler.ending.is_set():
        exchange.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        exchange.wait(0.01)


def corrupt(at: int) -> Fault:
    """Alter one byte of the body."""

    def altered(body: Iterable[bytes]) -> Iterator[bytes]:
        for start, piece in _counted(body):
            here = at - start
            is_here = 0 <= here < len(piece)
            yield piece[:here] + bytes([piece[here] ^ 0xFF]) + piece[here + 1 :] if is_here else piece

    return lambda exchange: (answer := exchange.forward()) and replace(answer, body=altered(answer.body))


def says(status: int, body: bytes = b"", **headers: str) -> Fault:
    """Answer so without asking; ``Retry_After="1"`` is a header."""
    given = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return lambda _exchange: Answer(status, (*given, ("Content-Length", str(len(body)))), (body,))


def html(exchange: Exchange) -> Answer | None:
    """Answer as a portal of some network does."""
    page = b"<!DOCTYPE html><html><body>Please log in to the network.</body></html>"
    return says(200, page, Content_Type="text/html")(exchange)


def length(by: int, *, then: str = "cut") -> Fault:
    """Tell a length that is as much more than the body's, or less."""

    def act(exchange: Exchange) -> Answer:
        answer = exchange.forward()
        told = int(answer.get("Content-Length") or 0) + by
        return replace(answer.having("Content-Length", str(told)), then=then)

    return act


def told_length(text: str) -> Fault:
    """Tell this as the length: no number, a negative one, one beyond all bounds."""
    return lambda exchange: replace(exchange.forward().having("Content-Length", text), then="cut")


def without_length(exchange: Exchange) -> Answer:
    """Send the body in chunks."""
    return exchange.forward().having("Content-Length", None)


def header(name: str, value: str | None) -> Fault:
    """Answer with another header; None takes it out."""
    return lambda exchange: exchange.forward().having(name, value)


def content(body: bytes) -> Fault:
    """Answer with another body, of a true length."""

    def act(exchange: Exchange) -> Answer:
        answer = exchange.forward().having("Content-Length", str(len(body)))
        return replace(answer, body=(body,))

    return act


def exchanged(exchange: Exchange) -> Answer:
    """Answer with other bytes, as many."""
    answer = exchange.forward()
    return replace(answer, body=(b"x" * int(answer.get("Content-Length") or 0),))


def redirect(to: str, status: int = 307) -> Fault:
    """Send the client elsewhere: ``to`` is the beginning of a URL, or a whole one that ends in "!"."""

    def act(exchange: Exchange) -> Answer | None:
        whole = to[:-1] if to.endswith("!") else to + exchange.seen.path
        return says(status, Location=whole)(exchange)

    return act


def in_circles(exchange: Exchange) -> Answer | None:
    """Send the client to another place here, without an end."""
    path = exchange.seen.path
    return says(307, Location=f"{path}{'&' if '?' in path else '?'}again")(exchange)


def endless_headers(exchange: Exchange) -> None:
    """Send headers without an end."""
    exchange.write(b"HTTP/1.1 200 OK\r\n")
    for number in itertools.count():
        if number * 100 > ENDLESS:
            return
        exchange.write(b"X-%d: %s\r\n" % (number, b"a" * 80))


def endless_header(exchange: Exchange) -> None:
    """Send one header without an end."""
    exchange.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    for _piece in range(0, ENDLESS, _PIECE):
        exchange.write(b"a" * _PIECE)


def giant(piece: bytes = b" " * _PIECE, *, size: int = ENDLESS, **headers: str) -> Fault:
    """Answer with a body of so many bytes, in chunks."""
    given = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return lambda _exchange: Answer(200, given, itertools.repeat(piece, size // len(piece)))


@functools.cache
def _bomb() -> bytes:
    return gzip.compress(bytes(BOMB), compresslevel=1)


def bomb(exchange: Exchange) -> Answer:
    """Answer with a body that is a thousand times as large when it is decoded as the header tells."""
    data = _bomb()
    return replace(
        exchange.forward().having("Content-Length", str(len(data))).having("Content-Encoding", "gzip"),
        body=(data,),
    )


def garbage(data: bytes) -> Fault:
    """Answer with what is no HTTP."""
    return lambda exchange: exchange.write(data)


def whole_for_range(exchange: Exchange) -> Answer:
    """Answer with the whole to who asks for a part, as a server may."""
    return exchange.forward(Range=None)


def range_refused(exchange: Exchange) -> Answer | None:
    """Answer 416 to who asks for a part, as docker-registry does it: with a length that its body has not."""
    if "range" not in exchange.seen.headers:
        return exchange.forward()
    return replace(
        Answer(416, (("Content-Length", "300000"),), (b"requested range not satisfiable\n",)), then="cut"
    )


def wrong_range(by: int, *, told: bool = True) -> Fault:
    """Answer with another part than was asked for, ``by`` bytes further; ``told``: and say so."""

    def act(exchange: Exchange) -> Answer:
        wanted = exchange.seen.headers.get("range")
        if wanted is None:
            return exchange.forward()
        start = int(wanted.partition("=")[2].partition("-")[0])
        answer = exchange.forward(Range=f"bytes={start + by}-")
        if told:
            return answer
        size = (answer.get("Content-Range") or "/0").partition("/")[2]
        return answer.having("Content-Range", f"bytes {start}-{int(size) - 1}/{size}")

    return act
