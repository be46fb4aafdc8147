# SPDX-License-Identifier: GPL-3.0-or-later
"""Registry credentials: from the task, from ``auth.json``, or from credential helpers.

Source: containers-auth.json(5). Secrets must never appear in an argument list, a log or an error.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ...errors import InvalidOption, unreadable
from ...kernel import untrusted_files
from . import helpers
from .helpers import HUB_IN_HELPERS

_LARGEST = 1 << 20
#: The names of Docker's own registry in a file of credentials.
_HUB = ("docker.io", "index.docker.io", "registry-1.docker.io", HUB_IN_HELPERS)


class Credentials(NamedTuple):
    """A user and password, or a refresh token of an OAuth2 server (``identitytoken``)."""

    username: str = ""
    password: str = ""
    identity_token: str = ""

    def __repr__(self) -> str:
        return f"Credentials({self.username!r}, ...)"


class AuthFile(NamedTuple):
    """A parsed file of credentials."""

    path: str
    auths: Mapping[str, Any]
    helpers: Mapping[str, Any]
    store: str
    document: Mapping[str, Any]

    def helper_of(self, key: str) -> str | None:
        """Return the credential helper that holds a registry's credentials, or None. Raises InvalidOption."""
        name = self.helpers.get(key) or self.store or None
        return None if name is None else helpers.checked(name, self.path)


def default_paths(environ: Mapping[str, str], uid: int) -> Iterator[str]:
    """Yield the default files in podman's order of search; they may be missing."""
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
    """Return the credentials for a repository, the longest matching path first; None if there are none.

    ``path``: the option auth_file; None: podman's default files, of which the first with matching credentials is used.
    Raises InvalidOption (a corrupt file, with the line), HostLacks (missing helper), EngineError (failed helper).
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
        with open(untrusted_files.open_file(path), "rb") as stream:
            raw = stream.read(_LARGEST + 1)
    except OSError as error:
        raise unreadable("auth_file", path, error) from error
    return parse(raw, path)


def parse(raw: bytes, path: str) -> AuthFile:
    """Parse a file's content; entries are not checked yet. Raises InvalidOption naming the line."""
    if len(raw) > _LARGEST:
        raise _wrong(path, f"is larger than {_LARGEST} bytes")
    try:
        document = json.loads(raw.decode() or "{}")
    except json.JSONDecodeError as error:
        raise _wrong(path, f"is invalid JSON in line {error.lineno}, column {error.colno}") from None
    except (ValueError, RecursionError):  # not UTF-8, a number of thousands of digits, or deep nesting
        raise _wrong(path, "is invalid JSON") from None
    if not isinstance(document, dict):
        raise _wrong(path, "is not a JSON object")
    auths, named = document.get("auths") or {}, document.get("credHelpers") or {}
    store = document.get("credsStore") or ""
    if not (isinstance(auths, dict) and isinstance(named, dict) and isinstance(store, str)):
        raise _wrong(
            path, "has auths or credHelpers that is not an object, or a credsStore that is not a string"
        )
    return AuthFile(path, auths, named, store, document)


def of_file(file: AuthFile, registry: str, repository: str) -> Credentials | None:
    """Return a file's credentials for a repository, or None."""
    for key in _keys(registry, repository):
        helper = file.helpers.get(key)
        if helper is not None:
            return _asked(helper, key, file.path)
        entry = file.auths.get(key)
        if isinstance(entry, dict) and (entry.get("auth") or entry.get("identitytoken")):
            return _of_entry(entry, key, file.path)
    return _asked(file.store, in_helpers(registry), file.path) if file.store else None


def in_helpers(registry: str) -> str:
    """Return the name of a registry in credential helpers."""
    return HUB_IN_HELPERS if registry in _HUB else registry


def spellings(key: str) -> tuple[str, ...]:
    """Return all keys that a file may have for ``HOST`` or ``HOST/PATH``, the usual one first."""
    registry, slash, path = key.partition("/")
    return (f"{registry}/{path}",) if slash else tuple(_keys(registry, ""))


def _asked(helper: object, key: str, path: str) -> Credentials | None:
    answer = helpers.get(helpers.checked(helper, path), key, path)
    return None if answer is None else Credentials(*answer)


def _keys(registry: str, repository: str) -> Iterator[str]:
    """Yield a repository's keys in a file: its path, the paths above, the registry, Docker's spellings."""
    hosts = _HUB if registry in _HUB else (registry,)
    parts = repository.split("/") if repository else []
    for host in hosts[:1]:
        for count in range(len(parts), 0, -1):
            yield "/".join((host, *parts[:count]))
    for host in hosts:
        yield from (host, f"https://{host}", f"https://{host}/v1/", f"https://{host}/v2/")


def _of_entry(entry: Mapping[str, Any], key: str, path: str) -> Credentials:
    token, auth = entry.get("identitytoken") or "", entry.get("auth") or ""
    if not (isinstance(token, str) and token.isascii() and isinstance(auth, str)):
        raise _wrong(path, f"has an entry for {key} that is not a string")
    try:
        username, colon, password = base64.b64decode(auth, validate=True).decode().partition(":")
    except ValueError:  # not base64, or not UTF-8 in it
        raise _wrong(path, f"has an entry for {key} that is not USER:PASSWORD in base64") from None
    if not (colon or token):
        raise _wrong(path, f"has an entry for {key} without a password")
    return Credentials(username, password.rstrip("\0"), token)


def _wrong(path: str, why: str) -> InvalidOption:
    return InvalidOption("auth_file", path, why)
