# SPDX-License-Identifier: GPL-3.0-or-later
"""Where everything lies on disk, in one place."""

from __future__ import annotations

from .places import DEFAULT_ROOT, DEFAULT_RUN_ROOT, PROGRAM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final


class Layout:
    """All paths of one engine. ``root`` survives a reboot, ``run_root`` does not.

    Parts named by an id or a checked name (model/values/names.py) are joined here alone. No dataclass: ``slipway connect``
    runs at each command of a play, and to import what makes one takes as long as all the rest that it needs.
    """

    __slots__ = ("root", "run_root")

    def __init__(self, root: str = DEFAULT_ROOT, run_root: str = DEFAULT_RUN_ROOT) -> None:
        self.root: Final = root
        self.run_root: Final = run_root

    @property
    def database(self) -> str:
        """Return the path of the SQLite database."""
        return f"{self.root}/state.db"

    @property
    def layers(self) -> str:
        """Return the directory of unpacked layers."""
        return f"{self.root}/layers"

    @property
    def blobs(self) -> str:
        """Return the directory of blobs, as registries and archives have them."""
        return f"{self.root}/blobs"

    @property
    def volumes(self) -> str:
        """Return the directory of volumes."""
        return f"{self.root}/volumes"

    @property
    def images(self) -> str:
        """What is known of each image besides its layers, for a rebuild of the database."""
        return f"{self.root}/images"

    @property
    def volume_notes(self) -> str:
        """What is known of each volume besides its content, likewise."""
        return f"{self.root}/volume-notes"

    @property
    def networks(self) -> str:
        """What is known of each network, likewise."""
        return f"{self.root}/networks"

    @property
    def spare(self) -> tuple[str, str]:
        """The files that are given up for the record of an end, where the disk takes nothing more."""
        return f"{self.root}/spare.0", f"{self.root}/spare.1"

    @property
    def run_root_note(self) -> str:
        """Which run root this root is used with, and in which boot."""
        return f"{self.root}/run_root"

    @property
    def staging(self) -> str:
        """What is being made or being deleted; whatever lies here and is not locked is waste."""
        return f"{self.root}/staging"

    @property
    def agent(self) -> str:
        """Return the directory of installed engines."""
        return f"{self.root}/agent"

    @property
    def agent_program(self) -> str:
        """The program ``slipway``."""
        return f"{self.root}/{PROGRAM}"

    @property
    def boot_marker(self) -> str:
        """The id of the boot that the run root, and all records, are of."""
        return f"{self.run_root}/boot"

    @property
    def root_note(self) -> str:
        """Which root this run root belongs to, and in which boot."""
        return f"{self.run_root}/root"

    @property
    def locks(self) -> str:
        """Return the directory of lock files."""
        return f"{self.run_root}/locks"

    @property
    def aardvark(self) -> str:
        """Where aardvark-dns reads the names of containers, a file for each network."""
        return f"{self.run_root}/aardvark-dns"

    def progress(self, token: str) -> str:
        """Return the file that tells the controller how far a task is; ``token`` is 32 hex digits."""
        return f"{self.run_root}/progress/{token}"

    @property
    def health_socket(self) -> str:
        """Where the process that checks health hears of containers."""
        return f"{self.run_root}/health.sock"

    @property
    def health_lock(self) -> str:
        """Return the lock that the one health checker holds."""
        return f"{self.locks}/health.lock"

    @property
    def exits(self) -> str:
        """Where conmon writes exit files, one named by id for each container."""
        return f"{self.run_root}/exits"

    @property
    def runtime_root(self) -> str:
        """The OCI runtime's own state (``--root``)."""
        return f"{self.run_root}/oci"

    @property
    def cgroup_marks(self) -> str:
        """Which cgroups above a container's own the engine made, on behalf of ``cgroup_parent``."""
        return f"{self.run_root}/cgroups"

    @property
    def trials(self) -> str:
        """What is tried beside a running container; whatever lies here and is not locked is waste."""
        return f"{self.run_root}/trials"

    @property
    def directories(self) -> tuple[str, ...]:
        """The directories that each task finds or makes, all 0700: what lies below is nobody else's business."""
        persistent = (
            self.staging,
            self.layers,
            self.blobs,
            self.volumes,
            self.containers,
            self.images,
            self.volume_notes,
            self.networks,
        )
        passing = (self.locks, self.exits, self.runtime_root, self.run_containers)
        return (self.root, *persistent, self.run_root, *passing)

    @property
    def containers(self) -> str:
        """Return the directory of what containers keep over a reboot."""
        return f"{self.root}/containers"

    @property
    def run_containers(self) -> str:
        """Return the directory of what containers lose at a reboot."""
        return f"{self.run_root}/containers"

    @property
    def cgroup_parent(self) -> str:
        """The cgroup above those of all containers, an own one for each engine, so that each can remove its own."""
        if self.root == DEFAULT_ROOT:
            return "/slipway"
        import hashlib  # loads OpenSSL, which the agent of the default engine can do without

        return f"/slipway-{hashlib.sha256(self.root.encode()).hexdigest()[:8]}"

    def cgroup(self, container_id: str) -> str:
        """Return a container's cgroup, relative to the root of each hierarchy."""
        return f"{self.cgroup_parent}/{container_id}"

    @property
    def monitors_cgroup(self) -> str:
        """The cgroup of what watches over containers, so that it does not end with the session that started it."""
        return f"{self.cgroup_parent}/monitors"

    def volume(self, name: str) -> str:
        """Return the directory of a volume."""
        return f"{self.volumes}/{name}"

    def volume_beside(self, name: str) -> str:
        """Return the file that its row can be made again from; not in the volume's directory, whose quota is the user's."""
        return f"{self.volume_notes}/{name}.json"

    def network_beside(self, network_id: str) -> str:
        """Return the file that a network's row can be made again from."""
        return f"{self.networks}/{network_id}.json"

    def volume_data(self, name: str) -> str:
        """Return the directory of a volume's content."""
        return f"{self.volumes}/{name}/data"

    def layer_diff(self, chain_id: str) -> str:
        """Return the directory of an unpacked layer."""
        return f"{self.layers}/{chain_id}/diff"

    def container(self, container_id: str) -> ContainerLayout:
        """Return the paths of a container."""
        return ContainerLayout(
            id=container_id,
            static=f"{self.containers}/{container_id}",
            run=f"{self.run_containers}/{container_id}",
            exit_file=f"{self.exits}/{container_id}",
        )

    def lock(self, kind: str, name: str) -> str:
        """Return the lock file of a thing of this kind."""
        return f"{self.locks}/{kind}-{name}.lock"


