# SPDX-License-Identifier: GPL-3.0-or-later
"""Mount a volume's own file system on its ``data`` with mount(8), as libpod does, and unmount it.

mount(8) supports loop devices, labels and the helpers of file systems (mount.nfs). It runs with a timeout. mountinfo
says what is mounted.
"""

from __future__ import annotations

import errno
import os
import stat

from ..errors import CommandFailed, CommandTimeout, EngineError
from ..kernel import command, mountinfo, mounts
from ..kernel.files import directory
from ..model.volume.options import DriverOptions

#: The timeout in seconds of umount(8) for a network file system; the mount is detached at once, even if the server is lost.
_UMOUNT_TIMEOUT = 10.0


class MountFailed(EngineError):
    """A volume's own file system could not be mounted; ``stderr`` has the output of mount(8)."""

    code = "mount_failed"


def is_mounted(data: str) -> bool:
    """Return whether something is mounted on ``data``, without accessing the mounted file system."""
    return mountinfo.at(_real(data)) is not None


def mount(options: DriverOptions, data: str, *, name: str) -> None:
    """Mount the options' file system on ``data``.

    Raises MountFailed, or HostLacks without the program mount; then nothing is left mounted.
    """
    target = _real(data)
    words = ",".join(options.mount_words)
    argv = [
        "mount",
        "-n",
        "-t",
        _type(options),
        *(["-o", words] if words else []),
        "--",
        options.device,
        target,
    ]
    try:
        command.run(argv, timeout=options.timeout)
        _set_requested_owner(options, target)
    except (CommandFailed, CommandTimeout, OSError) as error:
        # A mount(8) that was killed may have mounted nevertheless.
        unmount(options, data)
        raise _failed(error, options, name) from error


def _type(options: DriverOptions) -> str:
    # "bind" is not a file system type, and libmount would look for one of that name.
    return "none" if options.type == "bind" else options.type


def _real(data: str) -> str:
    """Return the path as in mountinfo; only the parent is resolved, because a lost server never answers."""
    parent, name = os.path.split(data)
    return os.path.join(os.path.realpath(parent), name)


def _failed(error: Exception, options: DriverOptions, name: str) -> MountFailed:
    said = error.fields.get("stderr", "") if isinstance(error, EngineError) else str(error)
    slow = isinstance(error, CommandTimeout)
    why = (
        f"{options.device} did not answer within {options.timeout} s" if slow else _sentence(str(said), error)
    )
    return MountFailed(
        f"volume {name} could not be mounted: {why}",
        remedy="Check that its server can be reached, or set a longer timeout with o=timeout=SECONDS"
        if slow
        else "Correct the volume's options type, device and o",
        name=name,
        device=options.device,
        stderr=said,
    )


def _sentence(said: str, error: Exception) -> str:
    """Return the first line of mount(8)'s message, without its hint at the kernel's log."""
    lines = [line.strip() for line in said.splitlines()]
    return next((line.removeprefix("mount: ").rstrip(".") for line in lines if line), str(error).rstrip("."))


def _set_requested_owner(options: DriverOptions, target: str) -> None:
    """Set the mounted root's owner and mode if the volume's options have any."""
    if any(value is not None for value in (options.uid, options.gid, options.mode)):
        give(target, options)


def give(path: str, options: DriverOptions) -> None:
    """Set a volume root's owner and mode, as far as the options have them."""
    with directory(path) as fd:
        have = os.fstat(fd)
        uid = have.st_uid if options.uid is None else options.uid
        gid = have.st_gid if options.gid is None else options.gid
        # A file server with root squashing refuses even a chown that changes nothing.
        if (uid, gid) != (have.st_uid, have.st_gid):
            os.chown(fd, uid, gid)
        if options.mode is not None and options.mode != stat.S_IMODE(have.st_mode):
            os.chmod(fd, options.mode)


def unmount(options: DriverOptions, data: str) -> None:
    """Unmount the volume's file system, if mounted; a lost server delays that only for a short time."""
    target = _real(data)
    if not options.is_network:
        mounts.unmount(target)
        return
    while mountinfo.at(target) is not None:
        before = len(mountinfo.below(target))
        try:
            # Lazy: the mount is detached at once, even if its last writes never complete.
            command.run(["umount", "-n", "-l", "--", target], timeout=_UMOUNT_TIMEOUT, check=False)
        except CommandTimeout:
            if len(mountinfo.below(target)) >= before:
                raise
        if len(mountinfo.below(target)) >= before:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), target)
