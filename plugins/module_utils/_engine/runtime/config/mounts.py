# SPDX-License-Identifier: GPL-3.0-or-later
"""The bundle's ``mounts``: the standard ones, the engine's files, and the user's.

Pure. Sources: OCI runtime-spec 1.0.2 config.md "Mounts" and config-linux.md; podman-run(1); mount(8).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Optional

from ...model.container import namespaces
from ...model.container.systemd_mode import HIERARCHY
from ...model.container.systemd_mode import TMPFS as TMPFS_OF_SYSTEMD
from ...model.mounts.mount import BIND, DEVPTS, IMAGE, SHOWN, TMPFS, VOLUME, Mount
from .process import INIT
from .request import BundleRequest

OciMount = dict[str, Any]

#: Options that the engine itself handles, before the runtime mounts; mount(2) does not know them.
_NOT_FOR_RUNTIME = frozenset(
    "copy nocopy create nocreate z Z U O idmap subpath upperdir workdir notmpcopyup".split()
)
_SHM = "/dev/shm"  # noqa: S108 a path in the container
_SCRATCH = "rw rprivate nosuid nodev tmpcopyup"
#: Directories that podman keeps writable in a read-only container (``--read-only-tmpfs``, on by default).
_WRITABLE = ("/run", "/tmp", "/var/tmp")  # noqa: S108 paths in the container


def build(request: BundleRequest) -> list[OciMount]:
    """Return all mounts, shallow destinations first, so that none hides another that was mounted before it.

    Destinations are compared after following the image's symlinks: /var/run/x belongs below a mount on /run.
    """
    # Volumes that no option names were declared by the image.
    declared = {path: Mount(VOLUME, "", path) for path in request.volume_paths}
    wanted = {**declared, **(request.spec.mounts or {})}
    user = {item.destination: _user_mount(request, item) for item in wanted.values()}
    made = {item["destination"]: item for item in _defaults(request, frozenset(user))}
    made.update(user)
    return sorted(made.values(), key=lambda item: _order(request, item["destination"]))


def _order(request: BundleRequest, destination: str) -> tuple[int, str]:
    path = request.landings.get(destination, destination)
    return path.count("/"), path


def propagation(request: BundleRequest) -> Optional[str]:
    """Return the root's propagation that shared or slave mounts of the user need; None if there are none."""
    words = {word for item in (request.spec.mounts or {}).values() for word in item.options}
    if words & {"shared", "rshared"}:
        return "shared"
    return "rslave" if words & {"slave", "rslave"} else None


def _mount(destination: str, kind: str, source: str, words: str) -> OciMount:
    return {"destination": destination, "type": kind, "source": source, "options": words.split()}


def _defaults(request: BundleRequest, taken: frozenset[str]) -> Iterable[OciMount]:
    """Yield the default mounts, without those that the user's mounts replace."""
    for item in (*_kernel_mounts(request), *_engine_mounts(request, taken)):
        if not _replaced(item["destination"], taken):
            yield item


def _replaced(destination: str, taken: frozenset[str]) -> bool:
    """Return whether a user's mount replaces this one; a user's /dev or /sys is left as it is.

    A devpts or cgroup mount in it would need a directory, which would be created in the user's own.
    """
    inside = destination.startswith("/dev/") and "/dev" in taken and destination != _SHM
    return destination in taken or inside or (destination.startswith("/sys/") and "/sys" in taken)


def _kernel_mounts(request: BundleRequest) -> Iterable[OciMount]:
    yield _own_or_bound(request, "pid", "/proc", "proc", "nosuid noexec nodev")
    sealed = " ro" if _all_read_only(request) else ""
    yield _mount("/dev", "tmpfs", "tmpfs", f"nosuid noexec strictatime mode=755 size=65536k{sealed}")
    # 5 is the group tty in every distribution; a terminal must not be writable by others.
    group = " gid=5" if request.mapping is None or request.mapping.has_gid(5) else ""
    yield _mount("/dev/pts", "devpts", "devpts", f"nosuid noexec newinstance ptmxmode=0666 mode=0620{group}")
    if request.host.mqueue or not _must_bind(request, "ipc"):
        yield _own_or_bound(request, "ipc", "/dev/mqueue", "mqueue", "nosuid noexec nodev")
    access = "rw" if request.spec.privileged else "ro"
    yield _own_or_bound(request, "network", "/sys", "sysfs", f"nosuid noexec nodev {access}")
    if request.runs_systemd and request.host.cgroup_version == "v2":
        access = "rw"
    yield _mount("/sys/fs/cgroup", "cgroup", "cgroup", f"rprivate nosuid noexec nodev relatime {access}")


