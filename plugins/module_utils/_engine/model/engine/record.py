# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine knows of containers and images: rows of the database as frozen data.

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
    """A process that can't be mistaken for another: its pid and start time (proc_pid_stat(5), field 22)."""

    pid: int
    start_time: int


@dataclass(frozen=True)
class ContainerRecord:
    """A row of table ``containers``.

    ``intent`` is the verb under way (``start``, ``remove``) or ``""``: it is saved before the first act that would leak,
    so whoever finds it set without holding the lock knows that the verb died in the middle.
    ``mapping`` are the ids of its user namespace, None in the host's: decided at creation, for its files have them.
    ``volumes`` maps destination to the volume's name, anonymous ones included; ``images`` to the id of the image that is
    mounted there; ``given`` to the owner that what is mounted there was given (option U), and which directory that was.
    ``implied`` are the mounts that the spec does not write, as they were at the creation: of ``volumes_from``, and tmpfs in
    place of the image's volumes.
    ``restart_count`` is how often the policy has restarted it since a user did; ``crashes`` how many short runs came one
    after another, which sets the back-off, and ``restart_at`` when a restart that waits for it is due.
    ``interrupted``: the host's stop, or its loss of power, ended the last run, so nobody wished it to end.
    ``checkpointed`` is when the checkpoint that it has was made, ``restored`` when this run went on from one.
    ``runtime`` and ``cgroup`` (its path) are those of the last start, ``""`` before any. ``driver`` is the storage driver that it
    was created with: its files are in that one's form.
    ``endpoints`` are what it has of its networks, in order, and ``ports`` the ports of the host that it publishes, each by
    itself; both are chosen at creation and stay.
    ``start_pending``: it, or the container that it replaces, was stopped by a task that was to start it again, and no start has
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
        """All that is mounted, by destination: also what is implied, and the volumes that only the image declares."""
        declared = {path: Mount(VOLUME, name, path) for path, name in self.volumes.items()}
        return {**declared, **self.implied, **(self.spec.mounts or {})}

    @property
    def is_checkpointed(self) -> bool:
        """Return whether its run ended in its checkpoint, and not otherwise after one that left it running."""
        return self.checkpointed is not None and self.checkpointed == self.finished


class LayerRecord(NamedTuple):
    """A layer in the store: its chain id (64 hex digits), the digest of its tar, and its size in bytes unpacked."""

    chain_id: str
    diff_id: str
    size: int


@dataclass(frozen=True)
class ImageRecord:
    """A row of table ``images``: the id (digest of the config), the config as it came, names, layers lowest first.

    ``digests`` are those it was pulled by, of its manifest or of an index that leads to it, each as ``REPOSITORY@sha256:...``.
    ``blobs`` are the digests of what the blob store keeps for it: manifest, index, configuration, layers as they came.
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
    """Something that happened: ``kind`` is container, volume, image or network; ``action`` libpod's word (create, died, ...).

    ``seq`` numbers those that are kept, in the order in which they came; 0 before.
    """

    at: int
    kind: str
    action: str
    id: str
    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    seq: int = field(default=0, compare=False)
