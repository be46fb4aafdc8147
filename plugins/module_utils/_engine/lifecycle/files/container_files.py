# SPDX-License-Identifier: GPL-3.0-or-later
"""Access a container's files as it sees them, running or not (seed: mountStorage; podman-cp(1)).

For a running container that is the root of its PID 1, with all mounts. For any other, its root file system and its mounts
are mounted in a private mount namespace, where no other process sees them and of which a kill leaves nothing. For writing,
the container's lock is held so that it cannot be started meanwhile; for reading, all is mounted read-only without a lock.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from typing import NamedTuple, Optional, TypeVar

from ...errors import EngineError, WrongState
from ...frozen import dataclass, field
from ...kernel import libc, mounts, usernamespace
from ...kernel.files import directory, make_private, mount_id
from ...kernel.inroot import make_directory, open_in_root
from ...kernel.private_mounts import apart
from ...model.container import status
from ...model.engine.record import ContainerRecord
from ...model.engine.storage_drivers import FUSE, VFS
from ...model.mounts.mount import BIND, VOLUME, Mount
from ...model.values.idmap import IdMap
from ...rootfs import user_directory, view
from ...state import volumes
from ..core.engine import Engine
from ..core.facts import alive, observe
from ..core.origin import source_of
from ..guard.hold import hold
from ..resources import rootfs, volume_open
from ..volume import populate

Result = TypeVar("Result")

#: Mount points of every running container; files below them would be hidden.
_ONLY_RUNNING = ("/proc", "/sys", "/dev")
#: Options of mounts that a start has to prepare.
_PREPARED = ("O", "idmap", "upperdir")
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
#: In place of the descriptor of a mount that exists only while the container runs.
NOWHERE = -1


class NotThere(WrongState):
    """The path is on a file system that exists only while the container runs."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{path} is on a file system that exists only while the container runs",
            remedy="Start the container first",
            path=path,
        )


class ReadOnly(EngineError):
    """The path is on a file system that is read-only for the container."""

    code = "read_only"

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{path} is read-only in the container",
            remedy="Write to one of its volumes, or recreate the container without read_only",
            path=path,
        )


@dataclass(frozen=True)
class Inside:
    """A container's files: paths are resolved in the root ``fd``.

    ``mapping``: the id mapping of the owners on disk. ``transient``: ids of mounts that exist only while the container runs.
    ``unmade``: descriptors of mounts whose mount point does not exist yet, by destination. ``sealed``: by id of a mount,
    whether it is read-only for the container, where its flags here do not say so.
    """

    fd: int
    mapping: Optional[IdMap] = None
    transient: frozenset[int] = frozenset()
    unmade: Mapping[str, int] = field(default_factory=dict)
    sealed: Mapping[int, bool] = field(default_factory=dict)

    def locate(self, path: str) -> tuple[int, str]:
        """Return the root in which to resolve a path, and the path in that root. Raises NotThere."""
        for destination, fd in self.unmade.items():
            if path == destination or path.startswith(f"{destination}/"):
                if fd == NOWHERE:
                    raise NotThere(path)
                return fd, path[len(destination) :] or "/"
        return self.fd, path

    def check_mount(self, fd: int, path: str, *, writes: bool) -> None:
        """Check the mount of a descriptor. Raises NotThere, and ReadOnly if ``writes`` is set."""
        mount = mount_id(fd)
        if mount in self.transient:
            raise NotThere(path)
        sealed = self.sealed.get(mount)
        if writes and (bool(os.fstatvfs(fd).f_flag & os.ST_RDONLY) if sealed is None else sealed):
            raise ReadOnly(path)


def within(
    engine: Engine, record: ContainerRecord, act: Callable[[Inside], Result], *, writes: bool, what: str
) -> Result:
    """Call ``act`` with the container's files and return its result.

    ``what`` names the operation to processes that wait for the lock. ``act`` may be called in another thread, and so must
    not use the database. Raises WrongState, NotFound, LockTimeout, and what mounting raises.
    """
    seen = observe(engine, record)
    if _runs(seen):
        return _running(seen, act)
    if seen.status == status.REMOVING:
        raise WrongState(f"container {record.name} is being removed", name=record.name, status=seen.status)
    if not writes and record.driver != FUSE:
        return _shown(engine, seen, act)
    with hold(engine, record.id, what) as held:
        if _runs(held):
            return _running(held, act)
        with _served(engine, held):
            return _mounted(engine, held, act)


