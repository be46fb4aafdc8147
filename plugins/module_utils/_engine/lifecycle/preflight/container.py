# SPDX-License-Identifier: GPL-3.0-or-later
"""Check everything that can be known before anything is changed, so that bad input never changes anything."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from ...errors import HostLacks, InvalidOption, Missing, NotBuiltYet
from ...kernel import files, untrusted_files
from ...kernel.cgroup import cgroups
from ...kernel.command import find_program
from ...model.container import systemd_mode
from ...model.container.options import OPTIONS
from ...model.container.spec import ContainerSpec
from ...model.engine.record import ContainerRecord
from ...model.mounts.mount import BIND, Mount
from ...model.network import resolver
from ...model.values import jsontext
from ...runtime import apparmor, hooks, host, logfiles, timezone
from ..core.engine import Engine
from ..core.source import Source
from ..inspect.process import apparmor_profile
from ..resources import held
from ..resources.accounts import user_of
from . import layers, limits

#: Docker's default profile has 20 KB.
_PROFILE_LIMIT = 1024 * 1024
#: A hosts file has some lines.
_HOSTS_LIMIT = 1024 * 1024
#: What a log may be: a file, or /dev/null. To open a FIFO waits for a reader.
_LOGS = (stat.S_IFREG, stat.S_IFCHR)
#: NAME_MAX of Linux.
_LONGEST_NAME = 255
_SELINUX = "/sys/fs/selinux/enforce"


def check(engine: Engine, spec: ContainerSpec, source: Source, record: ContainerRecord | None = None) -> None:
    """Raise InvalidOption, HostLacks or NotBuiltYet for what could only fail later; ``record``: of one that is there to start.

    Predicting, what an earlier task could bring is tolerated, and all else is looked at all the same.
    """
    for look in _looks(engine, spec, source, record):
        with engine.tolerating():
            look()


def _looks(
    engine: Engine, spec: ContainerSpec, source: Source, record: ContainerRecord | None
) -> Iterator[Callable[[], object]]:
    """Yield the checks, each by itself."""
    for resource in held.backwards():
        yield from resource.check(engine, spec, source, record)
    if spec.systemd == systemd_mode.ALWAYS:
        from . import systemd

        yield lambda: systemd.check(spec)
    for mount in (spec.mounts or {}).values():
        yield partial(_check_mount, mount)
    yield lambda: layers.check(engine, source, record)
    yield lambda: _check_log(engine, spec)
    yield lambda: _check_hosts_file(spec)
    yield lambda: hooks.find(spec.hooks_dir)
    yield lambda: _check_ids(engine, spec, source)
    yield lambda: _check_tuning(spec)
    yield lambda: seccomp_profile(spec.security_opt or ())
    if profile := apparmor_profile(spec):
        yield lambda: apparmor.check(profile)
    yield lambda: _check_host(spec)


def _check_hosts_file(spec: ContainerSpec) -> None:
    path = spec.hosts_file
    if path is None or path in (resolver.OF_IMAGE, resolver.NO_FILE):
        return
    try:
        found = untrusted_files.read_file("/", path, limit=_HOSTS_LIMIT)
    except OSError as error:
        raise InvalidOption("hosts_file", path, f"can't be read: {error.strerror}") from None
    if found is None:
        raise Missing(
            "hosts_file", path, "does not exist on the host", remedy="Write image or none, or make it first"
        )


def _check_ids(engine: Engine, spec: ContainerSpec, source: Source) -> None:
    """Check users and ids; of a root file system that is not there yet nobody knows its users."""
    if source.is_known(spec):
        _check_mapping(engine, spec, source)
        limits.check_processes(spec, user_of(spec, source, spec.image).uid)


def _check_host(spec: ContainerSpec) -> None:
    if host.facts(spec).init_path is None and spec.init:
        raise HostLacks(
            "init: true needs catatonit, tini or dumb-init on the host",
            remedy="Run role slipway.oci.host; its slipway_extras has init",
            missing="init",
        )


def _check_mount(mount: Mount) -> None:
    if mount.kind == BIND and "create" not in mount.options and not os.path.exists(mount.source):
        dangling = os.path.lexists(mount.source)
        raise Missing(
            "volume",
            mount.source,
            "is a symlink to what does not exist on the host" if dangling else "does not exist on the host",
            remedy="Make it first, as with ansible.builtin.file, or write create among the mount's options",
        )
    if {"rro", "noswap"} & {*mount.options}:
        from . import mount_support

        mount_support.check(mount)
    if {"z", "Z"} & set(mount.options) and os.path.exists(_SELINUX):
        raise NotBuiltYet(
            f"volume: {mount.destination}: relabelling for SELinux is not built yet", option="volume"
        )


def _check_log(engine: Engine, spec: ContainerSpec) -> None:
    """Raise InvalidOption for a log that conmon could not open, or that would wait for a reader, or harm the engine."""
    path = (spec.log_opt or {}).get("path")
    if not path:
        return
    directory, name = os.path.split(path)
    if not os.path.isdir(directory):
        raise Missing(
            "log_opt",
            path,
            "lies in a directory that does not exist",
            remedy="Make it first, as with ansible.builtin.file",
        )
    logfiles.check_place(path)
    own = (os.path.realpath(top) for top in (engine.layout.root, engine.layout.run_root))
    if any(f"{os.path.realpath(path)}/".startswith(f"{top}/") for top in own):
        raise InvalidOption("log_opt", path, "lies among the engine's own files", remedy="Name another place")
    _refuse_shared_log(spec, path)
    if len(os.fsencode(name)) > _LONGEST_NAME:
        raise InvalidOption("log_opt", path, f"has a name of more than {_LONGEST_NAME} bytes")
    if os.path.exists(path) and stat.S_IFMT(os.stat(path).st_mode) not in _LOGS:
        raise InvalidOption("log_opt", path, "is no file", remedy="Name a file, or none that is there")
    with files.held(os.open(path if os.path.exists(path) else directory, os.O_PATH | os.O_CLOEXEC)) as fd:
        if untrusted_files.is_made_up(fd) or not os.access(
            path if os.path.exists(path) else directory, os.W_OK
        ):
            raise InvalidOption("log_opt", path, "can't be written", remedy="Name a place on a disk")


def _refuse_shared_log(spec: ContainerSpec, path: str) -> None:
    """Raise InvalidOption where the container itself could put a symlink in the place in which conmon begins the log anew."""
    if "max_size" not in (spec.log_opt or {}):
        return
    place = f"{os.path.realpath(path)}/"
    for mount in (spec.mounts or {}).values():
        is_written = mount.kind == BIND and not mount.read_only and mount.value("O") is None
        if is_written and place.startswith(f"{os.path.realpath(mount.source).rstrip('/')}/"):
            raise InvalidOption(
                "log_opt",
                path,
                f"lies in {mount.source}, which the container can write to: with max_size it could have any file overwritten",
                remedy="Name another place for the log, mount that one read-only, or leave max_size out",
            )


def _check_tuning(spec: ContainerSpec) -> None:
    if spec.init_path is not None and find_program(spec.init_path) is None:
        raise Missing("init_path", spec.init_path, "is no program on this host")
    if spec.timezone is not None:
        timezone.content(spec.timezone)
    _check_cgroup_version(spec, cgroups.version())


def _check_cgroup_version(spec: ContainerSpec, version: str) -> None:
    for option in OPTIONS:
        if option.is_set(spec) and not option.fits(version):
            raise HostLacks(
                f"{option.name} is not for cgroups {version}, which this host has",
                remedy=f"Leave {option.name} out",
                option=option.name,
            )


def _check_mapping(engine: Engine, spec: ContainerSpec, source: Source) -> None:
    if spec.userns is None:
        return
    from ..resources import id_mapping, userns_access

    found = id_mapping.foresee(engine, spec, source)
    if found is not None:
        userns_access.check(engine, found)


def seccomp_profile(options: Sequence[str]) -> dict[str, Any] | None:
    """Read the profile that ``security_opt`` names; None for the default or no profile. Raises InvalidOption."""
    paths = [word.partition("=")[2] for word in options if word.startswith("seccomp=")]
    if not paths or paths[-1] == "unconfined":
        return None
    try:
        content = untrusted_files.read_file("/", paths[-1], limit=_PROFILE_LIMIT)
        profile = None if content is None else jsontext.parse(content)
    except (OSError, ValueError) as error:
        raise InvalidOption("security_opt", f"seccomp={paths[-1]}", f"can't be read: {error}") from None
    if content is None:
        raise Missing("security_opt", f"seccomp={paths[-1]}", "does not exist on the host")
    if not isinstance(profile, dict):
        raise InvalidOption("security_opt", f"seccomp={paths[-1]}", "is no seccomp profile")
    return profile
