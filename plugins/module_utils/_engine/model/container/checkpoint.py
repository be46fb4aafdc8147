# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a checkpoint and of a restore, as in podman-container-checkpoint(1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import InvalidOption
from ...frozen import dataclass
from ..values.names import check_name
from ..values.text import absolute_path

#: The compressions of an archive; the first is podman's default.
ZSTD, GZIP, NONE = "zstd", "gzip", "none"
COMPRESSIONS = (ZSTD, GZIP, NONE)
#: The intent of a container while it is created from an archive; until the intent is cleared, the container is incomplete.
IMPORT = "import"


@dataclass(frozen=True)
class CheckpointOptions:
    """Options of a checkpoint. ``export``: path of an archive to write, which ``compress`` and ``ignore_`` options require."""

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
        """Parse the options of a task or a command line. Raises InvalidOption, naming the option."""
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
    """Options of a restore. ``source``: an archive with the checkpoint, None for the container's own checkpoint.

    ``name``: the container's name; None (only with an archive) keeps the name in the archive.
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
        """Parse the options of a task or a command line. Raises InvalidOption, naming the option."""
        name, source = raw.get("name"), raw.get("import")
        _refuse_without("import", raw, ("ignore_rootfs", "ignore_volumes"))
        if name is None and source is None:
            raise InvalidOption(
                "name", None, "is required", remedy="Name the container, or set import to an archive"
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
    """Return the runtime's flags for the options, which are the same for checkpoint and restore."""
    flags = {"--tcp-established": options.tcp_established, "--file-locks": options.file_locks}
    return tuple(flag for flag, is_wanted in flags.items() if is_wanted)


def _refuse_without(archive: str, raw: Mapping[str, Any], names: tuple[str, ...]) -> None:
    given = next((name for name in names if raw.get(name)), None)
    if given is not None and raw.get(archive) is None:
        raise InvalidOption(
            given,
            raw[given],
            f"requires {archive}",
            remedy=f"Leave it out, or set {archive}",
        )
