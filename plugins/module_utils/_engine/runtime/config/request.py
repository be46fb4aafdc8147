# SPDX-License-Identifier: GPL-3.0-or-later
"""What the bundle is made from: the spec, the image, and the facts of this host, as frozen data."""

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
    """A device node: ``type`` is c or b, ``mode`` its permission bits, ``access`` out of r, w, m."""

    type: str
    major: int
    minor: int
    mode: int
    uid: int
    gid: int
    access: str = "rwm"


@dataclass(frozen=True)
class HostFacts:
    """What this host allows, as far as the bundle depends on it.

    ``rlimits`` maps ``nofile`` to the (soft, hard) limits now in force, -1 is none; ``capabilities`` is this
    process's bounding set; ``cgroup_version`` v1, hybrid or v2; ``architecture`` uname's machine; ``devices``
    maps the path in the container to the node; ``bind_flags`` maps a bind's source to flags that its own
    mount has (``nosuid``), which a remount would otherwise drop. ``swap_limit`` False: the kernel does not
    count swap. ``mqueue`` False: no /dev/mqueue is there to be bound. ``systemd_hierarchy`` is where the hierarchy of
    cgroups v1 in which systemd keeps its units is mounted, None for nowhere. ``apparmor_default`` is the profile of containers
    that ask for none, "" without one. ``most_files`` is what no process may have more
    open files than, whatever it is allowed (fs.nr_open).
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
    """All that decides a container's config.json.

    ``files`` maps a destination (/etc/hosts) to the host path of the file that is bound there; ``shm`` is the
    host path of the mounted SHM; ``volume_paths`` maps a volume mount's destination to the volume's data;
    ``env_from_files`` holds what ``env_file`` named; ``seccomp_profile`` the decoded profile of
    ``seccomp=PATH``; ``joined`` maps a namespace (``network``, ``ipc``, ...) to the path of the one that is shared, or to
    "" for the host's; ``own_namespaces`` to the path of one of its own that is there already; ``mapping`` are the ids of its
    user namespace, None in the host's;
    ``prepared`` maps a mount's destination to where the engine has mounted it already, for the runtime to bind;
    ``landings`` maps those destinations that lead elsewhere by symlinks of the image to where they lead in the container.
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
        """Tell whether a namespace is the host's or another's, so that nothing of it may be altered."""
        return kind in self.joined or namespaces.of(self.spec, kind) == namespaces.HOST

    @property
    def runs_systemd(self) -> bool:
        """Tell whether the container gets what systemd needs."""
        return program.runs_systemd(self.spec, self.image)

    @property
    def devices(self) -> Mapping[str, DeviceNode]:
        """The devices by path; without the host's virtual consoles, unless one is named: systemd would open logins on them."""
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
        """``security_opt`` by word, as in ``{"seccomp": ("unconfined",), "no-new-privileges": ("",)}``."""
        result: dict[str, tuple[str, ...]] = {}
        for item in self.spec.security_opt or ():
            word, _equals, argument = item.partition("=")
            result[word] = (*result.get(word, ()), argument)
        return result
