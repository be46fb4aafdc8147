# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of modules ``login`` and ``logout``, with their documentation (see ``make generated``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...._engine.errors import InvalidOption, Setting, Words
from ...._engine.frozen import replace
from ...._engine.lifecycle.image.login import Login, Logout
from ...._engine.model.container.kinds import of_type
from ...._engine.model.image.pull import Access
from ...options import ArgumentSpec, declared
from .pull_options import PullOptions, to_access


class LoginOptions:
    """The registry and the user."""

    registry = of_type("str")
    """The registry, for example V(registry.example:5000). With a path (V(registry.example/team)), the
    credentials apply only to repositories below it.

    The default is the first registry to search for names without one, C(docker.io) unless O(registries_conf)
    sets another.
    """

    username = of_type("str")
    """User name at the registry.

    If O(username) and O(password) are unset, the credentials in the file are verified, and nothing is
    written.
    """

    password = of_type("str", no_log=True)
    """Password of the user, or a token that the registry accepts instead."""


class LogoutOptions:
    """The registry and the credentials file."""

    registry = of_type("str")
    """The registry, as given to M(slipway.oci.login).

    The default is the first registry to search for names without one, C(docker.io) unless O(registries_conf)
    sets another.
    """

    all = of_type("bool", default=False)
    """Remove all credentials of the file."""

    auth_file = PullOptions.auth_file
    """Path of the credentials file on the host.

    The default is C($REGISTRY_AUTH_FILE), or else C(/run/containers/UID/auth.json).
    """

    registries_conf = PullOptions.registries_conf
    """Path on the host of the registries' configuration, which lists the registries to search for names
    without one.

    The default is C(/etc/slipway/registries.json), which need not exist.
    """

    ignore_docker_credentials = of_type("bool", default=False)
    """Do not fail if another file, such as C(~/.docker/config.json), still has credentials for O(registry),
    which remain in use. Without this option, that is an error unless O(auth_file) is set.
    """


LOGIN: ArgumentSpec = {**declared(LoginOptions), **declared(PullOptions)}
LOGOUT: ArgumentSpec = declared(LogoutOptions)


def to_login(params: Mapping[str, Any]) -> Login:
    """Return the request of a ``login`` task. Raises InvalidOption."""
    access = to_access({**params, "auth_file": None})
    return Login(params["registry"] or "", replace(access, auth_file=params["auth_file"]))


def to_logout(params: Mapping[str, Any]) -> Logout:
    """Return the request of a ``logout`` task. Raises InvalidOption."""
    if params["all"] and params["registry"]:
        remedy = Words("Set only one of them: ", Setting("all", True), " applies to every registry")
        raise InvalidOption("all", params["all"], "is mutually exclusive with registry", remedy=remedy)
    access = Access(auth_file=params["auth_file"], registries_conf=params["registries_conf"])
    return Logout(params["registry"] or "", params["all"], access, params["ignore_docker_credentials"])
