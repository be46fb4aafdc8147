# SPDX-License-Identifier: GPL-3.0-or-later
"""Check that the engine can make the prepared mounts (prepared_mounts.py), before anything is changed."""

from __future__ import annotations

import errno
import os
import pwd
from contextlib import suppress

from ...errors import EngineError, HostLacks, InUse, InvalidOption, Missing, NotFound
from ...kernel import mounts, usernamespace
from ...kernel.files import directory, held
from ...kernel.inroot import open_in_root
from ...model.container import status
from ...model.container.spec import ContainerSpec
from ...model.mounts.mount import BIND, IMAGE, VOLUME, Mount
from ...model.values.idmap import IdMap
from ...plan import prepared_mounts as plan
from ...rootfs import support, view
from ...state import containers
from ..core.engine import Engine
from ..core.source import Source, lowers_of
from .volume import get_volume

#: The kernel's errors: no such system call, not for this file system, not for a mount that is mapped already.
NO_IDMAP = (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM)
#: Paths whose owner must never be changed, though they are easily written by mistake (containers/common, pkg/chown).
_DANGEROUS = frozenset(
    "/ /bin /boot /dev /etc /etc/passwd /etc/pki /etc/shadow /home /lib /lib64 /media /opt /proc /root /run /sbin /srv /sys "
    "/tmp /usr /var /var/lib /var/log".split()
)


def check(engine: Engine, spec: ContainerSpec, source: Source, mapping: IdMap | None) -> None:
    """Check the prepared mounts; ``mapping`` is the container's future id mapping.

    Raises InvalidOption, Missing, NotFound, InUse, HostLacks.
    """
    for mount in plan.prepared((spec.mounts or {}).values()):
        with engine.tolerating():
            _check(engine, spec, source, mapping, mount)


def _check(engine: Engine, spec: ContainerSpec, source: Source, mapping: IdMap | None, mount: Mount) -> None:
    if mount.kind == IMAGE:
        _check_image(engine, mount, source, mapping)
    if mount.value("U") is not None and mount.kind == BIND:
        refuse_dangerous(engine, mount, os.path.realpath(mount.source))
    if mount.value("O") is not None:
        _check_overlay(engine, mount)
        _refuse_shared(engine, spec, mount)
    if mount.kind == VOLUME and mount.value("subpath") is not None:
        _check_part_of_volume(engine, mount)
    shift = plan.shift(mount, mapping)
    if shift is not None:
        _check_idmap(engine, mount, shift)


def _check_image(engine: Engine, mount: Mount, source: Source, mapping: IdMap | None) -> None:
    image, subpath = source.mounted.get(mount.destination), mount.value("subpath")
    support.probe(engine.layout.containers)
    if image is None:
        raise NotFound("image", mount.source)
    lowers = lowers_of(image, engine.layout)[::-1]
    if mapping is not None and lowers:
        _try_idmap(mount, lowers[-1], mapping, recursive=False)
    if subpath is not None:
        with held(view.open_image(lowers, engine.layout.staging)) as fd:
            _check_part(mount, subpath, fd)


def _check_part_of_volume(engine: Engine, mount: Mount) -> None:
    """Check for the subpath in a volume that has content.

    The content of a new volume is unknown before its copy-up, and a volume with options may not be mounted.
    """
    volume = get_volume(engine, mount.source) if mount.source else None
    data = engine.layout.volume_data(mount.source)
    if volume is None or volume.spec.options or not os.path.isdir(data):
        return
    if volume.needs_copy_up and not os.listdir(data):
        return
    with directory(data) as fd:
        _check_part(mount, mount.value("subpath") or "", fd)


def _check_part(mount: Mount, subpath: str, fd: int) -> None:
    try:
        os.close(open_in_root(fd, subpath, os.O_PATH))
    except OSError as error:
        raise no_subpath(mount, subpath, error) from error


def no_subpath(mount: Mount, subpath: str, error: OSError) -> InvalidOption:
    """Return the error for a subpath that does not exist."""
    return Missing(
        "mount",
        f"{mount.destination}: subpath={subpath}",
        f"does not exist in {mount.kind} {mount.source or '(anonymous)'}: {error.strerror}",
        remedy="Create it first, or omit subpath",
    )