@contextmanager
def _served(engine: Engine, record: ContainerRecord) -> Iterator[None]:
    """Mount a root file system served by a program in the host's mount namespace meanwhile.

    A program that is started in a private mount namespace would keep that alive.
    """
    if record.driver != FUSE or record.spec.rootfs:
        yield
        return
    container, lowers = engine.layout.container(record.id), source_of(engine, record).lowers[::-1]
    rootfs.mount(container, lowers, record.mapping, driver=FUSE)
    try:
        yield
    finally:
        rootfs.unmount(container, FUSE)


def _runs(record: ContainerRecord) -> bool:
    return record.status in (*status.ALIVE, status.CREATED) and alive(record.process) is not None


def _running(record: ContainerRecord, act: Callable[[Inside], Result]) -> Result:
    if record.process is None:  # never after _runs()
        raise WrongState(f"container {record.name} has no process", name=record.name)
    with directory(f"/proc/{record.process.pid}/root") as fd:
        # Checked after opening: the PID could have been reused.
        if alive(record.process) is None:
            raise WrongState(f"container {record.name} has just exited", remedy="Try again", name=record.name)
        return act(Inside(fd, record.mapping))


# -- the files of a container that does not run ------------------------------------------------------


class _Bound(NamedTuple):
    """A mount of the container; ``source`` None: it exists only while the container runs."""

    destination: str
    source: Optional[str] = None
    read_only: bool = False
    subpath: str = ""


def _mounted(engine: Engine, record: ContainerRecord, act: Callable[[Inside], Result]) -> Result:
    """Call ``act`` with a writable mount of the container's files; the container's lock is held."""
    container, lowers = engine.layout.container(record.id), source_of(engine, record).lowers[::-1]

    def mount() -> str:
        if record.spec.rootfs:
            return _bind_directory(user_directory.check(record.spec.image), view.cover(engine.layout.staging))
        rootfs.mount(container, lowers, record.mapping, driver=record.driver)
        if record.driver == VFS:
            return _bind_directory(container.merged, view.cover(engine.layout.staging))
        return container.merged

    _populate(engine, record, mount)
    with _bounds(engine, record, locked=True) as bounds:

        def there() -> Result:
            root = mount()
            with _scene(root, bounds, record, makes=True) as inside:
                if record.spec.read_only:
                    mounts.restrict(root, libc.MS_RDONLY)
                return act(inside)

        return apart(there)


def _shown(engine: Engine, record: ContainerRecord, act: Callable[[Inside], Result]) -> Result:
    """Call ``act`` with a read-only mount of the container's files."""
    container, lowers = engine.layout.container(record.id), source_of(engine, record).lowers[::-1]
    mapping = record.mapping
    namespace = usernamespace.opened(mapping.uids, mapping.gids) if mapping else nullcontext()
    with namespace as userns, _bounds(engine, record, locked=False) as bounds:

        def there() -> Result:
            scratch = view.cover(engine.layout.staging)  # nothing below it is needed meanwhile
            if record.spec.rootfs:
                root, written = view.show_directory(user_directory.check(record.spec.image), scratch), True
            else:
                root, written = view.show(container, lowers, scratch, userns, driver=record.driver)
            with _scene(root, bounds, record, makes=False, mapped=written) as inside:
                return act(inside)

        return apart(there)


def _bind_directory(path: str, scratch: str) -> str:
    target = f"{scratch}/merged"
    make_private(target)
    mounts.bind(path, target)
    return target


def _populate(engine: Engine, record: ContainerRecord, mount: Callable[[], str]) -> None:
    """Copy up first, as a start does: a volume that has been written to is never filled from the image."""
    with engine.database.reading() as connection:
        known = [volumes.get(connection, name) for name in record.volumes.values()]
    if any(volume is not None and populate.may_fill(engine, volume) for volume in known):
        fd = apart(lambda: os.open(mount(), _DIRECTORY))
        try:
            populate.populate(engine, record, f"/proc/self/fd/{fd}")
        finally:
            os.close(fd)


