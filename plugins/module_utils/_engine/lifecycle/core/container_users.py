# SPDX-License-Identifier: GPL-3.0-or-later
"""The user of a command in a running container, by the account files that the container sees now."""

from __future__ import annotations

import os
from typing import NamedTuple

from ...errors import CommandTimeout, InvalidOption, WrongState
from ...kernel import untrusted_files
from ...kernel.files import directory, held
from ...kernel.inroot import open_in_root, open_on_root
from ...runtime.config.users import resolve

TYPE_CHECKING = False
if TYPE_CHECKING:  # `slipway connect` runs at each command of a play
    from collections.abc import Sequence

    from ...runtime.config.users import ResolvedUser

#: Bytes; larger files are not read as passwd or group.
_LIMIT = 4 * 1024 * 1024
_FILES = ("/etc/passwd", "/etc/group")


def resolved(
    pid: int, name: str, group_add: Sequence[str], *, seconds: float = untrusted_files.PATIENCE
) -> ResolvedUser:
    """Return the user of this name or number; ``pid`` is a process of the container.

    Raises InvalidOption if the user does not exist, CommandTimeout if reading the container's files takes longer than
    ``seconds``.
    """
    passwd, group = accounts(f"/proc/{pid}/root", seconds=seconds)
    try:
        return resolve(name, group_add, passwd=passwd.text, group=group.text)
    except InvalidOption as error:
        refused = passwd.refused or group.refused
        if not refused:
            raise
        why = f"can't be looked up: {refused}"
        raise InvalidOption("user", name, why, remedy="Use a numeric id") from error


def refuse_waiting(pid: int, *, seconds: float = untrusted_files.PATIENCE) -> None:
    """Raise WrongState for account files that block a reader: runc reads them before it starts a command."""
    root = f"/proc/{pid}/root"
    try:
        found = _blocking_at_once(root)
        if found is None:
            found = untrusted_files.in_time(lambda: _blocking(root), seconds)
    except TimeoutError as error:
        raise _timed_out(error) from error
    if found:
        raise WrongState(
            f"no command can be run: reading the container's {found[0]} would block the OCI runtime",
            remedy="Replace it by a regular file, or recreate the container",
        )


def _blocking_at_once(root: str) -> list[str] | None:
    """Return the files that block a reader; None if finding out needs a child process.

    It needs none for files on the layers, with no other mount on their path.
    """
    try:
        with directory(root) as top:
            return _blocking(root, at_once=True) if untrusted_files.is_of_layers(top) else None
    except OSError:  # a mount on the path, or a kernel that can't report it
        return None


def _blocking(root: str, *, at_once: bool = False) -> list[str]:
    with directory(root) as top:
        return [path for path in _FILES if _blocks_reader(top, path, at_once=at_once)]


def _blocks_reader(top: int, path: str, *, at_once: bool) -> bool:
    try:
        fd = (open_on_root if at_once else open_in_root)(top, path, os.O_PATH)
    except OSError as error:
        if at_once and not isinstance(error, FileNotFoundError):
            raise
        return False  # the file does not exist
    with held(fd):
        return not untrusted_files.keeps_nobody_waiting(fd)


def _timed_out(error: TimeoutError) -> CommandTimeout:
    return CommandTimeout(
        f"the container's {' or '.join(_FILES)} {error.strerror}",
        remedy="Check which file system the container has mounted there",
    )


class AccountFile(NamedTuple):
    """The text of an account file; empty if it does not exist, or was ``refused`` for the given reason."""

    text: str
    refused: str = ""


def accounts(
    root: str, *, seconds: float = untrusted_files.PATIENCE, keep: tuple[int, ...] = ()
) -> list[AccountFile]:
    """Return passwd and group of the container whose files are below ``root``. Raises CommandTimeout.

    ``keep`` are descriptors that the path ``root`` refers to.
    """
    try:
        found = untrusted_files.in_time(lambda: [_read(root, path) for path in _FILES], seconds, keep=keep)
    except TimeoutError as error:
        raise _timed_out(error) from error
    return [AccountFile(content.decode("utf-8", "replace"), refused) for content, refused in found]


def _read(root: str, path: str) -> tuple[bytes, str]:
    try:
        return untrusted_files.read_file(root, path, limit=_LIMIT) or b"", ""
    except OSError as error:  # a device, a directory or /proc/kmsg: in any case not an account file
        return b"", f"the container's {path} {error.strerror}"
