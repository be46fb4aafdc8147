# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials of registries: of the task, of ``auth.json``, of credential helpers.

Sources: containers-auth.json(5); the protocol of docker-credential-helpers. Nothing here is ever part of an argument list, a
log or an error: a helper hears the registry's name on its standard input.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ...errors import EngineError, HostLacks, InvalidOption
from ...kernel import command

_LARGEST = 1 << 20
#: Seconds that a credential helper may take; some ask a cloud.
_HELPER_TIMEOUT = 60.0
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
#: By what name Docker keeps its own registry in a file.
_HUB = ("docker.io", "index.docker.io", "registry-1.docker.io", "https://index.docker.io/v1/")
#: What a helper says in place of a user's name when the secret is a refresh token.
_TOKEN_USER = "<token>"  # noqa: S105  (no secret)
_NONE_SAID = "credentials not found"


class Credentials(NamedTuple):
    """A user and password, or a refresh token of an OAuth2 server (``identitytoken``)."""

    username: str = ""
    password: str = ""
    identity_token: str = ""

    def __repr__(self) -> str:
        return f"Credentials({self.username!r}, ...)"


class AuthFile(NamedTuple):
    """A file of credentials, as it is."""

    path: str
    auths: Mapping[str, Any]
    helpers: Mapping[str, Any]
    store: str


def default_paths(environ: Mapping[str, str], uid: int) -> Iterator[str]:
    """Yield the files in the order in which podman looks for them, those that need not be there."""
    if environ.get("REGISTRY_AUTH_FILE"):
        yield environ["REGISTRY_AUTH_FILE"]
        return
    runtime = environ.get("XDG_RUNTIME_DIR")
    yield f"{runtime}/containers/auth.json" if runtime else f"/run/containers/{uid}/auth.json"
    home = environ.get("HOME") or ("/root" if uid == 0 else "")
    config = environ.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else "")
    if config:
        yield f"{config}/containers/auth.json"
    docker = environ.get("DOCKER_CONFIG") or (f"{home}/.docker" if home else "")
    if docker:
        yield f"{docker}/config.json"


def find(registry: str, repository: str, path: str | None) -> Credentials | None:
    """Return the credentials for a repository, the longest path first; None when there are none.

    ``path``: the option auth_file; None: podman's default files, the first that has some counts.
    Raises InvalidOption (a file that is broken, with its line), HostLacks (helper), EngineError (a helper that failed).
    """
    paths = [path] if path else [one for one in default_paths(os.environ, os.getuid()) if os.path.exists(one)]
    for one in paths:
        found = of_file(read(one), registry, repository)
        if found is not None:
            return found
    return None


def read(path: str) -> AuthFile:
    """Read a file of credentials. Raises InvalidOption."""
    try:
        with open(path, "rb") as stream:
            raw = stream.read(_LARGEST + 1)
    except OSError as error:
        raise InvalidOption("auth_file", path, f"can't be read: {error.strerror}") from error
    return parse(raw, path)


def parse(raw: bytes, path: str) -> AuthFile:
    """Read a file's content. Raises InvalidOption naming the line; what it says of others is passed over."""
    if len(raw) > _LARGEST:
        raise _wrong(path, f"is larger than {_LARGEST} bytes")
    try:
        document = json.loads(raw.decode() or "{}")
    except json.JSONDecodeError as error:
        raise _wrong(path, f"is no JSON in line {error.lineno}, column {error.colno}") from None
    except (ValueError, RecursionError):  # no text, a number of thousands of digits, lists within lists
        raise _wrong(path, "is no JSON") from None
    if not isinstance(document, dict):
        raise _wrong(path, "holds no JSON object")
    auths, helpers = document.get("auths") or {}, document.get("credHelpers") or {}
    store = document.get("credsStore") or ""
    if not (isinstance(auths, dict) and isinstance(helpers, dict) and isinstance(store, str)):
        raise _wrong(path, "has auths or credHelpers that are no object, or a credsStore that is no text")
    return AuthFile(path, auths, helpers, store)


def of_file(file: AuthFile, registry: str, repository: str) -> Credentials | None:
    """Return what a file has for a repository."""
    for key in _keys(registry, repository):
        helper = file.helpers.get(key)
        if helper is not None:
            return ask_helper(helper, key, file.path)
        entry = file.auths.get(key)
        if isinstance(entry, dict) and (entry.get("auth") or entry.get("identitytoken")):
            return _of_entry(entry, key, file.path)
    if file.store:
        hub = registry in _HUB
        return ask_helper(file.store, _HUB[-1] if hub else registry, file.path)
    return None


def _keys(registry: str, repository: str) -> Iterator[str]:
    """Yield the keys that a file may have for a repository: its path, what is above it, the registry, Docker's spellings."""
    hosts = _HUB if registry in _HUB else (registry,)
    parts = repository.split("/")
    for host in hosts[:1]:
        for count in range(len(parts), 0, -1):
            yield "/".join((host, *parts[:count]))
    for host in hosts:
        yield from (host, f"https://{host}", f"https://{host}/v1/", f"https://{host}/v2/")


def _of_entry(entry: Mapping[str, Any], key: str, path: str) -> Credentials:
    token, auth = entry.get("identitytoken") or "", entry.get("auth") or ""
    if not (isinstance(token, str) and token.isascii() and isinstance(auth, str)):
        raise _wrong(path, f"has an entry for {key} that is not text")
    try:
        username, colon, password = base64.b64decode(auth, validate=True).decode().partition(":")
    except ValueError:  # no base64, or no text in it
        raise _wrong(path, f"has an entry for {key} that is not USER:PASSWORD in base64") from None
    if not (colon or token):
        raise _wrong(path, f"has an entry for {key} without a password")
    return Credentials(username, password.rstrip("\0"), token)


def ask_helper(name: object, registry: str, path: str) -> Credentials | None:
    """Ask ``docker-credential-NAME`` for a registry's credentials; None when it has none."""
    if not isinstance(name, str) or not _HELPER.fullmatch(name):
        raise _wrong(path, f"names the credential helper {name!r}, which is no name of one")
    answer = _run(f"docker-credential-{name}", registry, path)
    if answer is None:
        return None
    user, secret = (str(answer.get(key) or "") for key in ("Username", "Secret"))
    return Credentials(identity_token=secret) if user == _TOKEN_USER else Credentials(user, secret)


def _run(program: str, registry: str, path: str) -> Mapping[str, Any] | None:
    try:
        done = command.run(
            [program, "get"], timeout=_HELPER_TIMEOUT, env=os.environ, stdin=registry.encode(), check=False
        )
    except HostLacks as error:
        raise HostLacks(
            f"{path} names the credential helper {program}, which is not there",
            remedy="Install it, or write the credentials into that file with slipway.oci.login",
            program=program,
        ) from error
    if done.returncode != 0:
        if _NONE_SAID in done.stdout.decode(errors="replace"):
            return None
        raise EngineError(
            f"{program} failed for {registry} with exit code {done.returncode}", program=program
        )
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise EngineError(f"{program} answered for {registry} with what is no JSON object", program=program)
    return answer


def _wrong(path: str, why: str) -> InvalidOption:
    return InvalidOption("auth_file", path, why)
