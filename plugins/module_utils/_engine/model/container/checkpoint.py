# SPDX-License-Identifier: GPL-3.0-or-later
"""Say what is asked of a checkpoint and of a restore; the options are those of podman-container-checkpoint(1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import InvalidOption
from ...frozen import dataclass
from ..values.names import check_name
from ..values.text import absolute_path

#: How an archive may be compressed; podman's default is the first.
ZSTD, GZIP, NONE = "zstd", "gzip", "none"
COMPRESSIONS = (ZSTD, GZIP, NONE)
#: The intent of a container that is being made of an archive: until it is gone the container is half a one.
IMPORT = "import"


@dataclass(frozen=True)
class CheckpointOptions:
    """``export`` is an archive to write, None for none; what is left out of it counts only with one."""

    leave_running: bool = False
    keep: bool = False
    tcp_established: bool = False
    file_locks: bool = False
    export: str | None = None
    compress: str = ZSTD
    ignore_rootfs: bool = False
    ignore_volumes: bool = False

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> CheckpointOptions:
        """Return the options of a task or a command line; raises InvalidOption naming one."""
        export = raw.get("export")
        _refuse_without("export", raw, ("ignore_rootfs", "ignore_volumes", "compress"))
        return cls(
            leave_running=bool(raw.get("leave_running")),
            keep=bool(raw.get("keep")),
            tcp_established=bool(raw.get("tcp_established")),
            file_locks=bool(raw.get("file_locks")),
            export=None if export is None else absolute_path("export", export),
            compress=raw.get("compress") or ZSTD,
            ignore_rootfs=bool(raw.get("ignore_rootfs")),
            ignore_volumes=bool(raw.get("ignore_volumes")),
        )


@dataclass(frozen=True)
class RestoreOptions:
    """``source`` is an archive to take the checkpoint from, None for the container's own.

    ``name`` is the container's; None, with an archive only, for the one that it had there.
    """

    name: str | None = None
    source: str | None = None
    keep: bool = False
    tcp_established: bool = False
    file_locks: bool = False
    ignore_rootfs: bool = False
    ignore_volumes: bool = False

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> RestoreOptions:
        """Return the options of a task or a command line; raises InvalidOption naming one."""
        name, source = raw.get("name"), raw.get("import")
        _refuse_without("import", raw, ("ignore_rootfs", "ignore_volumes"))
        if name is None and source is None:
            raise InvalidOption(
                "name", None, "is needed", remedy="Name the container, or write import with an archive"
            )
        return cls(
            name=None if name is None else check_name("name", name),
            source=None if source is None else absolute_path("import", source),
            keep=bool(raw.get("keep")),
            tcp_established=bool(raw.get("tcp_established")),
            file_locks=bool(raw.get("file_locks")),
            ignore_rootfs=bool(raw.get("ignore_rootfs")),
            ignore_volumes=bool(raw.get("ignore_volumes")),
        )


def for_runtime(options: CheckpointOptions | RestoreOptions) -> tuple[str, ...]:
    """Return what the runtime is told of them, at the checkpoint and at the restore alike."""
    flags = {"--tcp-established": options.tcp_established, "--file-locks": options.file_locks}
    return tuple(flag for flag, is_wanted in flags.items() if is_wanted)


def _refuse_without(archive: str, raw: Mapping[str, Any], names: tuple[str, ...]) -> None:
    told = next((name for name in names if raw.get(name)), None)
    if told is not None and raw.get(archive) is None:
        raise InvalidOption(
            told,
            raw[told],
            f"is about an archive, and there is no {archive}",
            remedy=f"Leave it out, or write {archive}",
        )
