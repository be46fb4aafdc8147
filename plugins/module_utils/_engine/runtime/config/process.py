# SPDX-License-Identifier: GPL-3.0-or-later
"""The bundle's ``process``: arguments, environment, user, capabilities, limits.

Pure. Sources: OCI runtime-spec 1.0.2 config.md "Process"; podman-run(1); capabilities(7).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import HostLacks, InvalidOption
from ...model.container import program
from ...model.container.spec import ContainerSpec
from ...model.values.capabilities import ALL, DEFAULT
from .request import BundleRequest, HostFacts

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#: Where the init program is bind-mounted: podman's path, known to programs that check what PID 1 is.
INIT = "/run/podman-init"
#: Podman's default for nofile and nproc (containers.conf(5)).
_DEFAULT_LIMIT = 1048576
#: RLIM_INFINITY as the runtime-spec writes it, an unsigned 64-bit number.
INFINITY = 2**64 - 1
_UMASK = "0022"


def build(request: BundleRequest) -> dict[str, Any]:
    """Return the ``process`` object; raises InvalidOption and HostLacks."""
    user = request.user
    process: dict[str, Any] = {
        "user": {
            "uid": user.uid,
            "gid": user.gid,
            "umask": int(request.spec.umask or _UMASK, 8),
            "additionalGids": list(user.groups),
        },
        "args": arguments(request),
        "env": environment(request),
        "cwd": working_directory(request),
        "capabilities": capabilities(request),
        "rlimits": rlimits(request),
    }
    if request.spec.oom_score_adj is not None:
        process["oomScoreAdj"] = request.spec.oom_score_adj
    if request.spec.tty:
        process["terminal"] = True
    if "" in request.security.get("no-new-privileges", ()):
        process["noNewPrivileges"] = True
    profile = _apparmor(request)
    if profile:
        process["apparmorProfile"] = profile
    return process


def arguments(request: BundleRequest) -> list[str]:
    """Return argv: entrypoint and command, run by an init program if the spec asks for one."""
    spec = request.spec
    argv = [*program.entrypoint(spec, request.image), *program.command(spec, request.image)]
    if not argv:
        raise InvalidOption(
            "command",
            spec.command,
            "leaves nothing to run",
            remedy="The image defines no command: set command or entrypoint",
        )
    if not spec.init:
        return argv
    if request.host.init_path is None:
        raise HostLacks(
            "init: no init program is installed (catatonit, tini or dumb-init)",
            remedy="Apply role slipway.oci.host",
        )
    return [INIT, "--", *argv]


def working_directory(request: BundleRequest) -> str:
    """Return the command's working directory, an absolute path."""
    return request.spec.workdir or (request.image.working_dir if request.image else "") or "/"


def environment(request: BundleRequest) -> list[str]:
    """Return the environment: defaults, image, env_file, env (later wins); HOME and HOSTNAME if unset."""
    spec = request.spec
    variables = {"PATH": PATH, "container": "oci"}
    if spec.tty:
        variables["TERM"] = "xterm"
    for item in request.image.env if request.image else ():
        name, _equals, value = item.partition("=")
        variables[name] = value
    variables.pop("", None)
    variables.update(request.env_from_files)
    variables.update(spec.env or {})
    variables.setdefault("HOME", request.user.home)
    variables.setdefault("HOSTNAME", request.hostname)
    if request.runs_systemd:  # which derives its machine ID from it
        variables.setdefault("container_uuid", request.id[:32])
    return [f"{name}={value}" for name, value in variables.items()]


def bounding(request: BundleRequest) -> frozenset[str]:
    """Return the container's bounding set; never more than this process's."""
    spec = request.spec
    if spec.privileged:
        return request.host.capabilities
    added, dropped = frozenset(spec.cap_add or ()), frozenset(spec.cap_drop or ())
    base: frozenset[str] = request.host.capabilities if ALL in added else DEFAULT
    if ALL in dropped:
        base = frozenset()
    return ((base - dropped) | (added - {ALL})) & request.host.capabilities


def capabilities(request: BundleRequest) -> dict[str, list[str]]:
    """Return the capability sets.

    Root gets the whole bounding set. Any other user gets only those added by name, as ambient capabilities,
    because an execve(2) by a user other than 0 drops all that are not ambient (capabilities(7)).
    """
    held = bounding(request)
    sets = {"bounding": held, "effective": held, "permitted": held}
    if request.user.uid != 0:
        added = frozenset() if request.spec.privileged else _added(request) & held
        names = ("effective", "permitted", "inheritable", "ambient")
        sets = {"bounding": held, **dict.fromkeys(names, added)}
    return {name: sorted(value) for name, value in sets.items() if value}


def _added(request: BundleRequest) -> frozenset[str]:
    added = frozenset(request.spec.cap_add or ())
    return request.host.capabilities if ALL in added else added


def rlimits(request: BundleRequest) -> list[dict[str, Any]]:
    """Return the resource limits: the user's and podman's defaults, each capped at what this host allows."""
    wanted = dict.fromkeys(("nofile", "nproc"), (_DEFAULT_LIMIT, _DEFAULT_LIMIT))
    wanted.update(request.spec.ulimit or {})
    return [
        {"type": f"RLIMIT_{name.upper()}", "soft": soft, "hard": hard}
        for name, (soft, hard) in sorted(_lowered(request.host, wanted).items())
    ]


def lowered_limits(spec: ContainerSpec, host: HostFacts) -> dict[str, tuple[int, int]]:
    """Return (wanted, granted) by name of the spec's limits that exceed this host's maximum.

    The hard limits are reported, or the soft ones if only these are lowered.
    """
    wanted = spec.ulimit or {}
    given = _lowered(host, wanted)
    pairs = {
        name: [
            pair for pair in zip(map(_unsigned, wanted[name][::-1]), given[name][::-1]) if pair[0] > pair[1]
        ]
        for name in wanted
    }
    return {name: found[0] for name, found in pairs.items() if found}


def _lowered(host: HostFacts, wanted: Mapping[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    """Return the limits, capped: raising a hard limit needs CAP_SYS_RESOURCE (setrlimit(2))."""
    return {
        name: (min(_unsigned(soft), _ceiling(host, name)), min(_unsigned(hard), _ceiling(host, name)))
        for name, (soft, hard) in wanted.items()
    }


def _ceiling(host: HostFacts, name: str) -> int:
    hard = host.rlimits.get(name, (-1, -1))[1]
    free = hard < 0 or "CAP_SYS_RESOURCE" in host.capabilities
    ceiling = INFINITY if free else hard
    return min(ceiling, host.most_files) if name == "nofile" else ceiling


def _unsigned(value: int) -> int:
    return value if value >= 0 else INFINITY


def _apparmor(request: BundleRequest) -> str:
    asked = request.security.get("apparmor", ())
    profiles = [name for name in asked if name != "unconfined"]
    if profiles and not request.host.apparmor:
        raise InvalidOption(
            "security_opt", f"apparmor={profiles[0]}", "can't be used: this host has no AppArmor"
        )
    if request.spec.privileged:
        return ""
    return profiles[0] if profiles else "" if asked else request.host.apparmor_default
