# SPDX-License-Identifier: GPL-3.0-or-later
"""Determine the owners of copied files, by the names and ids of the destination's side."""

from __future__ import annotations

import grp
import pwd
from typing import NamedTuple, Optional

from ...errors import InvalidOption
from ...model.engine.record import ContainerRecord
from ...model.values.accounts import GREATEST_OWNER, asked_number
from ...model.values.idmap import OVERFLOW, IdMap
from ...runtime.config.users import find_gid, find_uid, resolve
from ..core.container_users import accounts
from ..core.engine import Engine
from ..core.origin import source_of


class Owners(NamedTuple):
    """Ids on the destination's file system: those that the task sets (or None), and those of new files."""

    uid: Optional[int] = None
    gid: Optional[int] = None
    new_uid: int = 0
    new_gid: int = 0


def user_of(engine: Engine, record: ContainerRecord) -> str:
    """Return the container's user, as the spec or its image names it."""
    if record.spec.user is not None:
        return record.spec.user
    config = source_of(engine, record).config
    return (config.user if config else None) or ""


def inside(
    root_fd: int, mapping: Optional[IdMap], *, owner: Optional[str], group: Optional[str], user: str
) -> Owners:
    """Resolve names by the container's passwd and group, and map the ids. Raises InvalidOption."""
    passwd, group_file = (file.text for file in accounts(f"/proc/self/fd/{root_fd}", keep=(root_fd,)))
    own = resolve(user or None, (), passwd=passwd, group=group_file)
    uid = None if owner is None else find_uid("owner", owner, passwd=passwd)
    gid = None if group is None else find_gid("group", group, group=group_file)
    if mapping is None:
        return Owners(uid, gid, own.uid, own.gid)
    new_uid, new_gid = mapping.host(own.uid, own.gid)
    return Owners(
        _mapped("owner", owner, uid, mapping.host(uid or 0, 0)[0]),
        _mapped("group", group, gid, mapping.host(0, gid or 0)[1]),
        new_uid,
        new_gid,
    )


def on_host(owner: Optional[str], group: Optional[str]) -> Owners:
    """Resolve names by the host's accounts; new files belong to root. Raises InvalidOption."""
    return Owners(_host_uid(owner), _host_gid(group))


def _mapped(option: str, word: Optional[str], number: Optional[int], host: int) -> Optional[int]:
    if number is None:
        return None
    if host == OVERFLOW:
        raise InvalidOption(
            option, word, "is not mapped in the container's user namespace", remedy="Choose a mapped id"
        )
    return host


def _host_uid(word: Optional[str]) -> Optional[int]:
    asked = None if word is None else asked_number("owner", word, word, greatest=GREATEST_OWNER)
    if word is None or asked is not None:
        return asked
    try:
        return pwd.getpwnam(word).pw_uid
    except KeyError:
        raise InvalidOption("owner", word, "is not a user of the host") from None


def _host_gid(word: Optional[str]) -> Optional[int]:
    asked = None if word is None else asked_number("group", word, word, greatest=GREATEST_OWNER)
    if word is None or asked is not None:
        return asked
    try:
        return grp.getgrnam(word).gr_gid
    except KeyError:
        raise InvalidOption("group", word, "is not a group of the host") from None
