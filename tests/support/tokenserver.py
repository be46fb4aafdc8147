# SPDX-License-Identifier: GPL-3.0-or-later
"""A server of tokens for docker-registry: knows users and what each may do, signs by the program openssl.

Source: distribution's docs/spec/auth/{token,scope,jwt,oauth}.md.
"""

from __future__ import annotations

import base64
import fnmatch
import json
import os
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from certificates import Authority, openssl
from httpserving import body_of, serving

_SERVICE, _ISSUER = "registry of the tests", "tests"
#: The registry takes a token as much as this after its end (distribution's registry/auth/token, Leeway), in seconds.
_LEEWAY = 60


class User(NamedTuple):
    """A user: the password, and what may be done by pattern of repository: ``{"team/*": ("pull", "push")}``."""

    password: str
    may: Mapping[str, Sequence[str]]


class Asked(NamedTuple):
    """A request for a token: by which method and which user ("" is nobody), for which scopes, and the answer's status."""

    method: str
    user: str
    scopes: tuple[str, ...]
    status: int


class TokenServer:
    """A running server; what a test alters here holds for the next request.

    ``realm``: where registries send their clients, which are told at their start. ``users``: by name; the one called "" is
    who gives no name. ``stale``: so many of the next tokens have expired already.
    ``lifetime``: seconds, which the answer tells unless it is None. ``key``: the word by which the answer gives the token.
    ``asked``: what was asked for.
    """

    def __init__(self, top: Path, port: int) -> None:
        signer = Authority(top, "tokens").server("signer")
        self._key, self._bundle = signer.key, top / "ca.crt"
        self._chain = [base64.b64encode(ssl.PEM_cert_to_DER_cert(signer.certificate.read_text())).decode()]
        self.port = port
        self.realm = f"http://127.0.0.1:{port}/token"
        self.users: dict[str, User] = {}
        self.stale = 0
        self.lifetime: int | None = 300
        self.key = "token"
        self.asked: list[Asked] = []
        self._refresh: dict[str, str] = {}

    @property
    def configuration(self) -> dict[str, str]:
        """Return what a registry has to know of it."""
        return {
            "realm": self.realm,
            "service": _SERVICE,
            "issuer": _ISSUER,
            "rootcertbundle": str(self._bundle),
        }

    def answer(
        self, method: str, query: Mapping[str, list[str]], authorization: str
    ) -> tuple[int, dict[str, Any]]:
        """Return status and document for a request: by GET with basic authentication, or by POST as OAuth 2 has it."""
        user = self._by_form(query) if method == "POST" else self._by_header(authorization)
        scopes = tuple(scope for text in query.get("scope", ()) for scope in text.split())
        status = 401 if user is None or user not in self.users else 200
        self.asked.append(Asked(method, user or "", scopes, status))
        if status == 401:
            return status, {"errors": [{"code": "UNAUTHORIZED", "message": "wrong user or password"}]}
        return status, self._answer(method, user or "", scopes, query)

    def _answer(
        self, method: str, user: str, scopes: Sequence[str], query: Mapping[str, list[str]]
    ) -> dict[str, Any]:
        key = "access_token" if method == "POST" else self.key
        document: dict[str, Any] = {key: self._token(user, scopes), "issued_at": _date(time.time())}
        if self.lifetime is not None:
            document["expires_in"] = self.lifetime
        if query.get("offline_token") == ["true"] or query.get("access_type") == ["offline"]:
            document["refresh_token"] = self.refresh_token(user)
        return document

    def refresh_token(self, user: str) -> str:
        """Return an identity token, which stands for a user without a password."""
        token = base64.urlsafe_b64encode(os.urandom(18)).decode()
        self._refresh[token] = user
        return token

    def _by_header(self, authorization: str) -> str | None:
        if not authorization:
            return ""
        user, _colon, password = base64.b64decode(authorization.partition(" ")[2]).decode().partition(":")
        return user if user in self.users and self.users[user].password == password else None

    def _by_form(self, form: Mapping[str, list[str]]) -> str | None:
        if form.get("grant_type") == ["refresh_token"]:
            return self._refresh.get(form["refresh_token"][0])
        user, password = form["username"][0], form["password"][0]
        return user if user in self.users and self.users[user].password == password else None

    def _token(self, user: str, scopes: Sequence[str]) -> str:
        """Return a signed token for what of these scopes the user may do."""
        now = int(time.time())
        end = now + (self.lifetime or 60)
        if self.stale > 0:
            self.stale -= 1
            end = now - _LEEWAY - 10
        claims = {
            "iss": _ISSUER,
            "sub": user,
            "aud": _SERVICE,
            "exp": end,
            "nbf": end - 3600,
            "iat": end - 3600,
            "jti": os.urandom(8).hex(),
            "access": [one for scope in scopes if (one := self._access(user, scope))["actions"]],
        }
        head = {"typ": "JWT", "alg": "RS256", "x5c": self._chain}
        signed = f"{_encoded(json.dumps(head).encode())}.{_encoded(json.dumps(claims).encode())}"
        return f"{signed}.{_encoded(openssl('dgst', '-sha256', '-sign', self._key, given=signed.encode()))}"

    def _access(self, user: str, scope: str) -> dict[str, Any]:
        kind, name, actions = (scope.split(":", 1)[0], *scope.split(":", 1)[1].rsplit(":", 1))
        may = {
            action
            for pattern, given in self.users[user].may.items()
            if fnmatch.fnmatchcase(name, pattern)
            for action in given
        }
        wanted = actions.split(",")
        return {"type": kind, "name": name, "actions": [one for one in wanted if one in may or "*" in may]}


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _date(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    tokens: TokenServer

    def do_GET(self) -> None:
        self._tell(parse_qs(urlsplit(self.path).query))

    def do_POST(self) -> None:
        self._tell(parse_qs(b"".join(body_of(self.headers, self.rfile)).decode()))

    def _tell(self, query: Mapping[str, list[str]]) -> None:
        status, document = self.tokens.answer(self.command, query, self.headers.get("Authorization", ""))
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name there)
        """Say nothing: ``asked`` tells."""


@contextmanager
def token_server(top: Path, users: Mapping[str, User]) -> Iterator[TokenServer]:
    """Serve tokens on loopback until the caller is done; ``top`` is made and holds the keys."""

    class Handler(_Handler):
        pass

    with serving(Handler) as server:
        Handler.tokens = TokenServer(top, server.server_address[1])
        Handler.tokens.users.update(users)
        yield Handler.tokens
