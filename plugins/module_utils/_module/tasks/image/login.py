# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of modules ``login`` and ``logout``, documented below each; ``make generated`` writes DOCUMENTATION from them."""

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
    """Which registry, and who."""

    registry = of_type("str")
    """The registry, as in V(registry.example:5000); a path below it (V(registry.example/team)) makes the
    credentials count for what is there alone.

    Unset, the first one for names without a registry: C(docker.io), or what O(registries_conf) says.
    """

    username = of_type("str")
    """User of the registry.

    Unset, with O(password) unset too, the credentials that the file has are verified, and nothing is written.
    """

    password = of_type("str", no_log=True)
    """Password of that user, or a token that the registry takes in its place."""


class LogoutOptions:
    """Which registry, and in which file."""

    registry = of_type("str")
    """The registry, as M(slipway.oci.login) has it.

    Unset, the first one for names without a registry: C(docker.io), or what O(registries_conf) says.
    """

    all = of_type("bool", default=False)
    """Whether all credentials of the file are removed."""

    auth_file = PullOptions.auth_file
    """File on the host with the credentials.

    Unset, C($REGISTRY_AUTH_FILE), else C(/run/containers/UID/auth.json).
    """

    registries_conf = PullOptions.registries_conf
    """File on the host that says where names without a registry are looked for.

    Unset, C(/etc/slipway/registries.json), which need not be there.
    """

    ignore_docker_credentials = of_type("bool", default=False)
    """Whether it is fine that another file still has credentials for O(registry), such as
    C(~/.docker/config.json), which are used as well. Otherwise that is an error, unless O(auth_file) is
    written.
    """


LOGIN: ArgumentSpec = {**declared(LoginOptions), **declared(PullOptions)}
LOGOUT: ArgumentSpec = declared(LogoutOptions)


def to_login(params: Mapping[str, Any]) -> Login:
    """Return what a task of ``login`` asks for. Raises InvalidOption."""
    access = to_access({**params, "auth_file": None})
    return Login(params["registry"] or "", replace(access, auth_file=params["auth_file"]))


def to_logout(params: Mapping[str, Any]) -> Logout:
    """Return what a task of ``logout`` asks for. Raises InvalidOption."""
    if params["all"] and params["registry"]:
        remedy = Words("Leave out one of the two: ", Setting("all", True), " is for every registry")
        raise InvalidOption("all", params["all"], "stands beside registry", remedy=remedy)
    access = Access(auth_file=params["auth_file"], registries_conf=params["registries_conf"])
    return Logout(params["registry"] or "", params["all"], access, params["ignore_docker_credentials"])
