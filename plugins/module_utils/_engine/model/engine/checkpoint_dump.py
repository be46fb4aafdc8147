# SPDX-License-Identifier: GPL-3.0-or-later
"""Say what an archive of a checkpoint holds, in its file ``config.dump``: the container as it was (pure).

The file may come from anybody: what is read is checked as if a user had written it.
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

#: Those that speak to CRIU.
_RUNTIMES = ("crun", "runc")
#: A file of another form gets another number.
_FORMAT = "slipway.oci/checkpoint/1"
CONFIG, SPEC, ROOTFS, SHM = "config.dump", "spec.dump", "rootfs-diff.tar", "devshm-checkpoint.tar"


@dataclass(frozen=True)
class CheckpointDump:
    """The container of a checkpoint.

    ``image_id`` and ``image`` (a name) are what it was made from, None and a path for a plain directory. ``runtime`` and
    ``machine`` made the checkpoint, and are needed again. ``volumes`` maps destinations to names, ``kept`` has the names of
    those whose content is in the archive. ``has_rootfs``: what the container wrote is in it.
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
        """Return what the JSON form tells; raises ArchiveBroken naming what is wrong."""
        if data.get("format") != _FORMAT:
            raise ArchiveBroken(
                f"{CONFIG} is not of the form {_FORMAT}: this is no checkpoint of this engine"
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
    """Return the spec; what is text is read as if a user had written it, so that no name of it is a path, and so on."""
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
    """Return a runtime's name: what an archive says is looked up and run as root, so it may be no other program's."""
    if name not in _RUNTIMES:
        raise ValueError(f"{name!r} is no runtime that makes checkpoints")
    return str(name)


def _path(text: object) -> str:
    path = absolute_path("volumes", text)
    if path != text:
        raise ValueError(f"the path {text} is not in its plain form")
    return path
