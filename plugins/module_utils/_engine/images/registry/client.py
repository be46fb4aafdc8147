# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of one repository of a registry: its manifests, tags and blobs, with authentication.

Sources: OCI distribution-spec v1.1; the token authentication of the distribution project (registry v2).
"""

from __future__ import annotations

import base64
import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlencode, urlsplit

from ...errors import ArchiveBroken, DigestMismatch, EngineError, ImageUnknown, RegistryDenied, RegistryFailed
from ...model.values import jsontext
from ...model.values.digests import DIGEST
from . import challenge
from .configuration import Place
from .credentials import Credentials
from .http import Http, Response

MANIFEST_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
#: A registry returns 404 for an image in a format that the request does not accept, so all are accepted each time.
_ACCEPT = {"Accept": ", ".join(MANIFEST_TYPES)}
_OLD_FORM = "application/vnd.docker.distribution.manifest.v1"
#: Registries refuse manifests that are larger (OCI distribution-spec, "Pushing Manifests").
_LARGEST = 4 << 20
#: The size limit of a response with tags.
_LARGEST_LIST = 1 << 20
#: The host that Docker Hub's registry actually has.
_HUB, _HUB_HOST = "docker.io", "registry-1.docker.io"
#: Seconds: a token is not used this shortly before it expires; and the lifetime of a token that states none.
_MARGIN, _SHORT_LIVED = 10.0, 60.0
#: Actions of a token's scope; LOG_IN requests none.
PULL, PUSH, LOG_IN = "pull", "pull,push", ""


class Manifest(NamedTuple):
    """A manifest or an index: its bytes, type and digest."""

    raw: bytes
    media_type: str
    digest: str


class _Token(NamedTuple):
    header: str
    until: float


class Repository:
    """A repository at one place. ``credentials`` is called when needed; ``name`` is for messages.

    ``neighbours`` are repositories of the same registry from which a push can mount blobs.
    """

    def __init__(
        self, place: Place, http: Http, credentials: Callable[[], Credentials | None], *, name: str
    ) -> None:
        self.place = place
        self.name = name
        self.neighbours: tuple[str, ...] = ()
        self._http = http
        self._credentials = credentials
        self._tokens: dict[str, _Token] = {}
        self._lock = threading.Lock()
        self._scheme = "" if not http.verifies else "https"

    # -- queries -----------------------------------------------------------------------------------

    def log_in(self) -> bool:
        """Log in; return whether the registry required that. Raises RegistryDenied, RegistryFailed."""
        response = self.ask("GET", f"{self._origin()}/v2/", {}, actions=LOG_IN)
        self.expect(response, 200, f"{self.place.registry} as a registry")
        return LOG_IN in self._tokens

    def head(self, reference: str, known: str | None = None, *, actions: str = PULL) -> str | None:
        """Return the current digest of a tag or digest, without a download; None if the registry omits it.

        ``known`` makes the request conditional: the registry may respond that nothing is newer. Raises as ``manifest``.
        """
        headers = {**_ACCEPT, **({"If-None-Match": f'"{known}"'} if known else {})}
        response = self.ask("HEAD", f"manifests/{reference}", headers, actions=actions)
        if response.status == 304:
            return known
        if response.status != 200:
            return None  # a GET returns more detail about the error
        digest = response.headers.get("Docker-Content-Digest")
        return digest if digest and DIGEST.fullmatch(digest) else None

    def manifest(self, reference: str, *, actions: str = PULL) -> Manifest:
        """Fetch a manifest or an index by tag or digest.

        Raises ImageUnknown, RegistryDenied, RegistryFailed, DigestMismatch, ArchiveBroken (schema 1).
        """
        response = self.ask("GET", f"manifests/{reference}", _ACCEPT, actions=actions)
        if response.status == 404:
            raise self._unknown(reference)
        self.expect(response, 200, f"{self.name}: the manifest {reference}")
        raw, digest = response.body, f"sha256:{hashlib.sha256(response.body).hexdigest()}"
        wanted = reference if ":" in reference else response.headers.get("Docker-Content-Digest", digest)
        if DIGEST.fullmatch(wanted):
            algorithm, _colon, _digits = wanted.partition(":")
            digest = f"{algorithm}:{hashlib.new(algorithm, raw).hexdigest()}"
        if digest != wanted:
            raise DigestMismatch(
                f"{self.place}: the manifest {reference} has the digest {digest}, not {challenge.printable(wanted)}",
                remedy="Report the mismatch to the operator of the registry, or use another registry",
                expected=challenge.printable(wanted),
                actual=digest,
            )
        return Manifest(raw, _media_type(raw, response.headers.get("Content-Type", ""), self.name), digest)

    def tags(self) -> tuple[str, ...]:
        """Return the repository's tags, at most one page of them; none if the registry does not list them."""
        try:
            response = self.ask("GET", "tags/list?n=1000", {}, limit=_LARGEST_LIST)
            found = jsontext.parse_object(response.body).get("tags") if response.status == 200 else None
        except (EngineError, ValueError):
            return ()
        return tuple(tag for tag in found if isinstance(tag, str)) if isinstance(found, list) else ()

    def blob(self, digest: str, offset: int = 0) -> Response:
        """Start to download a blob, from an offset if that is not 0; the caller must check the status."""
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        return self.ask("GET", f"blobs/{digest}", headers, limit=None)

    # -- requests ----------------------------------------------------------------------------------

    def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        *,
        limit: int | None = _LARGEST,
        actions: str = PULL,
        body: Any = None,
        again: bool = True,
    ) -> Response:
        """Send a request, authenticated as required. ``limit``: the largest body to read, None to leave it unread.

        If not ``again``, a failed request is not retried; its response is read all the same. ``path`` is below the repository, or
        a whole URL that the registry has returned. Raises RegistryDenied, RegistryFailed.
        """
        url = path if "://" in path else f"{self._base()}/{path}"
        for second in (False, True):
            authorized = {**headers, **self._authorization(actions, url)}
            if limit is None:
                response = self._http.send(method, url, authorized, body)
            else:
                what = f"{self.name}: {'an upload' if '://' in path else path}"
                response = self._http.fetch(
                    method, url, authorized, limit=limit, what=what, body=body, again=again
                )
            if response.status != 401:
                break
            # A 401 from any other host must not decide where credentials are sent.
            if second or not self._is_own(response.url) or not self._log_in(response, actions, authorized):
                raise self._denied(response)
            response.close()
        if response.status == 403:
            raise self._denied(response)
        return response

    def expect(self, response: Response, status: int, what: str) -> None:
        """Raise RegistryFailed unless the response has this status."""
        if response.status == status:
            return
        said = challenge.said(response.body)
        often = "; too many requests" if response.status == 429 else ""
        raise RegistryFailed(
            f"{what}: {self.place.registry} returned HTTP {response.status}{f' ({said})' if said else ''}{often}",
            remedy="Try again later, or raise retry" if response.status in (429, 502, 503, 504) else "",
            registry=self.place.registry,
            status=response.status,
        )

    @property
    def tries(self) -> int:
        """The number of attempts, the first one included."""
        return self._http.tries

    def pause(self, tried: int) -> None:
        """Wait before the next attempt."""
        self._http.pause(tried, None)

    def _base(self) -> str:
        return f"{self._origin()}/v2/{self.place.repository}"

    def _origin(self) -> str:
        if not self._scheme:
            self._scheme = self._probe()
        host = _HUB_HOST if self.place.registry == _HUB else self.place.registry
        return f"{self._scheme}://{host}"

    def _is_own(self, url: str) -> bool:
        return urlsplit(url).netloc == urlsplit(self._origin()).netloc

    def _probe(self) -> str:
        """Return an insecure registry's scheme: https without certificate checks if that works, else http."""
        return "https" if self._http.answers(f"https://{self.place.registry}/v2/") else "http"

    # -- credentials -------------------------------------------------------------------------------

    def _authorization(self, actions: str, url: str) -> Mapping[str, str]:
        # The address of an upload may be on another host, which must not get this registry's credentials.
        if not self._is_own(url):
            return {}
        token = self._tokens.get(actions)
        return {"Authorization": token.header} if token and token.until > time.monotonic() else {}

    def _log_in(self, response: Response, actions: str, tried: Mapping[str, str]) -> bool:
        """Authenticate for these actions as the registry requires; return False without credentials to try.

        ``tried`` are the headers of the rejected request: another thread may have authenticated since.
        """
        found = {
            one.scheme: one for one in challenge.challenges(response.headers.get("WWW-Authenticate", ""))
        }
        with self._lock:
            known = self._authorization(actions, response.url)
            if known and known["Authorization"] != tried.get("Authorization"):
                return True
            if "bearer" in found:
                self._tokens[actions] = self._token(found["bearer"].parameters, actions)
                return True
            credentials = self._credentials() if "basic" in found else None
            if credentials is None or self._tokens.get(actions):
                return False
            self._tokens[actions] = _Token(_basic(credentials), float("inf"))
            return True

    def _token(self, parameters: Mapping[str, str], actions: str) -> _Token:
        """Request a token from the server that the registry names."""
        realm = self._realm(parameters.get("realm", ""))
        asked = (("service", parameters.get("service", "")), *self._scopes(actions))
        known = self._credentials()
        response = self._ask_for_token(realm.geturl(), asked, known)
        if response.status in (400, 401, 403):
            raise self._denied(response)
        self.expect(response, 200, f"{self.name}: the token server {realm.netloc}")
        return _read_token(response.body, realm.netloc)

    def _realm(self, text: str) -> SplitResult:
        """Return the token server's address. Raises RegistryFailed if it is invalid or unencrypted."""
        registry = self.place.registry
        try:
            realm = urlsplit(text)
            is_one = realm.scheme in ("https", "http") and bool(realm.hostname) and not realm.username
        except ValueError:
            is_one = False
        if not is_one:
            raise RegistryFailed(f"{registry} names an invalid address of a token server", registry=registry)
        if realm.scheme == "http" and self._scheme != "http":
            raise RegistryFailed(
                f"{registry} requires a login over unencrypted http at {realm.netloc}",
                registry=registry,
            )
        return realm

    def _scopes(self, actions: str) -> Iterator[tuple[str, str]]:
        if actions != LOG_IN:
            yield "scope", f"repository:{self.place.repository}:{actions}"
        for neighbour in self.neighbours if actions == PUSH else ():
            yield "scope", f"repository:{neighbour}:{PULL}"

    def _ask_for_token(
        self, url: str, asked: Sequence[tuple[str, str]], known: Credentials | None
    ) -> Response:
        what = "the token"
        if known is not None and known.identity_token:
            # In this form, several scopes are one value (distribution's docs/spec/auth/oauth.md).
            scopes = " ".join(value for key, value in asked if key == "scope")
            form = {
                "service": asked[0][1],
                **({"scope": scopes} if scopes else {}),
                "grant_type": "refresh_token",
                "refresh_token": known.identity_token,
                "client_id": "slipway",
            }
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            return self._http.fetch(
                "POST", url, headers, limit=_LARGEST, what=what, body=urlencode(form).encode()
            )
        headers = {"Authorization": _basic(known)} if known else {}
        joint = "&" if "?" in url else "?"
        return self._http.fetch("GET", f"{url}{joint}{urlencode(asked)}", headers, limit=_LARGEST, what=what)

    # -- errors ------------------------------------------------------------------------------------

    def _denied(self, response: Response) -> RegistryDenied:
        response.close()  # the body of a blob's response is unread
        known = self._credentials()
        user = known.username if known else ""
        said = challenge.said(response.body)
        challenged = response.headers.get("WWW-Authenticate", "")
        registry, repository = self.place.registry, self.place.repository
        if known is None:
            message = f"{registry} requires credentials for {repository}, or has no such image"
            remedy = "Log in with slipway.oci.login, or set username and password, or auth_file"
        elif "invalid_token" in challenged:
            message = (
                f"{registry} rejects the token that its own token server issued to {user or 'this user'}"
            )
            remedy = "Check the clocks of this host and of the registry, or tell the operator of the registry"
        elif response.status == 403 or "insufficient_scope" in challenged:
            message = (
                f"{registry} denies {user or 'this user'} access{f' to {repository}' if repository else ''}"
            )
            remedy = "Use an account that has access"
        else:
            message = f"{registry} rejects the password of {user or 'this user'}"
            remedy = "Check username and password, or log in again with slipway.oci.login"
        fields = {
            "registry": registry,
            "repository": repository,
            "username": user,
            "status": response.status,
        }
        return RegistryDenied(f"{message}{f' ({said})' if said else ''}", remedy=remedy, **fields)

    def _unknown(self, reference: str) -> ImageUnknown:
        tags = self.tags()
        near = tuple(tag for tag in tags if ":" not in reference)[:20]
        where = f"{self.place.repository}{'@' if ':' in reference else ':'}{reference}"
        remedy = (
            ""
            if near
            else f"Check the name; {self.place.registry} may also require a login to show the image"
        )
        error = ImageUnknown("image", f"{self.place.registry}/{where}", remedy=remedy)
        error.fields["tags"] = list(near)
        if near:
            more = f" and {len(tags) - len(near)} more" if len(tags) > len(near) else ""
            error.message = f"{error.message}: its tags are {', '.join(near)}{more}"
        return error


