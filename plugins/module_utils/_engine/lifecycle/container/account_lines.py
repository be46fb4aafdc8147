# SPDX-License-Identifier: GPL-3.0-or-later
"""Give a user who is only a number lines in the container's passwd and group: whoami, ssh, git and Java fail without.

Seed: generatePasswdAndGroup. The lines go into the container's own layer, and are found there by the next start; a read-only
container gets files with them bound over. A directory that is the root file system is somebody else's, and nothing is added.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple, Optional

from ...errors import InvalidOption
from ...kernel import untrusted_files
from ...kernel.files import directory
from ...kernel.inroot import landing, open_in_root
from ...model.engine.record import ContainerRecord
from ...model.values.accounts import is_number
from ...runtime.config.users import ResolvedUser, home_of, missing_entries

PASSWD, GROUP = "/etc/passwd", "/etc/group"
#: What a read-only container gets of both has room beside its other files (rootfs/engine_files.py); larger ones are left alone.
_LIMIT = 512 * 1024
_MODE = 0o644


class Accounts(NamedTuple):
    """``files`` are to be bound, content by path; ``home`` is the user's, None where nothing says one."""

    files: Mapping[str, bytes]
    home: Optional[str]


def settle(record: ContainerRecord, user: str, resolved: ResolvedUser, workdir: str, rootfs: str) -> Accounts:
    """Add what is missing of the user's lines; ``user`` as he is written, ``rootfs`` is mounted."""
    if record.spec.rootfs or not any(map(is_number, user.split(":"))):
        return Accounts({}, None)
    texts = {path: _text(rootfs, path) for path in (PASSWD, GROUP)}
    try:
        lines = missing_entries(user, workdir, passwd=texts[PASSWD] or "", group=texts[GROUP] or "")
    except InvalidOption:  # the container has taken the group's name away, which only the image has to have
        return Accounts({}, None)
    covered = {landing(rootfs, path) for path in record.mounts}
    wanted = {
        path: line
        for path, line in zip((PASSWD, GROUP), lines)
        if line and texts[path] is not None and not {path, "/etc"} & covered
    }
    whole = {path: _joined(texts[path] or "", line) for path, line in wanted.items()}
    home = home_of(resolved.uid, passwd=whole.get(PASSWD, texts[PASSWD] or ""))
    if record.spec.read_only:
        return Accounts({path: os.fsencode(text) for path, text in whole.items()}, home)
    for path, text in whole.items():
        _append(record, rootfs, path, text[len(texts[path] or "") :])
    return Accounts({}, home)


def _joined(text: str, line: str) -> str:
    """Return the text with the line; one whose last line has no end gets it first, else both would be no entry."""
    return text + ("" if text.endswith("\n") or not text else "\n") + line


def _text(rootfs: str, path: str) -> Optional[str]:
    """Return what is there, "" where nothing is; None for what is no account file."""
    try:
        return os.fsdecode(untrusted_files.read_file(rootfs, path, limit=_LIMIT) or b"")
    except OSError:
        return None


def _append(record: ContainerRecord, rootfs: str, path: str, text: str) -> None:
    with directory(rootfs) as root_fd, suppress(FileNotFoundError):  # no /etc
        fd = _opened(record, root_fd, path)
        with open(fd, "ab") as stream:
            stream.write(os.fsencode(text))


def _opened(record: ContainerRecord, root_fd: int, path: str) -> int:
    """Open the file for appending; one that is not there is made, and is everybody's to read."""
    try:
        looked_at = open_in_root(root_fd, path, os.O_PATH)
    except FileNotFoundError:
        return _made(record, root_fd, path)
    try:
        return untrusted_files.reopen(looked_at, path, os.O_WRONLY | os.O_APPEND)
    finally:
        os.close(looked_at)


def _made(record: ContainerRecord, root_fd: int, path: str) -> int:
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        fd = open_in_root(root_fd, path, flags, _MODE)
    except OSError as error:
        if error.errno == errno.EEXIST:  # a symlink that leads nowhere
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path) from error
        raise
    os.fchmod(fd, _MODE)
    if record.mapping is not None:
        os.fchown(fd, *record.mapping.root)
    return fd
