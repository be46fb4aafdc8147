# SPDX-License-Identifier: GPL-3.0-or-later
"""Add passwd and group entries for a numeric user: whoami, ssh, git and Java fail without them.

Seed: generatePasswdAndGroup. The entries are written to the container's own layer, where the next start finds them; in a
read-only container, files with the entries are bind-mounted instead. With ``rootfs`` nothing is added: the directory
belongs to the user.
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
#: In bytes; larger files are left alone. The copies for a read-only container share the space of rootfs/engine_files.py.
_LIMIT = 512 * 1024
_MODE = 0o644


class Accounts(NamedTuple):
    """A numeric user's ``files`` to bind-mount, content by path, and ``home``, None if unknown."""

    files: Mapping[str, bytes]
    home: Optional[str]


def settle(record: ContainerRecord, user: str, resolved: ResolvedUser, workdir: str, rootfs: str) -> Accounts:
    """Add the user's missing entries; ``user`` is the option's text, ``rootfs`` is mounted."""
    if record.spec.rootfs or not any(map(is_number, user.split(":"))):
        return Accounts({}, None)
    texts = {path: _text(rootfs, path) for path in (PASSWD, GROUP)}
    try:
        lines = missing_entries(user, workdir, passwd=texts[PASSWD] or "", group=texts[GROUP] or "")
    except InvalidOption:  # the container removed the group's name; only the image must have it
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
    """Return the text with the line appended, after a newline if the last line lacks one."""
    return text + ("" if text.endswith("\n") or not text else "\n") + line


def _text(rootfs: str, path: str) -> Optional[str]:
    """Return the file's text, "" if it does not exist, None if it is unreadable or not a regular file."""
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
    """Open the file for appending; create a missing one, world-readable."""
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
        if error.errno == errno.EEXIST:  # a dangling symlink
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path) from error
        raise
    os.fchmod(fd, _MODE)
    if record.mapping is not None:
        os.fchown(fd, *record.mapping.root)
    return fd
