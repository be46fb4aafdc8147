# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP for registries, on ``requests``: deadlines, retries, redirects without credentials, certificates.

Lengths, types and redirects of the remote side are not trusted. Proxies come from the environment (``HTTPS_PROXY``,
``NO_PROXY``, ...); a ``.netrc`` is not read.
"""

from __future__ import annotations

import socket
import ssl
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException, IncompleteRead
from typing import Any
from urllib.parse import urljoin, urlsplit

from ...errors import RegistryFailed
from ...frozen import dataclass
from . import challenge, patience, trust
from .challenge import printable
from .library import (
    HTTPAdapter,
    HTTPError,
    InsecureRequestWarning,
    ProtocolError,
    ProxyError,
    ReadTimeoutError,
    RequestException,
    Session,
    SSLError,
    Timeout,
    disable_warnings,
    get_environ_proxies,
)
from .library import Response as RawResponse

#: Seconds for connecting, and for each read: a server that is silent for longer has failed.
_CONNECT, _READ = 15.0, 60.0
#: Seconds in which a document must arrive, however slowly its bytes come.
_DOCUMENT = 120.0
#: The slowest acceptable stream: bytes in this many seconds.
_SLOWEST, _WINDOW = 4096, 60.0
_CHUNK = 1 << 18
#: Redirects of one request; registries use one, to the storage of blobs.
_MOST_REDIRECTS = 5
#: Longer addresses are truncated, and then lead nowhere.
_LONGEST_ADDRESS = 16384
#: The statuses that are retried: too many requests, and temporary errors of the server.
_PASSING = (408, 425, 429, 500, 502, 503, 504)
_REDIRECTS = (301, 302, 303, 307, 308)
#: The longest wait between two attempts in seconds, whatever the server asks for.
_LONGEST_WAIT = 120.0
_AGENT = "slipway.oci"


@dataclass(frozen=True)
class Transfer:
    """How to access a registry: retries, seconds between them (None: exponential backoff), certificates.

    ``verify`` None: as the registries file says. ``cert_dir`` has ``*.crt`` (authorities) and pairs of ``*.cert`` and ``*.key``
    (containers-certs.d(5)); None: the host's directories. Not ``waits``: an unreachable registry is tried twice at most.
    """

    retry: int = 3
    retry_delay: float | None = None
    verify: bool | None = None
    cert_dir: str | None = None
    waits: bool = True


class Response:
    """A response: its status and headers; the body can be read once."""

    def __init__(self, raw: RawResponse, url: str) -> None:
        self._raw = raw
        self.url = url
        self.status = raw.status_code
        self.headers: Mapping[str, str] = raw.headers
        #: The body, if ``Http.fetch`` has read it.
        self.body = b""

    def chunks(self) -> Iterator[bytes]:
        """Yield the body as it arrives; raises RegistryFailed if it stops, or comes too slowly."""
        try:
            yield from self._measured()
            self._release()
        except BaseException:  # also when the reader stops early
            self.close()
            raise

    def _measured(self) -> Iterator[bytes]:
        since, got = time.monotonic(), 0
        with _registry_errors(self.url):
            while chunk := self._read():
                yield chunk
                got += len(chunk)
                if time.monotonic() - since > _WINDOW:
                    if got < _SLOWEST:
                        raise RegistryFailed(f"{_host(self.url)} is too slow: {got} bytes in {_WINDOW:.0f} s")
                    since, got = time.monotonic(), 0

    def read_body(self, limit: int, what: str) -> None:
        """Read a small body whole; raises RegistryFailed if it is too large or takes too long."""
        found, deadline = bytearray(), time.monotonic() + _DOCUMENT
        for chunk in self.chunks():
            found += chunk
            if len(found) > limit:
                raise RegistryFailed(f"{what} from {_host(self.url)} has more than {limit} bytes")
            if time.monotonic() > deadline:
                raise RegistryFailed(f"{what} from {_host(self.url)} did not arrive within {_DOCUMENT:.0f} s")
        if len(found) < self._content_length():
            raise RegistryFailed(f"{what} from {_host(self.url)} broke off", passing=True)
        self.body = bytes(found)

    def _content_length(self) -> int:
        """Return the announced length of the body, or 0 if there is none; urllib3 before 2 ignores it."""
        if self._raw.request.method == "HEAD" or self.status == 304:
            return 0
        length = self.headers.get("Content-Length", "")
        return int(length) if length.isdecimal() and len(length) < 20 else 0

    def close(self) -> None:
        """Close the connection, unless the body has been read."""
        self._raw.close()

    def _release(self) -> None:
        """Return the connection to its pool; urllib3 before 2 does not notice that the body has been read."""
        raw: Any = self._raw.raw
        answer = raw._fp  # noqa: SLF001  (for urllib3 before 2)
        if answer.isclosed() or answer.length == 0:
            answer.close()
            raw.release_conn()
        else:
            self.close()

    def _read(self) -> bytes:
        # Returns the bytes that have arrived: a plain read of requests would wait for the full size, however slow.
        raw: Any = self._raw.raw
        read = getattr(raw, "read1", None) or raw._fp.read1  # noqa: SLF001  (urllib3 before 2.3 has no other way)
        return bytes(read(_CHUNK))


class Http:
    """Requests to one registry and its redirect targets, on a pool. ``stopped`` ends waits between attempts."""

    def __init__(
        self, transfer: Transfer, host: str, *, insecure: bool, stopped: Callable[[], bool] = lambda: False
    ) -> None:
        self._transfer = transfer
        self._verifies = not insecure if transfer.verify is None else transfer.verify
        self._stopped = stopped
        if not self._verifies:
            disable_warnings(InsecureRequestWarning)  # the user chose this, and each request would warn
        self.host = host
        #: ``http`` is tried only if certificates are not verified anyway.
        self.scheme = "https"
        self._session = _Session()
        self._session.trust_env = False
        # Closes the connections with this object; urllib3 before 2 leaves that to garbage collection.
        weakref.finalize(self, self._session.close)
        self._session.headers.update({"User-Agent": _AGENT, "Accept-Encoding": "identity"})
        adapter = _Adapter(trust.context(host, transfer.cert_dir, verifies=self._verifies))
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, adapter)

    @property
    def verifies(self) -> bool:
        """Return whether certificates are verified."""
        return self._verifies

    def fetch(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        limit: int,
        what: str,
        body: Any = None,
        again: bool = True,
    ) -> Response:
        """Send a request and read at most ``limit`` bytes of the response; no retries if not ``again``."""
        tries = self.tries if again else 1
        return self._tried(
            method, url, headers, body, read=lambda response: response.read_body(limit, what), tries=tries
        )

    def send(self, method: str, url: str, headers: Mapping[str, str], body: Any = None) -> Response:
        """Send a request, with retries, and follow redirects; statuses are the caller's. Raises RegistryFailed.

        ``body`` is bytes, or a function that returns a new iterator of bytes for each attempt. Bytes are never sent to another
        host than the URL's, whatever the response: they may be a secret.
        """
        return self._tried(method, url, headers, body, read=lambda _response: None, tries=self.tries)

    def answers(self, url: str) -> bool:
        """Return whether any server responds at this URL; sends one request."""
        try:
            self._once("GET", url, {}, None).close()
        except RegistryFailed:
            return False
        return True

    @property
    def tries(self) -> int:
        """The number of attempts, the first one included."""
        return self._transfer.retry + 1

    def _tried(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: Any,
        *,
        read: Callable[[Response], None],
        tries: int,
    ) -> Response:
        for tried in range(tries):
            last = tried == tries - 1
            try:
                response = self._follow(method, url, headers, body)
                if last or response.status not in _PASSING:
                    _closed_if_broken(response, read)
            except RegistryFailed as error:
                if last or not error.fields.get("passing") or (tried and not self._transfer.waits):
                    if tries > 1:  # so that a caller that resumes does not repeat all attempts
                        error.fields["passing"] = False
                    raise
                self.pause(tried, None)
                continue
            if response.status not in _PASSING or last:
                return response
            response.close()
            self.pause(tried, challenge.wait_of(response.headers.get("Retry-After")))
        raise AssertionError("the last attempt returns or raises")

    def pause(self, tried: int, asked: float | None) -> None:
        """Wait before the next attempt: as the server asks, else as the task says, else 1, 2, 4 ... seconds."""
        wait = asked if asked is not None else self._transfer.retry_delay
        until = time.monotonic() + min(2.0**tried if wait is None else wait, _LONGEST_WAIT)
        while (left := until - time.monotonic()) > 0 and not self._stopped():
            time.sleep(min(left, 0.2))

    def _follow(self, method: str, url: str, headers: Mapping[str, str], body: Any) -> Response:
        start = urlsplit(url)
        for _redirect in range(_MOST_REDIRECTS + 1):
            response = self._once(method, url, headers, body)
            target = response.headers.get("Location")
            if response.status not in _REDIRECTS or not target:
                return response
            response.close()
            url = led(response.url, target)
            there = urlsplit(url)
            if (there.scheme, there.netloc) != (start.scheme, start.netloc):
                headers = {key: value for key, value in headers.items() if key.lower() != "authorization"}
                if isinstance(body, bytes):
                    raise RegistryFailed(
                        f"{_host(response.url)} redirects a request with data to {_host(url)}", url=url[:200]
                    )
        raise RegistryFailed(
            f"{_host(url)} redirects too often: more than {_MOST_REDIRECTS} times", url=url[:200]
        )

    def _once(self, method: str, url: str, headers: Mapping[str, str], body: Any) -> Response:
        with _registry_errors(url):
            raw = self._session.request(
                method,
                url,
                headers=dict(headers),
                data=body() if callable(body) else body,
                stream=True,
                allow_redirects=False,
                timeout=(_CONNECT, _READ),
                verify=self._verifies,
                proxies=get_environ_proxies(url),
            )
        return Response(raw, url)


def led(url: str, target: str) -> str:
    """Return the target of a redirect or upload from ``url``; ``target`` may be relative.

    Raises RegistryFailed for an invalid address, and for one with http if ``url`` has https.
    """
    try:
        there = urlsplit(urljoin(url, target[:_LONGEST_ADDRESS]))
        is_one = there.scheme in ("http", "https") and bool(there.hostname) and there.username is None
    except ValueError:
        is_one = False
    if not is_one:
        raise RegistryFailed(
            f"{_host(url)} redirects to {target[:200]!r}, which is not a valid address", url=target[:200]
        )
    if there.scheme == "http" and url.startswith("https:"):
        raise RegistryFailed(
            f"{_host(url)} redirects from https to {there.netloc} over unencrypted http",
            url=there.geturl()[:200],
        )
    return there.geturl()


def _closed_if_broken(response: Response, read: Callable[[Response], None]) -> None:
    """Read a response; if it breaks off, close its connection without waiting for garbage collection."""
    try:
        read(response)
    except RegistryFailed:
        response.close()
        raise


def is_passing(error: RegistryFailed) -> bool:
    """Return whether a retry may succeed."""
    return bool(error.fields.get("passing")) or error.fields.get("status") in _PASSING


class _Session(Session):
    """A session that never follows redirects: requests itself would read the whole body of each redirect."""

    def get_redirect_target(self, _resp: RawResponse) -> None:
        """Return no target."""


class _Adapter(HTTPAdapter):
    """Connections with our own TLS context, through proxies too."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, *args: Any, **words: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **words)
        patience.made_patient(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **words: Any) -> Any:
        return patience.made_patient(super().proxy_manager_for(proxy, ssl_context=self._context, **words))

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Do nothing: the context has the authorities already."""


@contextmanager
def _registry_errors(url: str) -> Iterator[None]:
    """Convert exceptions of requests to RegistryFailed."""
    host = _host(url)
    try:
        yield
    except SSLError as error:
        raise _untrusted(host, error) from error
    except ProxyError as error:
        raise RegistryFailed(
            f"the proxy for {host} does not respond: {_reason(error)}",
            remedy="Check HTTPS_PROXY and NO_PROXY in the task's environment",
            registry=host,
            passing=True,
        ) from error
    except (Timeout, ReadTimeoutError, socket.timeout) as error:
        raise RegistryFailed(f"{host} did not answer in time", registry=host, passing=True) from error
    except (IncompleteRead, ProtocolError) as error:  # from a body; earlier, requests raises its own
        raise RegistryFailed(
            f"{host} broke off the connection: {_reason(error)}",
            remedy="Run the task again: the download is resumed",
            registry=host,
            passing=True,
        ) from error
    except (RequestException, HTTPError, HTTPException, OSError, ValueError) as error:
        raise _broken(host, error) from error


def _broken(host: str, error: Exception) -> RegistryFailed:
    reason = _reason(error)
    return RegistryFailed(
        f"{host} is unreachable: {reason}",
        remedy="Check the name and the network of this machine; HTTPS_PROXY sets a proxy",
        registry=host,
        # An unknown name stays unknown on a retry.
        passing="Name or service not known" not in reason,
    )


def _untrusted(host: str, error: Exception) -> RegistryFailed:
    reason = _reason(error)
    is_plain = (
        "WRONG_VERSION_NUMBER" in str(error).upper() or "record layer" in reason or "wrong version" in reason
    )
    remedy = (
        "It speaks plain http: set tls_verify: false, or insecure for it in the registries file"
        if is_plain
        else "Put its CA certificate (*.crt) into a directory and set ca_cert_dir to that, or set tls_verify: false"
    )
    return RegistryFailed(
        f"{host} is not trusted: {reason}", remedy=remedy, registry=host, is_plain=is_plain, tls=True
    )


def _reason(error: BaseException) -> str:
    """Return the innermost error that requests and urllib3 wrap, in one line."""
    for _depth in range(12):
        inner = getattr(error, "reason", None)
        inner = inner if isinstance(inner, BaseException) else (error.args[0] if error.args else None)
        inner = inner if isinstance(inner, BaseException) else (error.__cause__ or error.__context__)
        if inner is None:
            break
        error = inner
    text = (
        error.strerror
        if isinstance(error, OSError) and error.strerror
        else str(error) or type(error).__name__
    )
    return printable(text)


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]
