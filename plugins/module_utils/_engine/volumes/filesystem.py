# SPDX-License-Identifier: GPL-3.0-or-later
"""Mount a volume's own file system on its ``data``, by mount(8) as libpod does, and unmount it; what is mounted tells mountinfo.

mount(8) knows loop devices, labels and the helpers of file systems (mount.nfs). It is given a deadline.
"""

from __future__ import annotations

import errno
import os
import stat

from ..errors import CommandFailed, CommandTimeout, EngineError
from ..kernel import command, mountinfo, mounts
from ..kernel.files import directory
from ..model.volume.options import DriverOptions

#: Seconds that umount(8) may take where a server may be gone; the mount is out of sight at once, whatever it waits for.
_UMOUNT_TIMEOUT = 10.0


class MountFailed(EngineError):
    """A volume's own file system could not be mounted; ``stderr`` holds what mount(8) said."""

    code = "mount_failed"


def is_mounted(data: str) -> bool:
    """Tell whether something is mounted on ``data``, without asking what is mounted there."""
    return mountinfo.at(_real(data)) is not None


def mount(options: DriverOptions, data: str, *, name: str) -> None:
    """Mount what the options name on ``data``.

    Raises MountFailed, and HostLacks where there is no mount program, and leaves nothing mounted then.
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
        _give(options, target)
    except (CommandFailed, CommandTimeout, OSError) as error:
        # One that was killed may have come to its end all the same.
        unmount(options, data)
        raise _failed(error, options, name) from error


def _type(options: DriverOptions) -> str:
    # "bind" is no file system, and libmount looks in vain for one of this name.
    return "none" if options.type == "bind" else options.type


def _real(data: str) -> str:
    """Return the path as mountinfo has it; only what lies above ``data`` is looked at, for a dead server never answers."""
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
        remedy="See that its server can be reached, or let it take longer with o=timeout=SECONDS"
        if slow
        else "Correct the volume's options type, device and o",
        name=name,
        device=options.device,
        stderr=said,
    )


def _sentence(said: str, error: Exception) -> str:
    """Return what mount(8) said, without its hint at the kernel's log."""
    lines = [line.strip() for line in said.splitlines()]
    return next((line.removeprefix("mount: ").rstrip(".") for line in lines if line), str(error).rstrip("."))


def _give(options: DriverOptions, target: str) -> None:
    """Give the root of what is mounted the owner and mode that the volume asks for, where the mount did not."""
    if any(value is not None for value in (options.uid, options.gid, options.mode)):
        give(target, options)


def give(path: str, options: DriverOptions) -> None:
    """Give a volume's root the owner and mode of the options, as far as they say something."""
    with directory(path) as fd:
        have = os.fstat(fd)
        uid = have.st_uid if options.uid is None else options.uid
        gid = have.st_gid if options.gid is None else options.gid
        # A file server that squashes root refuses even what changes nothing.
        if (uid, gid) != (have.st_uid, have.st_gid):
            os.chown(fd, uid, gid)
        if options.mode is not None and options.mode != stat.S_IMODE(have.st_mode):
            os.chmod(fd, options.mode)


def unmount(options: DriverOptions, data: str) -> None:
    """Unmount it; not mounted is fine. A server that is gone is not waited for longer than a moment."""
    target = _real(data)
    if not options.is_network:
        mounts.unmount(target)
        return
    while mountinfo.at(target) is not None:
        before = len(mountinfo.below(target))
        try:
            # Lazy: nobody sees the mount from then on, even if its last writes never come to an end.
            command.run(["umount", "-n", "-l", "--", target], timeout=_UMOUNT_TIMEOUT, check=False)
        except CommandTimeout:
            if len(mountinfo.below(target)) >= before:
                raise
        if len(mountinfo.below(target)) >= before:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), target)