def _own_or_bound(request: BundleRequest, kind: str, destination: str, fstype: str, words: str) -> OciMount:
    """Return the mount of a file system that shows a namespace.

    It is a bind mount of the host's where a user namespace may not mount its own.

    The kernel permits that only to the user namespace that owns the shown namespace (user_namespaces(7)).
    """
    if _must_bind(request, kind):
        return _mount(destination, "bind", destination, f"rbind rprivate {words}")
    return _mount(destination, fstype, fstype, words)


def _must_bind(request: BundleRequest, kind: str) -> bool:
    return request.mapping is not None and request.shares(kind)


def _engine_mounts(request: BundleRequest, taken: frozenset[str]) -> Iterable[OciMount]:
    spec = request.spec
    if request.shm is not None:
        sealed = " ro" if _all_read_only(request) else ""
        yield _mount(_SHM, "bind", request.shm, f"bind rprivate nosuid noexec nodev{sealed}")
    if spec.init and request.host.init_path is not None:
        yield _mount(INIT, "bind", request.host.init_path, "bind rprivate ro")
    flags = "bind rprivate ro nosuid noexec nodev" if spec.read_only else "bind rprivate"
    for destination, source in request.files.items():
        # The mount point would be created in the user's own directory.
        if not (destination.startswith("/run/") and "/run" in taken):
            yield _mount(destination, "bind", source, flags)
    if spec.read_only and spec.read_only_tmpfs:
        for destination in _WRITABLE:
            yield _mount(destination, "tmpfs", "tmpfs", _SCRATCH)
    if request.runs_systemd:
        yield from _systemd_mounts(request, taken)


def _systemd_mounts(request: BundleRequest, taken: frozenset[str]) -> Iterable[OciMount]:
    """Yield the mounts that systemd writes to: tmpfs, and with cgroups v1 its own part of its hierarchy.

    The part is mounted at its path below the hierarchy's root, because paths in /proc/PID/cgroup start there.
    Podman makes the whole hierarchy writable; all but the container's own cgroup belongs to the host.
    """
    size = request.spec.shm_size_systemd
    for destination in TMPFS_OF_SYSTEMD:
        yield _mount(destination, "tmpfs", "tmpfs", _SCRATCH + (f" size={size}" if size else ""))
    source = request.host.systemd_hierarchy
    # A namespace of its own shows other paths than those of the hierarchy.
    alone = request.spec.cgroupns not in (None, namespaces.HOST)
    if source is None or alone or not request.cgroup_path or {"/sys/fs/cgroup", HIERARCHY} & taken:
        return
    words = "bind rprivate nosuid noexec nodev"
    yield _mount(HIERARCHY, "bind", source, f"{words} ro")
    yield _mount(HIERARCHY + request.cgroup_path, "bind", source + request.cgroup_path, f"{words} rw")


def _all_read_only(request: BundleRequest) -> bool:
    """Return whether the whole container is read-only, except for the user's writable mounts."""
    return request.spec.read_only and not request.spec.read_only_tmpfs


def _user_mount(request: BundleRequest, item: Mount) -> OciMount:
    if item.kind == DEVPTS:  # with exactly the given options, as in podman
        return _mount(item.destination, DEVPTS, DEVPTS, " ".join(item.options))
    words = _words(item)
    if item.kind in SHOWN:
        return _shown(request, item, words)
    if item.value("U") is not None:
        words += [f"uid={request.user.uid}", f"gid={request.user.gid}"]
    if item.kind == TMPFS and "notmpcopyup" not in item.options:
        words.append("tmpcopyup")
    return {"destination": item.destination, "type": item.kind, "source": item.kind, "options": words}


def _words(item: Mount) -> list[str]:
    """Return the options for the runtime, with explicit access and propagation."""
    words = [word for word in item.options if word.partition("=")[0] not in _NOT_FOR_RUNTIME]
    if not {"ro", "rro", "rw"} & {*words}:
        words.insert(0, "ro" if item.read_only else "rw")
    if item.propagation not in words:
        words.append(item.propagation)
    return words


def _shown(request: BundleRequest, item: Mount, words: list[str]) -> OciMount:
    """Return the bind mount of a path, a volume or an image on the host, or of what was prepared from it."""
    if "bind" not in words:
        words.append("rbind")
    # Volumes and images hold data: no setuid bits or devices in them take effect unless the user asks for it.
    flags = request.host.bind_flags.get(item.source, ()) if item.kind == BIND else ("nosuid", "nodev")
    words += _unless_set(item, flags)
    source = _source(request, item)
    return {"destination": item.destination, "type": "bind", "source": source, "options": words}


def _source(request: BundleRequest, item: Mount) -> str:
    if item.destination in request.prepared or item.kind == IMAGE:
        return request.prepared[item.destination]
    return request.volume_paths[item.destination] if item.kind == VOLUME else item.source


def _unless_set(item: Mount, flags: Iterable[str]) -> list[str]:
    """Return the flags that the mount's options neither set nor negate."""
    return [flag for flag in flags if flag not in item.options and flag[2:] not in item.options]
