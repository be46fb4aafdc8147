# SPDX-License-Identifier: GPL-3.0-or-later
"""Check everything that can be known before anything is changed, so that bad input never changes anything."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import HostLacks, InvalidOption, NotBuiltYet
from ..kernel import inroot
from ..kernel import namespaces as kernel_namespaces
from ..model import imageconfig, namespaces
from ..model.cgroup import DISABLED
from ..model.imageconfig import ImageConfig
from ..model.layout import Layout
from ..model.mounts import BIND, Mount
from ..model.record import ImageRecord
from ..model.spec import ContainerSpec
from ..rootfs import support
from ..runtime import host
from ..runtime.conmon import find_conmon
from ..runtime.oci import find_runtime
from ..runtime.users import ResolvedUser, resolve
from . import cgroup
from .engine import Engine

#: Docker's default profile has 20 KB.
_PROFILE_LIMIT = 1024 * 1024
#: passwd and group files above this size are no such files.
_ACCOUNT_FILE_LIMIT = 4 * 1024 * 1024
_SELINUX = "/sys/fs/selinux/enforce"


@dataclass(frozen=True)
class Source:
    """What a container is made from: an image, or a directory (``rootfs: true``); ``lowers`` topmost first."""

    image: ImageRecord | None
    config: ImageConfig | None
    lowers: tuple[str, ...]

    @classmethod
    def of(cls, image: ImageRecord | None, layout: Layout) -> Source:
        """Return the source for an image's record; None for a plain directory."""
        if image is None:
            return cls(None, None, ())
        lowers = tuple(layout.layer_diff(layer.chain_id) for layer in reversed(image.layers))
        return cls(image, imageconfig.parse(image.config), lowers)


def check(engine: Engine, spec: ContainerSpec, source: Source) -> None:
    """Raise InvalidOption, HostLacks or NotBuiltYet for what could only fail later."""
    runtime = find_runtime(engine.runtime)
    find_conmon(engine.conmon)
    cgroup.check(engine, spec)
    if spec.cgroups == DISABLED and runtime.name != "crun":
        raise HostLacks(
            f"cgroups: {DISABLED} needs crun: {runtime.name} makes a cgroup in any case",
            remedy="Install crun and write runtime: crun",
            program="crun",
        )
    if spec.rootfs and not os.path.isdir(spec.image):
        raise InvalidOption(
            "image", spec.image, "is no directory", remedy="With rootfs: true it names the root file system"
        )
    if not spec.rootfs:
        support.probe(engine.layout.containers)
    for mount in (spec.mounts or {}).values():
        _check_mount(mount)
    _check_log(spec)
    _check_namespaces(spec)
    seccomp_profile(spec.security_opt or ())
    user_of(spec, source, spec.image)
    if host.facts(spec).init_path is None and spec.init:
        raise HostLacks(
            "init: true needs catatonit, tini or dumb-init on the host",
            remedy="Run role slipway.oci.host; its slipway_extras has init",
            missing="init",
        )


def _check_mount(mount: Mount) -> None:
    if mount.kind == BIND and not os.path.lexists(mount.source):
        raise InvalidOption(
            "volume",
            mount.source,
            "does not exist on the host",
            remedy="Make it first, as with ansible.builtin.file",
        )
    if {"z", "Z"} & set(mount.options) and os.path.exists(_SELINUX):
        raise NotBuiltYet(
            f"volume: {mount.destination}: relabelling for SELinux is not built yet", option="volume"
        )


def _check_log(spec: ContainerSpec) -> None:
    path = (spec.log_opt or {}).get("path")
    if path and not os.path.isdir(os.path.dirname(path)):
        raise InvalidOption(
            "log_opt",
            path,
            "lies in a directory that does not exist",
            remedy="Make it first, as with ansible.builtin.file",
        )


def _check_namespaces(spec: ContainerSpec) -> None:
    for kind, option in namespaces.OPTIONS.items():
        path = namespaces.path(namespaces.of(spec, kind))
        if path is not None:
            kernel_namespaces.check(option, path, kind)


def seccomp_profile(options: Sequence[str]) -> dict[str, Any] | None:
    """Read the profile that ``security_opt`` names; None for the default or no profile. Raises InvalidOption."""
    paths = [word.partition("=")[2] for word in options if word.startswith("seccomp=")]
    if not paths or paths[-1] == "unconfined":
        return None
    try:
        with open(paths[-1], encoding="utf-8") as stream:
            profile = json.loads(stream.read(_PROFILE_LIMIT))
    except (OSError, ValueError) as error:
        raise InvalidOption("security_opt", f"seccomp={paths[-1]}", f"can't be read: {error}") from None
    if not isinstance(profile, dict):
        raise InvalidOption("security_opt", f"seccomp={paths[-1]}", "is no seccomp profile")
    return profile


def user_of(spec: ContainerSpec, source: Source, rootfs: str) -> ResolvedUser:
    """Resolve the user by the passwd and group files of the image's layers, or of the plain root file system."""
    roots = source.lowers or ((rootfs,) if spec.rootfs else ())
    name = spec.user if spec.user is not None else (source.config.user if source.config else None)
    return resolve(
        name or None,
        spec.group_add or (),
        passwd=_account_file(roots, "/etc/passwd"),
        group=_account_file(roots, "/etc/group"),
    )


def _account_file(roots: tuple[str, ...], path: str) -> str:
    """Read a file as the merged layers would show it; a whiteout in an upper layer hides those below."""
    for root in roots:
        try:
            content = inroot.read_file(root, path, limit=_ACCOUNT_FILE_LIMIT)
        except OSError:  # a whiteout, a device or a directory: whatever it is, it is no account file
            return ""
        if content is not None:
            return content.decode("utf-8", "replace")
    return ""
