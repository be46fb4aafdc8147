# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's records of containers, images and events: rows of the database as frozen data.

Times are nanoseconds since the epoch. Unknown is ``None``, never 0.
"""

from __future__ import annotations

from typing import NamedTuple

from ...frozen import dataclass, field
from ..container.spec import ContainerSpec
from ..container.status import CONFIGURED
from ..mounts.mount import VOLUME, Mount
from ..network.wiring import Endpoint, Port
from ..values.idmap import IdMap
from .storage_drivers import OVERLAY


class ProcessId(NamedTuple):
    """The unique identity of a process: its PID and start time (proc_pid_stat(5), field 22)."""

    pid: int
    start_time: int


@dataclass(frozen=True)
class ContainerRecord:
    """A row of table ``containers``.

    ``intent`` is the verb in progress (``start``, ``remove``) or ``""``. It is saved before the first action that would leak,
    so a process that acquires the lock and finds it set knows that the verb died halfway.
    ``mapping`` has the IDs of the user namespace, None for the host's. It is fixed at creation, because the files have these IDs.
    ``volumes`` maps destinations to names of volumes, including anonymous ones; ``images`` to the IDs of the images mounted
    there; ``given`` to the owner that the mounted directory was given (option U), and to the directory.
    ``implied`` are the mounts that are not in the spec, as of the creation: those of ``volumes_from``, and tmpfs for the
    image's volumes.
    ``restart_count`` counts the restarts by the policy since the last start by a user; ``crashes`` the consecutive short runs,
    which determine the back-off; ``restart_at`` is when the pending restart is due.
    ``interrupted``: a shutdown or power loss of the host ended the last run, and not a user or the program itself.
    ``checkpointed`` is the time of the container's checkpoint, ``restored`` the time at which this run was restored from one.
    ``runtime`` and ``cgroup`` (a path) are those of the last start, ``""`` before. ``driver`` is the storage driver at creation,
    which determines the form of the files.
    ``endpoints`` are those in its networks, in order, and ``ports`` the single host ports that it publishes; both are chosen at
    creation and kept.
    ``start_pending``: a task stopped the container, or the one that it replaces, in order to start it again, and no start has
    succeeded since.
    """

    id: str
    spec: ContainerSpec
    created: int
    image_id: str | None = None
    status: str = CONFIGURED
    intent: str = ""
    process: ProcessId | None = None
    monitor: ProcessId | None = None
    started: int | None = None
    finished: int | None = None
    exit_code: int | None = None
    oom_killed: bool = False
    stopped_by_user: bool = False
    restart_count: int = 0
    crashes: int = 0
    restart_at: int | None = None
    interrupted: bool = False
    checkpointed: int | None = None
    restored: int | None = None
    error: str = ""
    runtime: str = ""
    cgroup: str = ""
    volumes: dict[str, str] = field(default_factory=dict)
    implied: dict[str, Mount] = field(default_factory=dict)
    images: dict[str, str] = field(default_factory=dict)
    given: dict[str, str] = field(default_factory=dict)
    mapping: IdMap | None = None
    driver: str = OVERLAY
    start_pending: bool = False
    endpoints: tuple[Endpoint, ...] = ()
    ports: tuple[Port, ...] = ()

    @property
    def name(self) -> str:
        """Return the container's name."""
        return self.spec.name

    @property
    def mounts(self) -> dict[str, Mount]:
        """All mounts by destination, including implied ones and the volumes that only the image declares."""
        declared = {path: Mount(VOLUME, name, path) for path, name in self.volumes.items()}
        return {**declared, **self.implied, **(self.spec.mounts or {})}

    @property
    def is_checkpointed(self) -> bool:
        """Return whether the last run ended with the checkpoint; a checkpoint may also leave the container running."""
        return self.checkpointed is not None and self.checkpointed == self.finished


class LayerRecord(NamedTuple):
    """A layer in the store: its chain ID (64 hex digits), the digest of its tar, and its unpacked size in bytes."""

    chain_id: str
    diff_id: str
    size: int


@dataclass(frozen=True)
class ImageRecord:
    """A row of table ``images``: the ID (digest of the config), the original config, names, layers lowest first.

    ``digests`` are those of pulls, of its manifest or of an index that contains it, each as ``REPOSITORY@sha256:...``. ``blobs``
    are the digests of its files in the blob store: manifest, index, configuration, layers in their original form.
    """

    id: str
    config: bytes
    created: int
    manifest_digest: str | None = None
    names: tuple[str, ...] = ()
    layers: tuple[LayerRecord, ...] = ()
    digests: tuple[str, ...] = ()
    blobs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Event:
    """An event: ``kind`` is container, volume, image or network; ``action`` is libpod's word (create, died, ...).

    ``seq`` numbers stored events in order; it is 0 until the event is stored.
    """

    at: int
    kind: str
    action: str
    id: str
    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    seq: int = field(default=0, compare=False)
