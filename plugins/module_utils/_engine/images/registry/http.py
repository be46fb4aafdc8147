# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP as registries need it, by ``requests``: deadlines, tries again, redirects that carry no credentials, certificates.

Nothing that the other side says is trusted for its length, its type or where it leads. Proxies come from the environment
(``HTTPS_PROXY``, ``NO_PROXY``, ...); a ``.netrc`` is not read.
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

#: Seconds for a connection, and for each read: a server that is silent for so long is gone.
_CONNECT, _READ = 15.0, 60.0
#: Seconds in which a document has to come, however it drips.
_DOCUMENT = 120.0
#: The slowest stream that is waited for: bytes in this many seconds.
_SLOWEST, _WINDOW = 4096, 60.0
_CHUNK = 1 << 18
#: Redirects of one request; registries make one, to where the blobs lie.
_MOST_REDIRECTS = 5
#: An address that is longer is cut, and leads nowhere then.
_LONGEST_ADDRESS = 16384
#: What is tried again: too many requests, and what passes on the server's side.
_PASSING = (408, 425, 429, 500, 502, 503, 504)
_REDIRECTS = (301, 302, 303, 307, 308)
#: Seconds between two tries at most, whatever the server asks for.
_LONGEST_WAIT = 120.0
_AGENT = "slipway.oci"


@dataclass(frozen=True)
class Transfer:
    """How a registry is talked with: tries after the first, seconds between them (None: longer each time), certificates.

    ``verify`` None: as the registry's entry in the file says. ``cert_dir`` holds ``*.crt`` (authorities) and pairs of ``*.cert``
    and ``*.key`` (containers-certs.d(5)); None: the directories of the host.
    """

    retry: int = 3
    retry_delay: float | None = None
    verify: bool | None = None
    cert_dir: str | None = None


class Response:
    """An answer: its status and headers; the body is read once."""

    def __init__(self, raw: RawResponse, url: str) -> None:
        self._raw = raw
        self.url = url
        self.status = raw.status_code
        self.headers: Mapping[str, str] = raw.headers
        #: What ``Http.fetch`` has read of it.
        self.body = b""

    def chunks(self) -> Iterator[bytes]:
        """Yield the body as it comes; raises RegistryFailed when it stops, or drips too slowly."""
        try:
            yield from self._measured()
            self._give_back()
        except BaseException:  # whoever stops reading, too
            self.close()
            raise

    def _measured(self) -> Iterator[bytes]:
        since, got = time.monotonic(), 0
        with _telling(self.url):
            while chunk := self._read():
                yield chunk
                got += len(chunk)
                if time.monotonic() - since > _WINDOW:
                    if got < _SLOWEST:
                        raise RegistryFailed(
                            f"{_host(self.url)} sends next to nothing: {got} bytes in {_WINDOW:.0f} s"
                        )
                    since, got = time.monotonic(), 0

    def read_body(self, limit: int, what: str) -> None:
        """Read a small body whole; raises RegistryFailed when it is larger, or takes too long."""
        found, deadline = bytearray(), time.monotonic() + _DOCUMENT
        for chunk in self.chunks():
            found += chunk
            if len(found) > limit:
                raise RegistryFailed(f"{what} from {_host(self.url)} has more than {limit} bytes")
            if time.monotonic() > deadline:
                raise RegistryFailed(f"{what} from {_host(self.url)} did not come within {_DOCUMENT:.0f} s")
        if len(found) < self._told():
            raise RegistryFailed(f"{what} from {_host(self.url)} broke off", passing=True)
        self.body = bytes(found)

    def _told(self) -> int:
        """Return how long the body is to be, 0 where nobody says; urllib3 before 2 does not look."""
        if self._raw.request.method == "HEAD" or self.status == 304:
            return 0
        length = self.headers.get("Content-Length", "")
        return int(length) if length.isdecimal() and len(length) < 20 else 0

    def close(self) -> None:
        """End the connection, unless the body has been read."""
        self._raw.close()

    def _give_back(self) -> None:
        """Return the connection to its pool; urllib3 before 2 does not notice that the body has been read."""
        raw: Any = self._raw.raw
        answer = raw._fp  # noqa: SLF001  (the same)
        if answer.isclosed() or answer.length == 0:
            answer.close()
            raw.release_conn()
        else:
            self.close()

    def _read(self) -> bytes:
        # What has come, not as much as was asked for: a read of requests' own waits for all of it, however it drips.
        raw: Any = self._raw.raw
        read = getattr(raw, "read1", None) or raw._fp.read1  # noqa: SLF001  (urllib3 before 2.3 has no other way)
        return bytes(read(_CHUNK))


