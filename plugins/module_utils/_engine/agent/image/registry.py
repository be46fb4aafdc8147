# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway push``, ``login`` and ``logout``, with the options of podman's; no password is ever an argument."""

from __future__ import annotations

import argparse
import sys
from typing import Any, Optional

from ...errors import EngineError
from ...lifecycle.core.engine import Engine
from ...lifecycle.core.outcome import Outcome
from ...model.image.pull import Access
from ..cli import output

#: What a password may have; more is a file that was meant for something else.
_LONGEST = 1 << 16
_FAILED = 125


def add(verbs: Any) -> None:
    """Add the verbs."""
    text = "push an image to a registry, and print the digest that it has there"
    parser = verbs.add_parser("push", help=text, description=text)
    add_access(parser)
    parser.add_argument("--digestfile", metavar="FILE", help="write the digest into it")
    parser.add_argument("--force", action="store_true", help="also when the registry has it already")
    parser.add_argument("--quiet", "-q", action="store_true", help="print nothing")
    parser.add_argument("name", metavar="IMAGE", help="name or id")
    parser.add_argument("dest", nargs="?", default="", metavar="DESTINATION", help="REGISTRY/REPOSITORY:TAG")
    parser.set_defaults(verb=_push, acts=True)
    text = "log in to a registry: verify a user and password, and keep them"
    parser = verbs.add_parser("login", help=text, description=text)
    add_access(parser)
    parser.add_argument("--username", "-u", metavar="USER", help="the user (asked for)")
    parser.add_argument(
        "--password-stdin", action="store_true", help="the password comes on the standard input (asked for)"
    )
    parser.add_argument("registry", nargs="?", default="", metavar="REGISTRY", help="HOST[:PORT][/PATH]")
    parser.set_defaults(verb=_login, alone=True)
    text = "log out of a registry: forget its user and password"
    parser = verbs.add_parser("logout", help=text, description=text)
    parser.add_argument("--authfile", metavar="FILE", help="the file of credentials")
    parser.add_argument("--all", "-a", action="store_true", help="of all registries")
    parser.add_argument("registry", nargs="?", default="", metavar="REGISTRY", help="HOST[:PORT][/PATH]")
    parser.set_defaults(verb=_logout, alone=True)


def add_access(parser: Any) -> None:
    """Add the options that say how a registry is reached."""
    parser.add_argument("--authfile", metavar="FILE", help="the file of credentials")
    parser.add_argument("--cert-dir", metavar="DIR", help="certificates of authorities and of the client")
    parser.add_argument(
        "--tls-verify",
        choices=("true", "false"),
        help="whether certificates are verified (true, unless the file of registries says otherwise)",
    )


def access_of(arguments: argparse.Namespace, username: str = "", password: str = "") -> Access:
    """Return what they say."""
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

    return _told(act, arguments)


def _logout(_engine: None, arguments: argparse.Namespace) -> int:
    from ...lifecycle.image.login import Logout, logout

    def act() -> str:
        if arguments.all and arguments.registry:
            raise EngineError("write a registry, or --all")
        access = Access(auth_file=arguments.authfile)
        done = logout(Logout(arguments.registry, arguments.all, access))
        return "\n".join(done.actions).capitalize() or "No credentials to remove"

    return _told(act, arguments)


def _told(act: Any, arguments: argparse.Namespace) -> int:
    """Print what an act says, or its error."""
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
    """Return user and password; neither where nobody can be asked, and none was given: what is kept is verified then."""
    username: Optional[str] = arguments.username
    if arguments.password_stdin:
        if not username:
            raise EngineError("--password-stdin needs a user", remedy="Write --username USER")
        return username, _line()
    if not sys.stdin.isatty():
        if username:
            raise EngineError("nobody can be asked for a password", remedy="Write --password-stdin")
        return "", ""
    import getpass

    return username or input("Username: "), getpass.getpass("Password: ")


def _line() -> str:
    """Return the password that the standard input has, without the end of its line."""
    raw = sys.stdin.buffer.read(_LONGEST + 1)
    password = raw.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", "surrogateescape")
    if not password or len(raw) > _LONGEST or "\n" in password:
        raise EngineError("the standard input is no password: one line of text")
    return password
