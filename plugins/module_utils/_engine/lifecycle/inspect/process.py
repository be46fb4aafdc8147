# SPDX-License-Identifier: GPL-3.0-or-later
"""A container's process in the shape of ``podman inspect``: program, environment, capabilities; pure.

The values are those of config.json (runtime/config/process.py) as far as they depend on spec and image only: HOME, which
depends on the root file system's passwd, is left out.
"""

from __future__ import annotations

from typing import Any

from ...model.container import healthcheck, namespaces
from ...model.container.program import command, entrypoint, runs_systemd, stop_signal
from ...model.container.spec import ContainerSpec
from ...model.engine.record import ContainerRecord
from ...model.image.config import ImageConfig
from ...model.values.accounts import is_number, number
from ...model.values.capabilities import ALL, DEFAULT

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#: The mount point of the init program of ``init: true``.
_INIT = "/run/podman-init"


def program(spec: ContainerSpec, image: ImageConfig | None) -> dict[str, Any]:
    """Return ``Path`` and ``Args``: the program and its arguments; None when the image is unknown."""
    if image is None:
        return {"Path": None, "Args": None}
    argv = [*entrypoint(spec, image), *command(spec, image)]
    argv = [_INIT, "--", *argv] if spec.init else argv
    return {"Path": argv[0] if argv else "", "Args": argv[1:]}


def process_config(
    record: ContainerRecord, image: ImageConfig | None, host_name: str | None
) -> dict[str, Any]:
    """Return ``Config``; values that depend on the image are None when it is unknown."""
    spec = record.spec
    hostname = _hostname(record, host_name)
    return {
        "Hostname": hostname,
        "Domainname": "",
        "AttachStdin": False,
        "AttachStdout": False,
        "AttachStderr": False,
        "Tty": spec.tty,
        "OpenStdin": spec.interactive,
        "StdinOnce": False,
        "Image": "" if spec.rootfs else spec.image,
        "Volumes": None,
        "OnBuild": None,
        "Annotations": dict(spec.annotation or {}),
        "CreateCommand": None,
        "Passwd": True,
        "sdNotifyMode": "container",
        "Umask": spec.umask or "0022",
        **({"Timezone": spec.timezone} if spec.timezone else {}),
        "Timeout": 0,
        "StopTimeout": spec.stop_timeout,
        **_checks(spec, image),
        **(dict.fromkeys(_OF_IMAGE) if image is None else _with_image(spec, image, hostname)),
    }


_UNASKED: dict[str, Any] = {}
_SWITCHED_OFF: dict[str, Any] = {"Healthcheck": {"Test": ["NONE"]}, "HealthcheckOnFailureAction": "none"}


def _checks(spec: ContainerSpec, image: ImageConfig | None) -> dict[str, Any]:
    check = healthcheck.resolve(spec, image)
    if check is None:  # a disabled check is shown, an unset one is not
        return _UNASKED if spec.healthcheck is None else _SWITCHED_OFF
    shape: dict[str, Any] = {
        "Healthcheck": {
            "Test": list(check.test),
            "StartPeriod": check.start_period,
            "Interval": check.interval,
            "Timeout": check.timeout,
            "Retries": check.retries,
        },
        "HealthcheckOnFailureAction": check.action,
    }
    if check.startup is not None:
        shape["StartupHealthCheck"] = {
            "Test": list(spec.health_startup_cmd or ()),
            "Interval": check.startup.interval,
            "Timeout": check.startup.timeout,
            "Retries": check.startup.retries,
            "Successes": check.startup.successes,
        }
    return shape


_OF_IMAGE = ("User", "Env", "Cmd", "WorkingDir", "Entrypoint", "Labels", "StopSignal")


def _with_image(spec: ContainerSpec, image: ImageConfig, hostname: str | None) -> dict[str, Any]:
    return {
        "User": _user(spec, image),
        "Env": _environment(spec, image, hostname),
        "Cmd": list(command(spec, image)) or None,
        "WorkingDir": spec.workdir or image.working_dir or "/",
        # A string in podman 4, a list in podman 5; Path and Args have the single words.
        "Entrypoint": " ".join(entrypoint(spec, image)),
        "Labels": {**image.labels, **(spec.label or {})} or None,
        "StopSignal": stop_signal(spec, image),
        **({"SystemdMode": True} if runs_systemd(spec, image) else {}),
    }


def _user(spec: ContainerSpec, image: ImageConfig) -> str:
    return image.user if spec.user is None else spec.user


def _hostname(record: ContainerRecord, host_name: str | None) -> str | None:
    uts = record.spec.uts or ""
    if not namespaces.is_own(uts) and uts != namespaces.HOST:  # a joined namespace's name is unknown here
        return None
    return namespaces.hostname_of(record.spec, record.id, host_name or "") or None


def _environment(spec: ContainerSpec, image: ImageConfig, hostname: str | None) -> list[str]:
    variables = {"PATH": _PATH, "container": "oci"}
    if spec.tty:
        variables["TERM"] = "xterm"
    for item in image.env:
        name, _equals, value = item.partition("=")
        variables[name] = value
    variables.update(spec.env or {})
    if hostname is not None:
        variables.setdefault("HOSTNAME", hostname)
    return [f"{name}={value}" for name, value in variables.items()]


def apparmor_profile(spec: ContainerSpec, default: str = "") -> str:
    """Return the requested profile, the default if none was requested, "" if unconfined."""
    words = (word.partition("=") for word in spec.security_opt or ())
    asked = [profile for key, _equals, profile in words if key == "apparmor"]
    named = [profile for profile in asked if profile != "unconfined"]
    if spec.privileged:
        return ""
    return named[0] if named else "" if asked else default


def capabilities(
    spec: ContainerSpec, image: ImageConfig | None, every: frozenset[str] | None = None
) -> dict[str, Any]:
    """Return ``EffectiveCaps`` and ``BoundingCaps``, None when empty or unknown.

    ``every`` are all capabilities of the host.
    """
    bounding = _bounding(spec, every)
    effective = bounding
    if image is None:
        effective = None
    elif not _is_root(_user(spec, image)):
        effective = _ambient(spec, bounding)
    return {
        "EffectiveCaps": sorted(effective) if effective else None,
        "BoundingCaps": sorted(bounding) if bounding else None,
    }


def _bounding(spec: ContainerSpec, every: frozenset[str] | None) -> frozenset[str] | None:
    added, dropped = frozenset(spec.cap_add or ()), frozenset(spec.cap_drop or ())
    if spec.privileged:
        return every
    if ALL in added and ALL not in dropped:
        return None if every is None else every - dropped
    base = frozenset() if ALL in dropped else DEFAULT
    return (base - dropped) | (added - {ALL})


def _ambient(spec: ContainerSpec, bounding: frozenset[str] | None) -> frozenset[str] | None:
    """Return the capabilities of a user other than root: only the added ones (capabilities(7))."""
    if spec.privileged:
        return frozenset()
    added = frozenset(spec.cap_add or ())
    return bounding if bounding is None or ALL in added else bounding & added


def _is_root(user: str) -> bool:
    """Return whether the user is 0; of names only ``root`` counts as that, as in podman."""
    name = user.partition(":")[0]
    if name in ("", "root"):
        return True
    return number(name) == 0 if is_number(name) else False
