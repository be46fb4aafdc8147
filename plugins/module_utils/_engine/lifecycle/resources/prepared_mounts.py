# SPDX-License-Identifier: GPL-3.0-or-later
"""Make mounts that the OCI runtime cannot: subpaths, overlays, images, idmapped; change owners (``U``).

Seed: mountNamedVolume, and the mounts that libpod's generateSpec makes itself.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from ...errors import InvalidOption, NotFound
from ...kernel import usernamespace
from ...kernel.files import held
from ...kernel.inroot import open_in_root
from ...model.engine.record import ContainerRecord
from ...model.mounts.mount import IMAGE, VOLUME, Mount
from ...model.values.idmap import IdMap
from ...plan import prepared_mounts as plan
from ...rootfs import prepared_mounts as kernel
from ...trees import owner
from ..core.engine import Engine
from ..core.source import Source, lowers_of
from .accounts import user_of
from .prepared_mount_checks import NO_IDMAP, no_idmap, no_subpath, refuse_dangerous
from .volume import get_volume
from .volume_open import opened

#: Errors for a path in a volume or image that does not exist, or cannot be followed.
_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
_SHARES = ("shared", "rshared", "slave", "rslave")


class Prepared(NamedTuple):
    """The mounts made: ``paths`` to bind, by destination; ``given``: see ContainerRecord."""

    paths: dict[str, str]
    given: dict[str, str]


def prepare(engine: Engine, record: ContainerRecord, source: Source, rootfs: str) -> Prepared:
    """Make all prepared mounts; the container's lock is held, and nothing is left of an earlier run.

    Raises InvalidOption, HostLacks, NotFound, StoreFull, OSError; ``release`` removes what was made until then.
    """
    made = Prepared({}, {})
    user = user_of(record.spec, source, rootfs)
    mounts = plan.prepared(record.mounts.values())
    for number, mount in enumerate(mounts):
        one = _One(engine, record, source, mount, number)
        made.paths[mount.destination] = one.make(made.given, (user.uid, user.gid))
    return made


class _One:
    """One mount in preparation."""

    def __init__(
        self, engine: Engine, record: ContainerRecord, source: Source, mount: Mount, number: int
    ) -> None:
        self.engine = engine
        self.record = record
        self.source = source
        self.mount = mount
        self.number = number
        self.container = engine.layout.container(record.id)
        self.shift = plan.shift(mount, record.mapping)
        self.recursive = "bind" not in mount.options
        self.shares = any(word in _SHARES for word in mount.options)

    def make(self, given: dict[str, str], user: tuple[int, int]) -> str:
        with self.origin() as whole, self.part(whole) as tree:
            if self.mount.value("U") is not None:
                given[self.mount.destination] = self.give(
                    tree, plan.owner(user, self.record.mapping, self.shift)
                )
            target = kernel.place(self.container, self.number, tree)
            self.show(tree, target)
        return target

    # -- the source ----------------------------------------------------------------------------

    @contextmanager
    def origin(self) -> Iterator[int]:
        """Yield a descriptor of the whole source."""
        with ExitStack() as stack:
            path = stack.enter_context(self.path())
            yield stack.enter_context(held(os.open(path, os.O_PATH | os.O_CLOEXEC)))

    @contextmanager
    def path(self) -> Iterator[str]:
        if self.mount.kind == IMAGE:
            with self.image() as path:
                yield path
        elif self.mount.kind == VOLUME:
            with self.volume() as path:
                yield path
        else:
            yield self.mount.source

    @contextmanager
    def image(self) -> Iterator[str]:
        image = self.source.mounted.get(self.mount.destination)
        if image is None:
            raise NotFound("image", self.mount.source)
        lowers = lowers_of(image, self.engine.layout)[::-1]
        with ExitStack() as stack:
            ids = self.record.mapping
            userns = stack.enter_context(usernamespace.opened(ids.uids, ids.gids)) if ids else None
            yield stack.enter_context(kernel.image(self.container, self.number, lowers, userns))

    @contextmanager
    def volume(self) -> Iterator[str]:
        name = self.record.volumes[self.mount.destination]
        with self.engine.lock_volume(name, f"mount for {self.record.name}"):
            volume = get_volume(self.engine, name)
            if volume is None:
                raise NotFound("volume", name)
            with opened(self.engine, volume) as path:
                yield path

    @contextmanager
    def part(self, whole: int) -> Iterator[int]:
        """Yield a descriptor of the subpath; symlinks are resolved in the source and cannot escape it."""
        subpath = self.mount.value("subpath")
        if subpath is None:
            yield whole
            return
        try:
            fd = open_in_root(whole, subpath, os.O_PATH)
        except OSError as error:
            if error.errno not in _NOT_THERE:
                raise
            raise no_subpath(self.mount, subpath, error) from error
        with held(fd):
            yield fd

    # -- the owner -----------------------------------------------------------------------------

    def give(self, tree: int, wanted: tuple[int, int]) -> str:
        """Change the tree's owner to the container's user, and return a mark of that.

        It is not repeated for a container while the top of the tree is the same directory with that owner.
        """
        seen = os.fstat(tree)
        mark = f"{wanted[0]}:{wanted[1]} {seen.st_dev}:{seen.st_ino}"
        known = self.record.given.get(self.mount.destination)
        if known != mark or (seen.st_uid, seen.st_gid) != wanted:
            if self.mount.kind != VOLUME:
                refuse_dangerous(self.engine, self.mount, os.readlink(kernel.named(tree)))
            self.walk(tree, wanted)
        return mark

    def walk(self, tree: int, wanted: tuple[int, int]) -> None:
        try:
            owner.give(tree, *wanted)
        except OSError as error:
            raise InvalidOption(
                "volume",
                f"{self.mount.destination}: U",
                f"cannot change the owner of {self.mount.source} to {wanted[0]}:{wanted[1]}: {error}",
                remedy="Omit U, and set the owner by other means",
            ) from error

    # -- the mount -----------------------------------------------------------------------------

    def show(self, tree: int, target: str) -> None:
        upper, work = self.mount.value("upperdir"), self.mount.value("workdir")
        if self.mount.value("O") is not None:
            own = (upper, work) if upper and work else None
            kernel.overlay_on(self.container, self.number, tree, target, own)
        elif self.shift is not None:
            self.show_shifted(tree, target, self.shift)
        else:
            kernel.bind(tree, target, recursive=self.recursive, shares=self.shares)

    def show_shifted(self, tree: int, target: str, shift: IdMap) -> None:
        try:
            with usernamespace.opened(shift.uids, shift.gids) as userns:
                kernel.idmapped(tree, target, userns, recursive=self.recursive, shares=self.shares)
        except OSError as error:
            if error.errno not in NO_IDMAP:
                raise
            raise no_idmap(self.mount, recursive=self.recursive) from error
