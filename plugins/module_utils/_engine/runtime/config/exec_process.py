# SPDX-License-Identifier: GPL-3.0-or-later
"""The OCI ``process`` of a command that joins a running container; pure.

Source of the rules: libpod, ``prepareProcessExec``; OCI runtime-spec 1.0.2 config.md "Process".
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # `slipway connect` runs at each command of a play
    from collections.abc import Mapping
    from typing import Any

    from ...model.container.execution import ExecSpec
    from .users import ResolvedUser

_CAPABILITY_SETS = ("bounding", "effective", "permitted", "inheritable", "ambient")


def build(
    own: Mapping[str, Any],
    spec: ExecSpec,
    user: ResolvedUser | None,
    *,
    home_given: bool,
    all_capabilities: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """Return the process for ``spec``.

    ``own`` is the ``process`` of the container's config.json, which supplies the environment, limits, profile
    and working directory. ``user`` None means the container's own. ``home_given``: the image or the spec sets
    HOME, so that another user does not change it. ``all_capabilities`` are this host's, for ``privileged``.
    """
    process = {key: value for key, value in own.items() if key != "consoleSize"}
    process["args"] = list(spec.argv)
    process["terminal"] = spec.tty
    process["cwd"] = spec.workdir or own.get("cwd", "/")
    process["env"] = _environment(own, spec, user, home_given=home_given)
    if user is not None:
        own_user = own.get("user", {})
        groups = {"additionalGids": list(user.groups)}
        process["user"] = {**own_user, "uid": user.uid, "gid": user.gid, **groups}
    process["capabilities"] = _capabilities(own, user, all_capabilities if spec.privileged else frozenset())
    return process


def _environment(
    own: Mapping[str, Any], spec: ExecSpec, user: ResolvedUser | None, *, home_given: bool
) -> list[str]:
    variables = dict(item.split("=", 1) for item in own.get("env", ()))
    if user is not None and not home_given:
        variables["HOME"] = user.home
    if spec.tty:
        variables.setdefault("TERM", "xterm")
    return [f"{name}={value}" for name, value in {**variables, **spec.env}.items()]


def _capabilities(
    own: Mapping[str, Any], user: ResolvedUser | None, every: frozenset[str]
) -> dict[str, list[str]]:
    """Return the capability sets: for root the container's bounding set, for the container's user its own.

    Any other user gets none.
    """
    held: Mapping[str, list[str]] = own.get("capabilities", {})
    bounding = sorted(every or held.get("bounding", []))
    uid = own.get("user", {}).get("uid", 0) if user is None else user.uid
    if uid == 0:
        return {"bounding": bounding, "effective": bounding, "permitted": bounding}
    if user is None or uid == own.get("user", {}).get("uid"):
        return {**{name: held[name] for name in _CAPABILITY_SETS if name in held}, "bounding": bounding}
    return {"bounding": bounding}
