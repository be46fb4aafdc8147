# SPDX-License-Identifier: GPL-3.0-or-later
"""Credential helpers: programs that store registry credentials elsewhere (``docker-credential-NAME``).

Source: the protocol of docker-credential-helpers. Input is passed on their standard input, never as arguments.
"""

from __future__ import annotations

import json
import os
import re

from ...errors import EngineError, HostLacks, InvalidOption
from ...kernel import command

#: Seconds that a helper may take; some query a cloud service.
_TIMEOUT = 60.0
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
#: The name of Docker's own registry in credential helpers.
HUB_IN_HELPERS = "https://index.docker.io/v1/"
#: The user name with which a helper marks the secret as a refresh token.
_TOKEN_USER = "<token>"  # noqa: S105  (no secret)
_NONE_SAID = b"credentials not found"


def checked(name: object, path: str) -> str:
    """Return the helper's name, which the file ``path`` contains, if it is valid. Raises InvalidOption."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        why = f"names the credential helper {name!r}, which is not a valid name"
        raise InvalidOption("auth_file", path, why)
    return name


def get(name: str, registry: str, path: str) -> tuple[str, str, str] | None:
    """Return user, password and refresh token; None if the helper has none. Raises HostLacks, EngineError."""
    said = _run(name, "get", registry.encode(), registry, path)
    if said is None:
        return None
    try:
        answer = json.loads(said)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise _failed(name, f"did not return a JSON object for {registry}")
    user, secret = (str(answer.get(key) or "") for key in ("Username", "Secret"))
    return ("", "", secret) if user == _TOKEN_USER else (user, secret, "")


def store(name: str, registry: str, username: str, password: str, path: str) -> None:
    """Store credentials with the helper. Raises HostLacks, EngineError."""
    wanted = {"ServerURL": registry, "Username": username, "Secret": password}
    _run(name, "store", json.dumps(wanted).encode(), registry, path)


def erase(name: str, registry: str, path: str) -> None:
    """Erase credentials from the helper. Raises HostLacks, EngineError."""
    _run(name, "erase", registry.encode(), registry, path)


def _run(name: str, action: str, given: bytes, registry: str, path: str) -> bytes | None:
    program = f"docker-credential-{name}"
    try:
        done = command.run([program, action], timeout=_TIMEOUT, env=os.environ, stdin=given, check=False)
    except HostLacks as error:
        raise HostLacks(
            f"{path} names the credential helper {program}, which is not installed",
            remedy="Install it, or remove it from that file and log in again with slipway.oci.login",
            program=program,
        ) from error
    if done.returncode == 0:
        return done.stdout
    if _NONE_SAID in done.stdout:
        return None
    raise _failed(name, f"failed for {registry} with exit code {done.returncode}")


def _failed(name: str, why: str) -> EngineError:
    # Its output may contain the secret.
    return EngineError(
        f"docker-credential-{name} {why}",
        remedy="Run it by hand: it may need a login of its own",
        program=f"docker-credential-{name}",
    )