class Http:
    """Requests to one registry, and where it leads; connections are kept. ``stopped`` ends waits between tries."""

    def __init__(
        self, transfer: Transfer, host: str, *, insecure: bool, stopped: Callable[[], bool] = lambda: False
    ) -> None:
        self._transfer = transfer
        self._verifies = not insecure if transfer.verify is None else transfer.verify
        self._stopped = stopped
        if not self._verifies:
            disable_warnings(InsecureRequestWarning)  # somebody has said so; it would be told at each request
        self.host = host
        #: ``http`` is tried only where certificates are not looked at anyway.
        self.scheme = "https"
        self._session = _Session()
        self._session.trust_env = False
        # Its connections end with this; urllib3 before 2 leaves that to chance.
        weakref.finalize(self, self._session.close)
        self._session.headers.update({"User-Agent": _AGENT, "Accept-Encoding": "identity"})
        adapter = _Adapter(trust.context(host, transfer.cert_dir, verifies=self._verifies))
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, adapter)

    @property
    def verifies(self) -> bool:
        """Tell whether certificates are looked at."""
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
        """Send a request and read its answer, of ``limit`` bytes at most; as ``send``, once where not ``again``."""
        tries = self.tries if again else 1
        return self._tried(
            method, url, headers, body, read=lambda response: response.read_body(limit, what), tries=tries
        )

    def send(self, method: str, url: str, headers: Mapping[str, str], body: Any = None) -> Response:
        """Send a request, again where that may help; follow redirects. Raises RegistryFailed; other statuses are the caller's.

        ``body`` is bytes, or a function that makes a new iterator of bytes for each try. Bytes go nowhere but to the host that
        they are for, whatever it answers: they may be a secret.
        """
        return self._tried(method, url, headers, body, read=lambda _response: None, tries=self.tries)

    def answers(self, url: str) -> bool:
        """Tell whether anything at all answers there, by one request."""
        try:
            self._once("GET", url, {}, None).close()
        except RegistryFailed:
            return False
        return True

    @property
    def tries(self) -> int:
        """Return how often something is tried at all."""
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
                if last or not error.fields.get("passing"):
                    if tries > 1:  # whoever goes on with what broke off need not try all that again
                        error.fields["passing"] = False
                    raise
                self.pause(tried, None)
                continue
            if response.status not in _PASSING or last:
                return response
            response.close()
            self.pause(tried, challenge.wait_of(response.headers.get("Retry-After")))
        raise AssertionError("the last try returns or raises")

    def pause(self, tried: int, asked: float | None) -> None:
        """Wait before the next try: as the server asks, as the task says, else 1, 2, 4 ... seconds."""
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
                        f"{_host(response.url)} leads what it was sent on to {_host(url)}", url=url[:200]
                    )
        raise RegistryFailed(
            f"{_host(url)} leads on and on: more than {_MOST_REDIRECTS} redirects", url=url[:200]
        )

    def _once(self, method: str, url: str, headers: Mapping[str, str], body: Any) -> Response:
        with _telling(url):
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
    """Return where an answer from ``url`` leads to, maybe by a part of an address.

    Raises RegistryFailed for what is no address, and for one by http where https was used.
    """
    try:
        there = urlsplit(urljoin(url, target[:_LONGEST_ADDRESS]))
        is_one = there.scheme in ("http", "https") and bool(there.hostname) and there.username is None
    except ValueError:
        is_one = False
    if not is_one:
        raise RegistryFailed(f"{_host(url)} leads to {target[:200]!r}, which is no address", url=target[:200])
    if there.scheme == "http" and url.startswith("https:"):
        raise RegistryFailed(
            f"{_host(url)} leads from https to {there.netloc} by http, where anybody may read and alter it",
            url=there.geturl()[:200],
        )
    return there.geturl()


def _closed_if_broken(response: Response, read: Callable[[Response], None]) -> None:
    """Read an answer; the connection of one that breaks off is closed, and not left to chance."""
    try:
        read(response)
    except RegistryFailed:
        response.close()
        raise


def is_passing(error: RegistryFailed) -> bool:
    """Tell whether the same again may go well."""
    return bool(error.fields.get("passing")) or error.fields.get("status") in _PASSING


class _Session(Session):
    """A session that leaves redirects to us: requests itself reads all that comes with one, followed or not."""

    def get_redirect_target(self, _resp: RawResponse) -> None:
        """Return no target."""


class _Adapter(HTTPAdapter):
    """Connections with certificates of our own choice, through proxies too."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, *args: Any, **words: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **words)
        patience.made_patient(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **words: Any) -> Any:
        return patience.made_patient(super().proxy_manager_for(proxy, ssl_context=self._context, **words))

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Leave all to the context, which knows the authorities already."""


@contextmanager
def _telling(url: str) -> Iterator[None]:
    """Turn what requests raises into words."""
    host = _host(url)
    try:
        yield
    except SSLError as error:
        raise _untrusted(host, error) from error
    except ProxyError as error:
        raise RegistryFailed(
            f"the proxy for {host} does not answer: {_reason(error)}",
            remedy="Look at HTTPS_PROXY and NO_PROXY of the task's environment",
            registry=host,
            passing=True,
        ) from error
    except (Timeout, ReadTimeoutError, socket.timeout) as error:
        raise RegistryFailed(f"{host} did not answer in time", registry=host, passing=True) from error
    except (
        IncompleteRead,
        ProtocolError,
    ) as error:  # while a body is read; before that requests has its own words
        raise RegistryFailed(
            f"{host} broke off: {_reason(error)}",
            remedy="Run the task again: what has come is kept",
            registry=host,
            passing=True,
        ) from error
    except (RequestException, HTTPError, HTTPException, OSError, ValueError) as error:
        raise _broken(host, error) from error


def _broken(host: str, error: Exception) -> RegistryFailed:
    reason = _reason(error)
    return RegistryFailed(
        f"{host} can't be reached: {reason}",
        remedy="Check the name, and whether this machine reaches it; HTTPS_PROXY names a proxy",
        registry=host,
        # A name that nobody knows stays unknown.
        passing="Name or service not known" not in reason,
    )


def _untrusted(host: str, error: Exception) -> RegistryFailed:
    reason = _reason(error)
    is_plain = (
        "WRONG_VERSION_NUMBER" in str(error).upper() or "record layer" in reason or "wrong version" in reason
    )
    remedy = (
        "It speaks plain http: write tls_verify: false, or insecure for it in the file of registries"
        if is_plain
        else "Put its authority's certificate (*.crt) into a directory and name that in ca_cert_dir, or write tls_verify: false"
    )
    return RegistryFailed(
        f"{host} is not trusted: {reason}", remedy=remedy, registry=host, is_plain=is_plain, tls=True
    )


def _reason(error: BaseException) -> str:
    """Return the innermost reason that requests and urllib3 wrap, in one line."""
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