def _basic(known: Credentials) -> str:
    return f"Basic {base64.b64encode(f'{known.username}:{known.password}'.encode()).decode('ascii')}"


def _read_token(raw: bytes, server: str) -> _Token:
    try:
        answer = jsontext.parse_object(raw)
    except ValueError as error:
        raise RegistryFailed(f"the token server {server} did not return a JSON object") from error
    token = answer.get("token") or answer.get("access_token")
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        raise RegistryFailed(f"the token server {server} returned no token")
    seconds = answer.get("expires_in")
    lasts = float(seconds) if isinstance(seconds, (int, float)) and 0 < seconds < 10**9 else _SHORT_LIVED
    return _Token(f"Bearer {token}", time.monotonic() + max(lasts - _MARGIN, _MARGIN))


def _media_type(raw: bytes, header: str, name: str) -> str:
    """Return a manifest's type, from the manifest itself or else from the header. Raises ArchiveBroken."""
    try:
        document = jsontext.parse_object(raw)
    except ValueError as error:
        raise ArchiveBroken(f"{name}: the registry's manifest is not a JSON object: {error}") from error
    said = document.get("mediaType") or header.partition(";")[0].strip()
    if document.get("schemaVersion") == 1 or str(said).startswith(_OLD_FORM):
        raise ArchiveBroken(
            f"{name}: the registry has this image only in the format of Docker before 1.10 (schema 1)",
            remedy="Push it again with a newer program, which writes schema 2",
        )
    if said in MANIFEST_TYPES:
        return str(said)
    return MANIFEST_TYPES[1 if "manifests" in document else 0]