class ContainerLayout:
    """The paths of one container; ``static`` is on disk, ``run`` is emptied by a reboot."""

    __slots__ = ("exit_file", "id", "run", "static")

    def __init__(self, *, id: str, static: str, run: str, exit_file: str) -> None:  # noqa: A002
        self.id: Final = id
        self.static: Final = static
        self.run: Final = run
        self.exit_file: Final = exit_file

    def elsewhere(self, static: str) -> ContainerLayout:
        """Return the same with another directory on disk."""
        return ContainerLayout(id=self.id, static=static, run=self.run, exit_file=self.exit_file)

    @property
    def upper(self) -> str:
        """Return overlayfs's upper directory: what the container wrote."""
        return f"{self.static}/upper"

    @property
    def work(self) -> str:
        """Return overlayfs's work directory."""
        return f"{self.static}/work"

    @property
    def merged(self) -> str:
        """Return the place that the root file system is mounted on."""
        return f"{self.static}/merged"

    @property
    def lower(self) -> str:
        """Short links to the layers, so that a hundred of them fit into mount(2)'s option page."""
        return f"{self.static}/lower"

    @property
    def mapped(self) -> str:
        """A copy of the image with the owners of a user namespace, where layers can't be shown so."""
        return f"{self.static}/mapped"

    @property
    def overlays(self) -> str:
        """What overlays other than the root file system write, and what they stand on; gone with the end of each run."""
        return f"{self.static}/overlays"

    @property
    def bundle(self) -> str:
        """Return the OCI bundle: the directory of config.json."""
        return f"{self.static}/bundle"

    @property
    def checkpoint(self) -> str:
        """The images of its checkpoint (seed: CheckpointPath)."""
        return f"{self.bundle}/checkpoint"

    @property
    def new_checkpoint(self) -> str:
        """The images while they are being written."""
        return f"{self.bundle}/checkpoint.new"

    @property
    def checkpoint_log(self) -> str:
        """What CRIU says of a checkpoint; the name is CRIU's."""
        return f"{self.bundle}/dump.log"

    @property
    def restore_log(self) -> str:
        """What CRIU says of a restore; the name is CRIU's."""
        return f"{self.bundle}/restore.log"

    @property
    def beside(self) -> str:
        """The file that its row can be made again from."""
        return f"{self.static}/container.json"

    def cni(self, network_id: str) -> str:
        """Return the file by which plugins take it off a network again."""
        return f"{self.static}/cni-{network_id}.json"

    @property
    def marks(self) -> str:
        """What else its row can be made again from: what was wished of it, where that is not the usual."""
        return f"{self.static}/marks.json"

    @property
    def artifacts(self) -> str:
        """Return the directory of files that the engine makes for the container."""
        return f"{self.static}/artifacts"

    @property
    def log(self) -> str:
        """Return the log file where no option names another."""
        return f"{self.static}/ctr.log"

    @property
    def shm(self) -> str:
        """Return the place that /dev/shm is mounted on."""
        return f"{self.run}/shm"

    @property
    def files(self) -> str:
        """The files of the engine that the container may write to (/etc/hosts, ...), on a small file system of its own."""
        return f"{self.run}/files"

    @property
    def netns(self) -> str:
        """Where its network namespace is pinned, as long as it has one that the engine made."""
        return f"{self.run}/netns"

    @property
    def userns(self) -> str:
        """Where its user namespace is pinned, if its network namespace belongs to it."""
        return f"{self.run}/userns"

    @property
    def mounts(self) -> str:
        """What the engine itself mounts for the runtime to bind, by number."""
        return f"{self.run}/mounts"

    @property
    def kept_mounted(self) -> str:
        """Is there when somebody wants the root file system mounted, whether the container runs or not, until the reboot."""
        return f"{self.run}/mounted"

    @property
    def persist(self) -> str:
        """Conmon's ``--persist-dir``: the oom file and a copy of the exit code."""
        return f"{self.run}/persist"

    @property
    def oom_file(self) -> str:
        """Return the file that conmon writes when the kernel kills for lack of memory."""
        return f"{self.persist}/oom"

    @property
    def pid_file(self) -> str:
        """Return the file with the pid of the first process."""
        return f"{self.run}/pidfile"

    @property
    def conmon_pid_file(self) -> str:
        """Return the file with the pid of conmon."""
        return f"{self.run}/conmon.pid"

    @property
    def restart_fifo(self) -> str:
        """What a process that waits to restart the container listens to; a byte wakes it."""
        return f"{self.run}/restart"

    @property
    def health(self) -> str:
        """What the checks of this run have said."""
        return f"{self.run}/health.json"

    @property
    def results(self) -> str:
        """The results of tasks that found it as asked for, which the same tasks return again (lifecycle/recognition/)."""
        return f"{self.run}/results"

    @property
    def conmon_log(self) -> str:
        """Where the OCI runtime writes its own errors (``--log``)."""
        return f"{self.run}/oci-log"
