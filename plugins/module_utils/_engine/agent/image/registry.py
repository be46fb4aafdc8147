# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway push``, ``login`` and ``logout``, with podman's options; a password is never an argument."""

from __future__ import annotations

import argparse
import sys
from typing import Any, Optional

from ...errors import EngineError
from ...lifecycle.core.engine import Engine
from ...lifecycle.core.outcome import Outcome
from ...model.image.pull import Access
from ..cli import output

#: The longest password; longer input is probably the wrong file.
_LONGEST = 1 << 16
_FAILED = 125


def add(verbs: Any) -> None:
    """Add the verbs."""
    text = "push an image to a registry and print its digest there"
    parser = verbs.add_parser("push", help=text, description=text)
    add_access(parser)
    parser.add_argument("--digestfile", metavar="FILE", help="write the digest to this file")
    parser.add_argument("--force", action="store_true", help="push even if the registry has the image")
    parser.add_argument("--quiet", "-q", action="store_true", help="print nothing")
    parser.add_argument("name", metavar="IMAGE", help="name or id")
    parser.add_argument("dest", nargs="?", default="", metavar="DESTINATION", help="REGISTRY/REPOSITORY:TAG")
    parser.set_defaults(verb=_push, acts=True)
    text = "log in to a registry: verify and store a username and password"
    parser = verbs.add_parser("login", help=text, description=text)
    add_access(parser)
    parser.add_argument("--username", "-u", metavar="USER", help="username (prompted for)")
    parser.add_argument(
        "--password-stdin",
        action="store_true",
        help="read the password from the standard input (prompted for)",
    )
    parser.add_argument("registry", nargs="?", default="", metavar="REGISTRY", help="HOST[:PORT][/PATH]")
    parser.set_defaults(verb=_login, alone=True)
    text = "log out of a registry: remove the stored credentials"
    parser = verbs.add_parser("logout", help=text, description=text)
    parser.add_argument("--authfile", metavar="FILE", help="file of credentials")
    parser.add_argument("--all", "-a", action="store_true", help="log out of all registries")
    parser.add_argument("registry", nargs="?", default="", metavar="REGISTRY", help="HOST[:PORT][/PATH]")
    parser.set_defaults(verb=_logout, alone=True)


def add_access(parser: Any) -> None:
    """Add the options for access to a registry."""
    parser.add_argument("--authfile", metavar="FILE", help="file of credentials")
    parser.add_argument("--cert-dir", metavar="DIR", help="directory of CA and client certificates")
    parser.add_argument(
        "--tls-verify",
        choices=("true", "false"),
        help="verify certificates (true, unless the registries file disables it)",
    )


def access_of(arguments: argparse.Namespace, username: str = "", password: str = "") -> Access:
    """Return the access that these options describe."""
    verify = None if arguments.tls_verify is None else arguments.tls_verify == "true"
    return Access(
        username, password, auth_file=arguments.authfile, cert_dir=arguments.cert_dir, verify=verify
    )


def _push(engine: Engine, arguments: argparse.Namespace) -> None:
    from ...lifecycle.core.images import find_typed_image
    from ...lifecycle.image.push import Push, push

    found = find_typed_image(engine, arguments.name)
    name = found.id if arguments.dest else arguments.name
    done = push(engine, Push(name, arguments.dest, access_of(arguments), arguments.force))
    if arguments.digestfile:
        with open(arguments.digestfile, "w", encoding="ascii") as file:
            file.write(str(done.result["digest"]))
    if not arguments.quiet:
        output.write(str(done.result["digest"]))


def _login(_engine: None, arguments: argparse.Namespace) -> int:
    from ...lifecycle.image.login import Login, login

    def act() -> str:
        username, password = _credentials(arguments)
        done = login(Login(arguments.registry, access_of(arguments, username, password)))
        _warn(done)
        return f"Logged in to {done.result['registry']} as {done.result['username'] or '<token>'}"

    return _printed(act, arguments)


def _logout(_engine: None, arguments: argparse.Namespace) -> int:
    from ...lifecycle.image.login import Logout, logout

    def act() -> str:
        if arguments.all and arguments.registry:
            raise EngineError("expected either a registry or --all")
        access = Access(auth_file=arguments.authfile)
        done = logout(Logout(arguments.registry, arguments.all, access))
        return "\n".join(done.actions).capitalize() or "No credentials to remove"

    return _printed(act, arguments)


def _printed(act: Any, arguments: argparse.Namespace) -> int:
    """Print the result of an action, or its error; return the exit code."""
    try:
        output.write(act())
    except EngineError as error:
        output.complain(error, arguments.flags)
        return _FAILED
    return 0


def _warn(done: Outcome) -> None:
    for warning in done.warnings:
        sys.stderr.write(f"slipway: {warning}\n")


def _credentials(arguments: argparse.Namespace) -> tuple[str, str]:
    """Return user and password. Both are empty if none was given and there is no terminal to ask at.

    Login then verifies the stored credentials.
    """
    username: Optional[str] = arguments.username
    if arguments.password_stdin:
        if not username:
            raise EngineError("--password-stdin requires a username", remedy="Use --username USER")
        return username, _line()
    if not sys.stdin.isatty():
        if username:
            raise EngineError(
                "cannot prompt for a password without a terminal", remedy="Use --password-stdin"
            )
        return "", ""
    import getpass

    return username or input("Username: "), getpass.getpass("Password: ")


def _line() -> str:
    """Return the password on the standard input, without its line end."""
    raw = sys.stdin.buffer.read(_LONGEST + 1)
    password = raw.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", "surrogateescape")
    if not password or len(raw) > _LONGEST or "\n" in password:
        raise EngineError("the standard input is not a password: expected one line of text")
    return password
