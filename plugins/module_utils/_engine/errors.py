# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong, one class per thing a caller can act on.

Every error carries a stable ``code`` (it becomes ``error`` in a module's result), the fields that tell which
thing it was, and, where there is one, the remedy as a sentence. This file imports nothing of the engine.
"""

from __future__ import annotations

import errno
import os

TYPE_CHECKING = False
if TYPE_CHECKING:  # `slipway connect` runs at each command of a play, and typing costs it 7 ms
    from collections.abc import Callable


class Setting:
    """An option in a text for people; ``value`` None: its name alone. As a string it is what a task has: ``force: true``."""

    def __init__(self, name: str, value: object = None) -> None:
        self.name = name
        self.value = value

    def __str__(self) -> str:
        if self.value is None:
            return self.name
        return f"{self.name}: {str(self.value).lower() if isinstance(self.value, bool) else self.value}"


class Words(str):
    """A text made of parts, of which some are options: the command line writes them in its own words."""

    __slots__ = ("parts",)
    parts: tuple[str | Setting, ...]

    def __new__(cls, *parts: str | Setting) -> Words:  # noqa: PYI034  (Self came with Python 3.11)
        text = super().__new__(cls, "".join(map(str, parts)))
        text.parts = parts
        return text


def written(text: str, write: Callable[[Setting], str]) -> str:
    """Return the text with its options as ``write`` has them."""
    if not isinstance(text, Words):
        return text
    return "".join(write(part) if isinstance(part, Setting) else part for part in text.parts)


#: What an earlier task of a play may do about an error. Check mode warns of such an error and goes on (``Engine.tolerating``).
BRINGS_IT, CHANGES_THAT = "brings it", "changes that"


class EngineError(Exception):
    """Base of all errors that the engine raises on purpose.

    ``message`` says what and which, ``remedy`` what to do. ``fields`` are plain JSON values. ``mended_by``: what an
    earlier task may do about it (from above), "" where none can.
    """

    code = "engine_error"
    mended_by = ""

    def __init__(self, message: str, *, remedy: str = "", **fields: object) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.fields = fields

    def __str__(self) -> str:
        return self.told(str)

    def told(self, write: Callable[[Setting], str]) -> str:
        """Return message and remedy, with the options in them as ``write`` has them."""
        told = [written(text, write) for text in (self.message, self.remedy) if text]
        return ". ".join(told)


# -- what the user wrote ---------------------------------------------------------------------------


class InvalidOption(EngineError):
    """An option's value can't be used; ``option`` and ``value`` name it, ``why`` says it without them."""

    code = "invalid_option"

    def __init__(self, option: str, value: object, why: str, *, remedy: str = "") -> None:
        self.why = why
        told = "" if value is None else f"{value!r} "  # None is what the task does not say
        message = Words(Setting(option), f": {told}{why}")
        super().__init__(message, remedy=remedy, option=option, value=value)


class Missing(InvalidOption):
    """What an option names is not there: a file, a device, a profile of the host."""

    mended_by = BRINGS_IT


def unreadable(option: str, value: object, error: OSError, *, remedy: str = "") -> InvalidOption:
    """Return the error for a path that an option names and the system does not open: Missing where there is nothing."""
    kind = Missing if error.errno == errno.ENOENT else InvalidOption
    return kind(option, value, f"can't be read: {error.strerror}", remedy=remedy)


class NotBuiltYet(EngineError):
    """An option that containers.podman has and this engine has not yet."""

    code = "not_built_yet"


class NotFound(EngineError):
    """The thing named does not exist; ``near`` lists names that look like it."""

    code = "not_found"
    mended_by = BRINGS_IT

    def __init__(self, kind: str, name: str, *, near: tuple[str, ...] = (), remedy: str = "") -> None:
        hint = f" (near: {', '.join(near)})" if near else ""
        self.near = near
        super().__init__(
            f"no {kind} named {name!r}{hint}", remedy=remedy, kind=kind, name=name, near=list(near)
        )


class PathTooLong(EngineError):
    """A path is longer than Linux takes at once, or has such a name in it; ``path`` is its beginning, ``length`` its bytes."""

    code = "path_too_long"

    def __init__(self, path: str) -> None:
        shown, length = path[:100], len(path.encode("utf-8", "surrogateescape"))
        super().__init__(
            f"the path {shown}{'...' * (len(path) > len(shown))} of {length} bytes is too long: Linux takes names of 255 bytes,"
            " and paths of 4095",
            remedy="Leave what has such a path out, or name a place with fewer directories above it",
            path=shown,
            length=length,
        )


class NameInUse(EngineError):
    """The name belongs to another thing already."""

    code = "name_in_use"
    mended_by = CHANGES_THAT


class InUse(EngineError):
    """The thing can't be removed: ``users`` lists who needs it."""

    code = "in_use"
    mended_by = CHANGES_THAT


class WrongState(EngineError):
    """The verb does not fit the container's state."""

    code = "wrong_state"
    mended_by = CHANGES_THAT


# -- archives and images ---------------------------------------------------------------------------


class ArchiveBroken(EngineError):
    """The archive is cut short, is no archive, or lacks a part that it names."""

    code = "archive_broken"


class DigestMismatch(EngineError):
    """A blob's content is not what its digest says."""

    code = "digest_mismatch"


class UnsafeEntry(EngineError):
    """An archive entry would be written outside its layer."""

    code = "unsafe_entry"


# -- the host --------------------------------------------------------------------------------------


class NotRoot(EngineError):
    """The verb needs root."""

    code = "not_root"


#: The fields of HostLacks that name what can be installed.
_INSTALLABLE = frozenset({"program", "missing", "needs"})


class HostLacks(EngineError):
    """A program (``program``) or a kernel feature is missing on this host."""

    code = "host_lacks"

    def __init__(self, message: str, *, remedy: str = "", **fields: object) -> None:
        super().__init__(message, remedy=remedy, **fields)
        self.mended_by = BRINGS_IT if _INSTALLABLE & fields.keys() else ""


#: A full disk and a quota that is used up are mended in different ways (write(2), EDQUOT).
_QUOTA = ". It is a quota that is used up, and not the disk: raise it, or remove what counts for it"


class StoreFull(EngineError):
    """No space is left on the file system; nothing half-made stays."""

    code = "store_full"

    def told(self, write: Callable[[Setting], str]) -> str:
        """Return message and remedy, and that it was no disk but a quota, where the system has said so."""
        cause = self.__cause__ or self.__context__
        is_quota = isinstance(cause, OSError) and cause.errno == errno.EDQUOT
        return super().told(write) + _QUOTA * is_quota


class LockTimeout(EngineError):
    """A lock was not free before the deadline; ``holder`` is the pid, ``since`` seconds since the epoch."""

    code = "lock_timeout"


class StateBusy(EngineError):
    """The database was locked by another process for too long."""

    code = "state_busy"


class StateCorrupt(EngineError):
    """The database is damaged: what it holds can't be read, or contradicts itself."""

    code = "state_corrupt"


class StateReadOnly(EngineError):
    """The file system of the database, or the file itself, can't be written."""

    code = "state_read_only"


class StateFailing(EngineError):
    """The disk below the database fails."""

    code = "state_failing"


class StateUnreachable(EngineError):
    """The database can't be opened: its place is no file, or not there."""

    code = "state_unreachable"


class StateDenied(EngineError):
    """The system does not permit to open the database."""

    code = "state_denied"


class StateIncomplete(EngineError):
    """Containers live that the database does not know: it was lost, or is of another time. ``containers`` lists them."""

    code = "state_incomplete"


class OtherRunRoot(EngineError):
    """Containers of this root live with another run root, ``run_root``."""

    code = "other_run_root"


class OtherRoot(EngineError):
    """The run root belongs to another root, ``root``, in this boot."""

    code = "other_root"


class StateTooNew(EngineError):
    """The database was written by a newer engine."""

    code = "state_too_new"


# -- the system ------------------------------------------------------------------------------------

#: Both mean that the user has to make room: on the disk, or in the quota (write(2)).
_FULL = (errno.ENOSPC, errno.EDQUOT)


class SystemFailed(EngineError):
    """A system call failed as no verb expects; ``path`` and ``errno`` (as in EACCES) tell where and how."""

    code = "os_error"


def typed(error: EngineError | OSError) -> EngineError:
    """Return the error itself, or for one of the system what it means to a user."""
    if isinstance(error, EngineError):
        return error
    paths = [_path(path) for path in (error.filename, error.filename2) if path is not None]
    where = " -> ".join(paths) or "the engine's files"
    if error.errno in _FULL:
        full = StoreFull(
            f"{where}: no space is left", remedy="Make room there and run the task again", path=where
        )
        full.__cause__ = error  # which tells a quota from a disk
        return full
    if error.errno == errno.ENAMETOOLONG and paths:
        return PathTooLong(paths[0])
    name = errno.errorcode.get(error.errno or 0)
    return SystemFailed(f"{where}: {error.strerror or error}", path=where, errno=name)


def _path(path: str | bytes | int) -> str:
    return f"descriptor {path}" if isinstance(path, int) else os.fsdecode(path)


# -- programs --------------------------------------------------------------------------------------


class CommandFailed(EngineError):
    """A program ended with an error; ``stderr`` holds the end of what it said."""

    code = "command_failed"


class CommandTimeout(EngineError):
    """A program did not end in time and was killed."""

    code = "command_timeout"


class RuntimeFailed(EngineError):
    """The OCI runtime or conmon refused; their own text is in the message."""

    code = "runtime_failed"


class ContainerFailed(EngineError):
    """The container's command ended with an error, or ended where it should run."""

    code = "container_failed"


# -- registries ------------------------------------------------------------------------------------


class RegistryFailed(EngineError):
    """A registry can't be reached, is not trusted, or answers what makes no sense; ``status`` where it answered."""

    code = "registry_failed"


class RegistryDenied(EngineError):
    """A registry lets this user not do it; ``registry``, ``repository`` and ``username`` name who asked for what."""

    code = "registry_denied"


class ImageUnknown(NotFound):
    """A registry does not have the image."""

    mended_by = ""
