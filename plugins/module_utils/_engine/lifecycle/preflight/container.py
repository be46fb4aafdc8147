# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that run before anything is changed, so that bad input never changes anything."""

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
#: A hosts file has a few lines.
_HOSTS_LIMIT = 1024 * 1024
#: File types that a log may have: a regular file, or /dev/null. Opening a FIFO would wait for a reader.
_LOGS = (stat.S_IFREG, stat.S_IFCHR)
#: NAME_MAX of Linux.
_LONGEST_NAME = 255
_SELINUX = "/sys/fs/selinux/enforce"


def check(engine: Engine, spec: ContainerSpec, source: Source, record: ContainerRecord | None = None) -> None:
    """Check all that would otherwise fail later. Raises InvalidOption, HostLacks or NotBuiltYet.

    ``record`` is that of an existing container that is to be started. In check mode, an error that an earlier task
    could resolve is tolerated, and the remaining checks still run.
    """
    for look in _looks(engine, spec, source, record):
        with engine.tolerating():
            look()


def _looks(
    engine: Engine, spec: ContainerSpec, source: Source, record: ContainerRecord | None
) -> Iterator[Callable[[], object]]:
    """Yield the checks one by one."""
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
            "hosts_file", path, "does not exist on the host", remedy="Create it first, or use image or none"
        )


def _check_ids(engine: Engine, spec: ContainerSpec, source: Source) -> None:
    """Check users and ids, unless the root file system does not exist yet: its users are unknown then."""
    if source.is_known(spec):
        _check_mapping(engine, spec, source)
        limits.check_processes(spec, user_of(spec, source, spec.image).uid)


def _check_host(spec: ContainerSpec) -> None:
    if host.facts(spec).init_path is None and spec.init:
        raise HostLacks(
            "init: true needs catatonit, tini or dumb-init on the host",
            remedy="Run role slipway.oci.host with init among its slipway_extras",
            missing="init",
        )


def _check_mount(mount: Mount) -> None:
    if mount.kind == BIND and "create" not in mount.options and not os.path.exists(mount.source):
        dangling = os.path.lexists(mount.source)
        raise Missing(
            "volume",
            mount.source,
            "is a dangling symlink on the host" if dangling else "does not exist on the host",
            remedy="Create it first, as with ansible.builtin.file, or add create to the mount's options",
        )
    if {"rro", "noswap"} & {*mount.options}:
        from . import mount_support

        mount_support.check(mount)
    if {"z", "Z"} & set(mount.options) and os.path.exists(_SELINUX):
        raise NotBuiltYet(
            f"volume: {mount.destination}: SELinux relabelling is not implemented yet", option="volume"
        )


def _check_log(engine: Engine, spec: ContainerSpec) -> None:
    """Refuse a log that conmon could not open or would block on, or that would harm the engine's files."""
    path = (spec.log_opt or {}).get("path")
    if not path:
        return
    directory, name = os.path.split(path)
    if not os.path.isdir(directory):
        raise Missing(
            "log_opt",
            path,
            "is in a directory that does not exist",
            remedy="Create the directory first, as with ansible.builtin.file",
        )
    logfiles.check_place(path)
    own = (os.path.realpath(top) for top in (engine.layout.root, engine.layout.run_root))
    if any(f"{os.path.realpath(path)}/".startswith(f"{top}/") for top in own):
        raise InvalidOption("log_opt", path, "is among the engine's own files", remedy="Use another path")
    _refuse_shared_log(spec, path)
    if len(os.fsencode(name)) > _LONGEST_NAME:
        raise InvalidOption("log_opt", path, f"has a name of more than {_LONGEST_NAME} bytes")
    if os.path.exists(path) and stat.S_IFMT(os.stat(path).st_mode) not in _LOGS:
        raise InvalidOption(
            "log_opt", path, "is not a regular file", remedy="Use a file, or a path that does not exist"
        )
    with files.held(os.open(path if os.path.exists(path) else directory, os.O_PATH | os.O_CLOEXEC)) as fd:
        if untrusted_files.is_made_up(fd) or not os.access(
            path if os.path.exists(path) else directory, os.W_OK
        ):
            raise InvalidOption("log_opt", path, "can't be written", remedy="Use a path on a disk")


def _refuse_shared_log(spec: ContainerSpec, path: str) -> None:
    """Refuse a log with ``max_size`` that the container could replace by a symlink.

    conmon opens the path again when the log is full, and would truncate the symlink's target.
    """
    if "max_size" not in (spec.log_opt or {}):
        return
    place = f"{os.path.realpath(path)}/"
    for mount in (spec.mounts or {}).values():
        is_written = mount.kind == BIND and not mount.read_only and mount.value("O") is None
        if is_written and place.startswith(f"{os.path.realpath(mount.source).rstrip('/')}/"):
            raise InvalidOption(
                "log_opt",
                path,
                f"is in {mount.source}, which the container can write to: with max_size it could overwrite any file",
                remedy="Use another path for the log, mount that directory read-only, or leave max_size out",
            )


def _check_tuning(spec: ContainerSpec) -> None:
    if spec.init_path is not None and find_program(spec.init_path) is None:
        raise Missing("init_path", spec.init_path, "is not a program on this host")
    if spec.timezone is not None:
        timezone.content(spec.timezone)
    _check_cgroup_version(spec, cgroups.version())


def _check_cgroup_version(spec: ContainerSpec, version: str) -> None:
    for option in OPTIONS:
        if option.is_set(spec) and not option.fits(version):
            raise HostLacks(
                f"{option.name} is not supported with cgroups {version}, which this host has",
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
    """Return the profile that ``security_opt`` names; None: default or unconfined. Raises InvalidOption."""
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
        raise InvalidOption("security_opt", f"seccomp={paths[-1]}", "is not a seccomp profile")
    return profile
