# SPDX-License-Identifier: GPL-3.0-or-later
"""The inputs of the bundle: the spec, the image and the facts of this host, as frozen data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Optional

from ...frozen import dataclass, field
from ...model.container import namespaces, program
from ...model.container.spec import ContainerSpec
from ...model.image.config import ImageConfig
from ...model.values.idmap import IdMap
from .users import ResolvedUser

_CONSOLE = re.compile("/dev/tty[0-9]+")


@dataclass(frozen=True)
class DeviceNode:
    """A device node: ``type`` is c or b, ``mode`` the permission bits, ``access`` a subset of rwm."""

    type: str
    major: int
    minor: int
    mode: int
    uid: int
    gid: int
    access: str = "rwm"


@dataclass(frozen=True)
class HostFacts:
    """The facts of this host that the bundle depends on.

    ``rlimits`` maps names such as ``nofile`` to the (soft, hard) limits in force, -1 for none.
    ``capabilities`` is this process's bounding set. ``cgroup_version`` is v1, hybrid or v2, ``architecture``
    uname's machine. ``devices`` maps the path in the container to the node. ``bind_flags`` maps a bind
    mount's source to the flags of the mount that it is on (``nosuid``), which a remount would otherwise drop.
    ``swap_limit`` False: the kernel does not account for swap. ``mqueue`` False: there is no /dev/mqueue to
    bind. ``systemd_hierarchy`` is the mount point of the cgroup v1 hierarchy in which systemd keeps its
    units, None if it is not mounted. ``apparmor_default`` is the profile of containers that ask for none, or
    "". ``most_files`` is the kernel's maximum of open files per process, whatever its limits are
    (fs.nr_open).
    """

    rlimits: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    capabilities: frozenset[str] = frozenset()
    cgroup_version: str = "v2"
    seccomp: bool = True
    architecture: str = "x86_64"
    devices: Mapping[str, DeviceNode] = field(default_factory=dict)
    init_path: Optional[str] = None
    bind_flags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    apparmor: bool = False
    apparmor_default: str = ""
    swap_limit: bool = True
    mqueue: bool = True
    systemd_hierarchy: Optional[str] = None
    most_files: int = 2**64 - 1


@dataclass(frozen=True)
class BundleRequest:
    """Everything that determines a container's config.json.

    ``files`` maps a destination (/etc/hosts) to the host's path of the file that is bound there. ``shm`` is
    the host's path of the mounted SHM. ``volume_paths`` maps a volume mount's destination to the volume's
    data. ``env_from_files`` holds the variables of the ``env_file`` files, ``seccomp_profile`` the decoded
    profile of ``seccomp=PATH``. ``joined`` maps a namespace (``network``, ``ipc``, ...) to the path of the
    shared one, or to "" for the host's; ``own_namespaces`` maps it to the path of an existing namespace of
    its own. ``mapping`` holds the IDs of its user namespace, None in the host's. ``prepared`` maps a mount's
    destination to the path where the engine has already mounted it, for the runtime to bind. ``landings``
    maps a destination that symlinks of the image redirect to the path that they lead to in the container.
    """

    id: str
    spec: ContainerSpec
    image: Optional[ImageConfig]
    rootfs: str
    user: ResolvedUser
    hostname: str
    cgroup_path: str
    host: HostFacts
    files: Mapping[str, str] = field(default_factory=dict)
    shm: Optional[str] = None
    volume_paths: Mapping[str, str] = field(default_factory=dict)
    env_from_files: Mapping[str, str] = field(default_factory=dict)
    seccomp_profile: Optional[Mapping[str, Any]] = None
    joined: Mapping[str, str] = field(default_factory=dict)
    own_namespaces: Mapping[str, str] = field(default_factory=dict)
    mapping: Optional[IdMap] = None
    prepared: Mapping[str, str] = field(default_factory=dict)
    landings: Mapping[str, str] = field(default_factory=dict)

    def shares(self, kind: str) -> bool:
        """Return whether the namespace is the host's or another container's and must not be changed."""
        return kind in self.joined or namespaces.of(self.spec, kind) == namespaces.HOST

    @property
    def runs_systemd(self) -> bool:
        """Whether the container is set up for systemd."""
        return program.runs_systemd(self.spec, self.image)

    @property
    def devices(self) -> Mapping[str, DeviceNode]:
        """The devices by path, for systemd without the host's virtual consoles unless named.

        Otherwise systemd would start logins on them.
        """
        if not self.runs_systemd:
            return self.host.devices
        named = self.spec.device or {}
        return {
            path: node
            for path, node in self.host.devices.items()
            if path in named or not _CONSOLE.fullmatch(path)
        }

    @property
    def security(self) -> Mapping[str, tuple[str, ...]]:
        """``security_opt`` by keyword: ``{"seccomp": ("unconfined",), "no-new-privileges": ("",)}``."""
        result: dict[str, tuple[str, ...]] = {}
        for item in self.spec.security_opt or ():
            word, _equals, argument = item.partition("=")
            result[word] = (*result.get(word, ()), argument)
        return result