@contextmanager
def _bounds(engine: Engine, record: ContainerRecord, *, locked: bool) -> Iterator[list[_Bound]]:
    """Yield the container's mounts, shallow destinations first; with ``locked``, lock its volumes."""
    with ExitStack() as stack:
        declared = {path: Mount(VOLUME, "", path) for path in record.volumes}
        opened: dict[str, Optional[str]] = {}
        for name in sorted({*record.volumes.values()}):
            if locked:
                stack.enter_context(engine.lock_volume(name, f"copy into {record.name}"))
            opened[name] = _open_volume(engine, stack, name)
        found = [_Bound(path) for path in _ONLY_RUNNING]
        for path, mount in {**declared, **record.mounts}.items():
            found.append(_bound(mount, opened.get(record.volumes.get(path, ""))))
        yield sorted(found, key=lambda bound: bound.destination.count("/"))


def _open_volume(engine: Engine, stack: ExitStack, name: str) -> Optional[str]:
    with engine.database.reading() as connection:
        volume = volumes.get(connection, name)
    return stack.enter_context(volume_open.opened(engine, volume)) if volume is not None else None


def _bound(mount: Mount, volume: Optional[str]) -> _Bound:
    source = volume if mount.kind == VOLUME else mount.source if mount.kind == BIND else None
    names = {word.partition("=")[0]: word.partition("=")[2] for word in mount.options}
    if source is None or names.keys() & {*_PREPARED} or not os.path.exists(source):
        return _Bound(mount.destination)
    return _Bound(mount.destination, source, mount.read_only, names.get("subpath", ""))


@contextmanager
def _scene(
    root: str, bounds: list[_Bound], record: ContainerRecord, *, makes: bool, mapped: bool = True
) -> Iterator[Inside]:
    """Mount the container's mounts below a root, in a private mount namespace, and yield its files.

    ``makes``: create missing mount points, as the runtime does. ``mapped``: the owners are those of its user namespace.
    """
    with ExitStack() as stack:
        fd = stack.enter_context(directory(root))
        transient, unmade = set(), {}
        for bound in bounds:
            owner = record.mapping.root if record.mapping else (0, 0)
            if makes:
                _make_target(fd, bound, owner)
            try:
                target = open_in_root(fd, bound.destination, os.O_PATH)
            except OSError:  # it does not exist, or is a dangling symlink
                unmade[bound.destination] = _source(stack, bound)
                continue
            stack.callback(os.close, target)
            mounted = _mount(fd, target, bound)
            if bound.source is None:
                transient.add(mounted)
        yield Inside(
            fd,
            record.mapping if mapped else None,
            frozenset(transient),
            unmade,
            {mount_id(fd): record.spec.read_only},
        )


def _make_target(root_fd: int, bound: _Bound, owner: tuple[int, int]) -> None:
    uid, gid = owner
    if bound.source is None or os.path.isdir(bound.source):
        os.close(make_directory(root_fd, bound.destination, uid=uid, gid=gid))
        return
    os.close(make_directory(root_fd, os.path.dirname(bound.destination), uid=uid, gid=gid))
    os.close(open_in_root(root_fd, bound.destination, os.O_WRONLY | os.O_CREAT, 0o644))


def _mount(root_fd: int, target: int, bound: _Bound) -> int:
    """Mount it, or an empty file system if it has no source, and return the mount's id."""
    place = f"/proc/self/fd/{target}"
    if bound.source is None:
        mounts.tmpfs(place, size=4096, mode=0o755, options=("ro",))
    else:
        with _opened(bound) as source:
            mounts.bind(f"/proc/self/fd/{source}", place, recursive=True)
    fd = open_in_root(root_fd, bound.destination, os.O_PATH)
    try:
        if bound.read_only:
            mounts.restrict(f"/proc/self/fd/{fd}", libc.MS_RDONLY)
        return mount_id(fd)
    finally:
        os.close(fd)


def _source(stack: ExitStack, bound: _Bound) -> int:
    return stack.enter_context(_opened(bound)) if bound.source is not None else NOWHERE


@contextmanager
def _opened(bound: _Bound) -> Iterator[int]:
    fd = os.open(bound.source or "/", os.O_PATH | os.O_CLOEXEC)
    try:
        if bound.subpath:
            below = open_in_root(fd, bound.subpath, os.O_PATH)
            os.close(fd)
            fd = below
        yield fd
    finally:
        os.close(fd)