def refuse_dangerous(engine: Engine, mount: Mount, path: str) -> None:
    """Refuse to change the owner of a resolved path of the system or the engine. Raises InvalidOption."""
    ours = (os.path.realpath(top) for top in (engine.layout.root, engine.layout.run_root))
    if path in _DANGEROUS | _homes() or any(_holds(path, top) or _holds(top, path) for top in ours):
        raise InvalidOption(
            "volume",
            f"{mount.source}:{mount.destination}:U",
            f"would change the owner of {path} and everything below it to the container's user",
            remedy="Mount a dedicated directory, or set the owner by other means and omit U",
        )


def _homes() -> set[str]:
    """Return the home directories of the user that runs this, and of sudo's caller (as podman does)."""
    homes = {os.environ.get("HOME", "")}
    with suppress(KeyError):
        homes.add(pwd.getpwnam(os.environ.get("SUDO_USER", "")).pw_dir)
    return {os.path.realpath(home) for home in homes if home}


def _holds(path: str, other: str) -> bool:
    return f"{other}/".startswith(f"{path.rstrip('/')}/")


def _check_overlay(engine: Engine, mount: Mount) -> None:
    if mount.kind == BIND and os.path.exists(mount.source) and not os.path.isdir(mount.source):
        raise InvalidOption(
            "volume", f"{mount.source}:{mount.destination}:O", "is not a directory, which an overlay requires"
        )
    upper, work = mount.value("upperdir"), mount.value("workdir")
    if upper is None or work is None:
        support.probe(engine.layout.containers)
        return
    for name, path in (("upperdir", upper), ("workdir", work)):
        if not os.path.isdir(path):
            raise (InvalidOption if os.path.lexists(path) else Missing)(
                "volume",
                f"{name}={path}",
                "is not a directory on the host",
                remedy="Create it first, for example with ansible.builtin.file",
            )
    if os.stat(upper).st_dev != os.stat(work).st_dev:
        raise InvalidOption(
            "volume",
            f"workdir={work}",
            "is not on the file system of upperdir",
            remedy="Create it in the parent directory of upperdir",
        )
    support.probe(upper)


def _refuse_shared(engine: Engine, spec: ContainerSpec, mount: Mount) -> None:
    """Refuse upper and work directories that another overlay uses: the kernel would let both corrupt them."""
    own = _written(mount)
    if not own:
        return
    with engine.database.reading() as connection:
        others = [one for one in containers.all(connection) if one.status in status.ALIVE]
    taken = [(one.name, other) for one in others if one.name != spec.name for other in one.mounts.values()]
    taken += [(spec.name, other) for other in (spec.mounts or {}).values() if other != mount]
    for name, other in taken:
        for path in own & _written(other):
            raise InUse(
                f"{path}, a directory of the overlay at {mount.destination}, is used by {name} at {other.destination}",
                remedy="Use separate directories for each overlay",
                users=[name],
            )


def _written(mount: Mount) -> set[str]:
    paths = (mount.value("upperdir"), mount.value("workdir"))
    return {os.path.realpath(path) for path in paths if path}


def _check_idmap(engine: Engine, mount: Mount, shift: IdMap) -> None:
    """Try the idmapped mount on the source, or for a new volume on the engine's root.

    A source that does not exist yet is tried at the start only.
    """
    recursive = "bind" not in mount.options
    if mount.kind == BIND and os.path.exists(mount.source):
        _try_idmap(mount, mount.source, shift, recursive=recursive)
    elif mount.kind == VOLUME:
        data = engine.layout.volume_data(mount.source)
        known = mount.source and os.path.isdir(data)
        _try_idmap(mount, data if known else engine.layout.root, shift, recursive=bool(known) and recursive)


def _try_idmap(mount: Mount, path: str, shift: IdMap, *, recursive: bool) -> None:
    try:
        with usernamespace.opened(shift.uids, shift.gids) as userns:
            mounts.try_idmapped(path, userns, recursive=recursive)
    except OSError as error:
        if error.errno not in NO_IDMAP:
            raise
        raise no_idmap(mount, recursive=recursive) from error


def no_idmap(mount: Mount, *, recursive: bool) -> EngineError:
    """Return the error for a mount that the kernel cannot idmap."""
    below = ", or of a mount below it," if recursive else ""
    return HostLacks(
        f"{mount.destination}: the kernel ({os.uname().release}) or the file system of the source{below} has no idmapped mounts",
        remedy="Omit idmap, and change the files' owners to the container's ids on the host",
        feature="idmapped mounts",
    )
