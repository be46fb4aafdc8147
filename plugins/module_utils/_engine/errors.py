# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's errors: one class per condition that a caller can act on.

Every error carries a stable ``code`` (reported as ``error`` in a module's result), fields that identify the
object, and, where there is one, the remedy as a sentence. This module imports nothing from the engine.
"""

from __future__ import annotations

import errno
import os

TYPE_CHECKING = False
if TYPE_CHECKING:  # `slipway connect` runs at each command of a play, and typing costs it 7 ms
    from collections.abc import Callable


class Setting:
    """An option named in a message, with an optional value; ``str`` gives a task's form, ``force: true``."""

    def __init__(self, name: str, value: object = None) -> None:
        self.name = name
        self.value = value

    def __str__(self) -> str:
        if self.value is None:
            return self.name
        return f"{self.name}: {str(self.value).lower() if isinstance(self.value, bool) else self.value}"


class Words(str):
    """A message with options among its parts, so that the command line can show them in its own syntax."""

    __slots__ = ("parts",)
    parts: tuple[str | Setting, ...]

    def __new__(cls, *parts: str | Setting) -> Words:  # noqa: PYI034  (Self came with Python 3.11)
        text = super().__new__(cls, "".join(map(str, parts)))
        text.parts = parts
        return text


def written(text: str, write: Callable[[Setting], str]) -> str:
    """Return the text with each option formatted by ``write``."""
    if not isinstance(text, Words):
        return text
    return "".join(write(part) if isinstance(part, Setting) else part for part in text.parts)


#: How an earlier task of the play might prevent the error. In check mode such an error is only a warning
#: (``Engine.tolerating``).
BRINGS_IT, CHANGES_THAT = "brings it", "changes that"


class EngineError(Exception):
    """The base class of all errors that the engine raises deliberately.

    ``message`` names the object and says what is wrong, ``remedy`` says what to do. ``fields`` are plain JSON
    values. ``mended_by`` is how an earlier task might prevent the error (BRINGS_IT or CHANGES_THAT), or "" if
    none can.
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
        """Return the message and the remedy, with each option formatted by ``write``."""
        told = [written(text, write) for text in (self.message, self.remedy) if text]
        return ". ".join(told)


# -- what the user wrote ---------------------------------------------------------------------------


class InvalidOption(EngineError):
    """An option has an unusable value; ``option`` and ``value`` name it, ``why`` is the reason alone."""

    code = "invalid_option"

    def __init__(self, option: str, value: object, why: str, *, remedy: str = "") -> None:
        self.why = why
        told = "" if value is None else f"{value!r} "  # None: the task does not set the option
        message = Words(Setting(option), f": {told}{why}")
        super().__init__(message, remedy=remedy, option=option, value=value)


class Missing(InvalidOption):
    """An option names something that does not exist on the host: a file, a device, a profile."""

    mended_by = BRINGS_IT


def unreadable(option: str, value: object, error: OSError, *, remedy: str = "") -> InvalidOption:
    """Return the error for an option's path that can't be opened: Missing if it does not exist."""
    kind = Missing if error.errno == errno.ENOENT else InvalidOption
    return kind(option, value, f"can't be read: {error.strerror}", remedy=remedy)


class NotBuiltYet(EngineError):
    """An option of containers.podman that this engine does not implement yet."""

    code = "not_built_yet"


class NotFound(EngineError):
    """The named object does not exist; ``near`` lists similar names."""

    code = "not_found"
    mended_by = BRINGS_IT

    def __init__(self, kind: str, name: str, *, near: tuple[str, ...] = (), remedy: str = "") -> None:
        hint = f" (near: {', '.join(near)})" if near else ""
        self.near = near
        super().__init__(
            f"no {kind} named {name!r}{hint}", remedy=remedy, kind=kind, name=name, near=list(near)
        )


class PathTooLong(EngineError):
    """A path, or a name in it, is too long; ``path`` is its beginning, ``length`` its size in bytes."""

    code = "path_too_long"

    def __init__(self, path: str) -> None:
        shown, length = path[:100], len(path.encode("utf-8", "surrogateescape"))
        super().__init__(
            f"the path {shown}{'...' * (len(path) > len(shown))} of {length} bytes is too long: Linux takes names of 255 bytes,"
            " and paths of 4095",
            remedy="Exclude the file, or choose a destination with a shorter path",
            path=shown,
            length=length,
        )


class NameInUse(EngineError):
    """The name is already used by another object."""

    code = "name_in_use"
    mended_by = CHANGES_THAT


class InUse(EngineError):
    """The object can't be removed because others need it; ``users`` lists them."""

    code = "in_use"
    mended_by = CHANGES_THAT


class WrongState(EngineError):
    """The verb is not allowed in the container's current state."""

    code = "wrong_state"
    mended_by = CHANGES_THAT


# -- archives and images ---------------------------------------------------------------------------


class ArchiveBroken(EngineError):
    """The archive is truncated, is not an archive, or lacks a part that it refers to."""

    code = "archive_broken"


class DigestMismatch(EngineError):
    """A blob's content does not match its digest."""

    code = "digest_mismatch"


class UnsafeEntry(EngineError):
    """An archive entry would be written outside its layer."""

    code = "unsafe_entry"


# -- the host --------------------------------------------------------------------------------------


class NotRoot(EngineError):
    """The verb needs root."""

    code = "not_root"


#: The fields of HostLacks that name something installable.
_INSTALLABLE = frozenset({"program", "missing", "needs"})


class HostLacks(EngineError):
    """A program (``program``) or a kernel feature is missing on this host."""

    code = "host_lacks"

    def __init__(self, message: str, *, remedy: str = "", **fields: object) -> None:
        super().__init__(message, remedy=remedy, **fields)
        self.mended_by = BRINGS_IT if _INSTALLABLE & fields.keys() else ""


#: Appended because a full disk and an exhausted quota need different remedies (write(2), EDQUOT).
_QUOTA = ". The quota is exhausted, not the disk: raise the quota, or remove files that count towards it"


class StoreFull(EngineError):
    """No space is left on the file system; partial results have been removed."""

    code = "store_full"

    def told(self, write: Callable[[Setting], str]) -> str:
        """Return the message and the remedy; add that a quota is exhausted if the system reported EDQUOT."""
        cause = self.__cause__ or self.__context__
        is_quota = isinstance(cause, OSError) and cause.errno == errno.EDQUOT
        return super().told(write) + _QUOTA * is_quota


class LockTimeout(EngineError):
    """A lock was not acquired in time; ``holder`` is a PID, ``since`` is in seconds since the epoch."""

    code = "lock_timeout"


class StateBusy(EngineError):
    """The database was locked by another process for too long."""

    code = "state_busy"


class StateCorrupt(EngineError):
    """The database is corrupt: its content can't be read, or is inconsistent."""

    code = "state_corrupt"


class StateReadOnly(EngineError):
    """The database file, or its file system, is read-only."""

    code = "state_read_only"


class StateFailing(EngineError):
    """The disk that holds the database reports errors."""

    code = "state_failing"


class StateUnreachable(EngineError):
    """The database can't be opened: its path does not exist or is not a file."""

    code = "state_unreachable"


class StateDenied(EngineError):
    """The system denies permission to open the database."""

    code = "state_denied"


class StateIncomplete(EngineError):
    """The database lacks containers that run: it was lost, or is an old copy. ``containers`` lists them."""

    code = "state_incomplete"


class OtherRunRoot(EngineError):
    """Containers of this root run with another run root, ``run_root``."""

    code = "other_run_root"


class OtherRoot(EngineError):
    """The run root is used by another root, ``root``, during this boot."""

    code = "other_root"


class StateTooNew(EngineError):
    """The database was written by a newer engine."""

    code = "state_too_new"


# -- the system ------------------------------------------------------------------------------------

#: Both mean that the user must free space, on the disk or in the quota (write(2)).
_FULL = (errno.ENOSPC, errno.EDQUOT)


class SystemFailed(EngineError):
    """A system call failed unexpectedly on ``path``; ``errno`` is the error's name, such as EACCES."""

    code = "os_error"


def typed(error: EngineError | OSError) -> EngineError:
    """Return an EngineError as it is, and an OSError as the EngineError that a user can act on."""
    if isinstance(error, EngineError):
        return error
    paths = [_path(path) for path in (error.filename, error.filename2) if path is not None]
    where = " -> ".join(paths) or "the engine's files"
    if error.errno in _FULL:
        full = StoreFull(
            f"{where}: no space is left", remedy="Free some space there and run the task again", path=where
        )
        full.__cause__ = error  # tells a quota from a full disk
        return full
    if error.errno == errno.ENAMETOOLONG and paths:
        return PathTooLong(paths[0])
    name = errno.errorcode.get(error.errno or 0)
    return SystemFailed(f"{where}: {error.strerror or error}", path=where, errno=name)


def _path(path: str | bytes | int) -> str:
    return f"descriptor {path}" if isinstance(path, int) else os.fsdecode(path)


# -- programs --------------------------------------------------------------------------------------


class CommandFailed(EngineError):
    """A program exited with an error; ``stderr`` holds the end of its error output."""

    code = "command_failed"


class CommandTimeout(EngineError):
    """A program exceeded its timeout and was killed."""

    code = "command_timeout"


class RuntimeFailed(EngineError):
    """The OCI runtime or conmon failed; the message contains its error text."""

    code = "runtime_failed"


class ContainerFailed(EngineError):
    """The container's command failed, or exited although it should keep running."""

    code = "container_failed"


# -- registries ------------------------------------------------------------------------------------


class RegistryFailed(EngineError):
    """A registry is unreachable, untrusted, or answered incorrectly; ``status`` is set if it answered."""

    code = "registry_failed"


class RegistryDenied(EngineError):
    """A registry denies an operation; ``registry``, ``repository`` and ``username`` say which and to whom."""

    code = "registry_denied"


class ImageUnknown(NotFound):
    """The registry does not have the image."""

    mended_by = ""
