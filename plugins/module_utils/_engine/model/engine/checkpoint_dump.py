# SPDX-License-Identifier: GPL-3.0-or-later
"""The metadata of a checkpoint archive, in its file ``config.dump``: the container at the checkpoint (pure).

The file is untrusted: its content is checked like user input.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import ArchiveBroken, EngineError
from ...frozen import dataclass
from ..container.options import OPTIONS
from ..container.spec import ContainerSpec, check_whole
from ..mounts.mount import VOLUME
from ..values.names import check_name
from ..values.text import absolute_path

#: The runtimes that support CRIU.
_RUNTIMES = ("crun", "runc")
#: A different format gets a different number.
_FORMAT = "slipway.oci/checkpoint/1"
CONFIG, SPEC, ROOTFS, SHM = "config.dump", "spec.dump", "rootfs-diff.tar", "devshm-checkpoint.tar"


@dataclass(frozen=True)
class CheckpointDump:
    """The container of a checkpoint.

    ``image_id`` and the image's name in ``spec`` identify its image; for a plain directory, the ID is None and the name a path.
    ``runtime`` and ``machine`` made the checkpoint, and are required for a restore. ``volumes`` maps destinations to names;
    ``kept`` names those whose content is in the archive. ``has_rootfs``: the archive has the changes of the root file system.
    """

    spec: ContainerSpec
    image_id: str | None
    runtime: str
    machine: str
    started: int
    checkpointed: int
    volumes: Mapping[str, str]
    kept: tuple[str, ...]
    has_rootfs: bool

    def encode(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "format": _FORMAT,
            "name": self.spec.name,
            "spec": self.spec.encode(),
            "image": {"id": self.image_id, "name": self.spec.image},
            "runtime": self.runtime,
            "machine": self.machine,
            "started": self.started,
            "checkpointed": self.checkpointed,
            "volumes": dict(self.volumes),
            "kept": [*self.kept],
            "rootfs": self.has_rootfs,
        }

    @classmethod
    def decode(cls, data: Mapping[str, Any]) -> CheckpointDump:
        """Decode the JSON form. Raises ArchiveBroken with the reason."""
        if data.get("format") != _FORMAT:
            raise ArchiveBroken(
                f"{CONFIG} does not have the format {_FORMAT}: the archive is not a checkpoint of this engine"
            )
        try:
            return _decode(data)
        except EngineError as error:
            raise ArchiveBroken(f"{CONFIG}: {error.message}") from error
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ArchiveBroken(f"{CONFIG} is broken: {type(error).__name__}: {error}") from error


def _decode(data: Mapping[str, Any]) -> CheckpointDump:
    volumes = {_path(path): check_name("volumes", name) for path, name in data["volumes"].items()}
    kept = tuple(check_name("kept", name) for name in data["kept"])
    image_id = data["image"]["id"]
    return CheckpointDump(
        spec=_spec(data["spec"]),
        image_id=None if image_id is None else str(image_id),
        runtime=_runtime(data["runtime"]),
        machine=str(data["machine"]),
        started=int(data["started"]),
        checkpointed=int(data["checkpointed"]),
        volumes=volumes,
        kept=kept,
        has_rootfs=bool(data["rootfs"]),
    )


def _spec(data: Mapping[str, Any]) -> ContainerSpec:
    """Decode the spec, and check its strings like user input, so that, for example, no name is a path."""
    spec = ContainerSpec.decode(data)
    for option in OPTIONS:
        value = data.get(option.name)
        if isinstance(value, str) and [*option.arguments] == [option.name]:
            option.kind.parse(option.name, value)
    for destination, mount in (spec.mounts or {}).items():
        _path(destination)
        if mount.kind == VOLUME and mount.source:
            check_name("volume", mount.source)
    check_whole(spec)
    return spec


def _runtime(name: object) -> str:
    """Return the name of a known runtime: it comes from the archive and is run as root, so it must not name another program."""
    if name not in _RUNTIMES:
        raise ValueError(f"{name!r} is not a runtime that supports checkpoints")
    return str(name)


def _path(text: object) -> str:
    path = absolute_path("volumes", text)
    if path != text:
        raise ValueError(f"the path {text} is not normalized")
    return path
