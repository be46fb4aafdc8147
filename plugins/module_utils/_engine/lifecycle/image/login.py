# SPDX-License-Identifier: GPL-3.0-or-later
"""Log in to a registry and out of it: verified credentials, kept in podman's file format.

Neither needs an engine, so both work before the host has one.
"""

from __future__ import annotations

import os

from ...errors import InvalidOption, RegistryDenied, Setting, Words
from ...frozen import dataclass
from ...images.archive.reference import is_registry
from ...images.registry import auth_file, credentials
from ...images.registry.credentials import AuthFile, Credentials
from ...model.image.pull import Access
from ..core.outcome import Outcome
from .remote import log_in, registries


@dataclass(frozen=True)
class Login:
    """A registry (``HOST[:PORT]``, optionally with a path; "" for the first one for short names).

    ``access`` says how to reach it, and has the user, the password and ``auth_file``, None for podman's file.
    """

    registry: str = ""
    access: Access = Access()


@dataclass(frozen=True)
class Logout:
    """A registry to log out of, or ``everything``; ``ignores_docker``: disregard docker's file."""

    registry: str = ""
    everything: bool = False
    access: Access = Access()
    ignores_docker: bool = False


def login(wanted: Login, *, predicting: bool = False) -> Outcome:
    """Verify credentials with the registry and store them; stored ones that are equal are unchanged.

    Without a user and password the stored ones are verified. Raises RegistryDenied, RegistryFailed, InvalidOption (the
    credentials file, with its line), HostLacks and EngineError (the credential helper that the file names).
    """
    key = _key(wanted.registry, wanted.access)
    path = _path(wanted.access)
    file = auth_file.load(path)
    kept = auth_file.own(file, key)
    known = _given(wanted.access, kept, path, key)
    asked = log_in(wanted.access, key.partition("/")[0], known)
    result = {"registry": key, "username": known.username, "auth_file": path}
    warnings = () if asked else (f"{key} did not ask for credentials, so these could not be verified",)
    if known == kept:
        return Outcome(result=result, warnings=warnings)
    if not predicting:
        auth_file.put(path, key, known)
    return Outcome((f"logged in to {key} as {known.username}",), result=result, warnings=warnings)


def logout(wanted: Logout, *, predicting: bool = False) -> Outcome:
    """Remove credentials from the file; missing ones are no change.

    Raises RegistryDenied when another file has credentials that would still be used, InvalidOption for an invalid file.
    """
    path = _path(wanted.access)
    file = auth_file.load(path)
    doomed = auth_file.keys(file) if wanted.everything else _kept(file, _key(wanted.registry, wanted.access))
    if not (wanted.everything or doomed):
        _refuse_elsewhere(wanted, path)
    if doomed and not predicting:
        auth_file.remove(path, doomed)
    registry = "" if wanted.everything else _key(wanted.registry, wanted.access)
    actions = tuple(f"logged out of {key}" for key in doomed)
    return Outcome(actions, result={"registry": registry, "auth_file": path})


def _kept(file: AuthFile, key: str) -> tuple[str, ...]:
    return (key,) if auth_file.own(file, key) is not None else ()


def _given(access: Access, kept: Credentials | None, path: str, key: str) -> Credentials:
    if ":" in access.username:
        why = "contains a colon, which separates user and password in HTTP"
        raise InvalidOption("username", access.username, why)
    if access.username:
        return Credentials(access.username, access.password)
    if kept is None:
        why = f"is missing, and {path} has no credentials for {key}"
        raise InvalidOption("username", None, why, remedy="Write username and password")
    return kept


def _path(access: Access) -> str:
    """Return the file to write: the option's, else podman's first."""
    return access.auth_file or next(credentials.default_paths(os.environ, os.getuid()))


def _key(registry: str, access: Access) -> str:
    """Return the key of a registry in the file. Raises InvalidOption."""
    text = registry.removeprefix("https://").removeprefix("http://").rstrip("/")
    if not registry:
        known = registries(access)
        if not known.search:
            why = f"is missing, and {known.path} has no unqualified-search-registries"
            raise InvalidOption("registry", None, why)
        text = known.search[0]
    if not is_registry(text):
        remedy = "Write HOST, HOST:PORT, or HOST/PATH"
        raise InvalidOption("registry", registry, "is not the name of a registry", remedy=remedy)
    return text


def _refuse_elsewhere(wanted: Logout, path: str) -> None:
    """Check that no other program's file still has credentials for the registry. Raises RegistryDenied."""
    if wanted.access.auth_file or wanted.ignores_docker:
        return
    key = _key(wanted.registry, wanted.access)
    others = (one for one in credentials.default_paths(os.environ, os.getuid()) if one != path)
    for other in filter(os.path.exists, others):
        if _kept(credentials.read(other), key):
            raise RegistryDenied(
                f"{path} has no credentials for {key}, but {other} has some, which are used as well",
                remedy=Words(
                    "Name that file in ",
                    Setting("auth_file"),
                    ", or write ",
                    Setting("ignore_docker_credentials", True),
                ),
                registry=key,
                auth_file=other,
            )
