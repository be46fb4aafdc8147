# SPDX-License-Identifier: GPL-3.0-or-later
"""The paths of all files of an engine."""

from __future__ import annotations

from .places import DEFAULT_ROOT, DEFAULT_RUN_ROOT, PROGRAM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final


class Layout:
    """The paths of an engine. ``root`` survives a reboot, ``run_root`` does not.

    Paths with an ID or a checked name (model/values/names.py) are built only here. Not a dataclass: ``slipway connect`` runs for
    each command of a play, and importing dataclasses takes as long as everything else that it imports.
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
        """Return the directory of blobs, in the form of registries and archives."""
        return f"{self.root}/blobs"

    @property
    def volumes(self) -> str:
        """Return the directory of volumes."""
        return f"{self.root}/volumes"

    @property
    def images(self) -> str:
        """Return the directory of the metadata of images, from which the database can be rebuilt."""
        return f"{self.root}/images"

    @property
    def volume_notes(self) -> str:
        """Return the directory of the metadata of volumes, for the same purpose."""
        return f"{self.root}/volume-notes"

    @property
    def networks(self) -> str:
        """Return the directory of the metadata of networks, for the same purpose."""
        return f"{self.root}/networks"

    @property
    def spare(self) -> tuple[str, str]:
        """Return the reserve files, which are deleted to record an exit when the disk is full."""
        return f"{self.root}/spare.0", f"{self.root}/spare.1"

    @property
    def run_root_note(self) -> str:
        """Return the file that names the run root in use with this root, and the boot."""
        return f"{self.root}/run_root"

    @property
    def staging(self) -> str:
        """Return the directory of what is being created or deleted; entries that are not locked are garbage."""
        return f"{self.root}/staging"

    @property
    def agent(self) -> str:
        """Return the directory of installed engines."""
        return f"{self.root}/agent"

    @property
    def agent_program(self) -> str:
        """Return the path of the program ``slipway``."""
        return f"{self.root}/{PROGRAM}"

    @property
    def boot_marker(self) -> str:
        """Return the file with the ID of the boot to which the run root and all records belong."""
        return f"{self.run_root}/boot"

    @property
    def root_note(self) -> str:
        """Return the file that names the root to which this run root belongs, and the boot."""
        return f"{self.run_root}/root"

    @property
    def locks(self) -> str:
        """Return the directory of lock files."""
        return f"{self.run_root}/locks"

    @property
    def aardvark(self) -> str:
        """Return the directory from which aardvark-dns reads names of containers, with a file per network."""
        return f"{self.run_root}/aardvark-dns"

    @property
    def all_progress(self) -> str:
        """Return the directory of the files that show controllers the progress of tasks; it exists while there are any."""
        return f"{self.run_root}/progress"

    def progress(self, token: str) -> str:
        """Return the file that tells the controller how far a task is; ``token`` is 32 hex digits."""
        return f"{self.all_progress}/{token}"

    @property
    def health_socket(self) -> str:
        """Return the socket on which the health checker receives notifications."""
        return f"{self.run_root}/health.sock"

    @property
    def health_lock(self) -> str:
        """Return the lock file that the host's single health checker holds."""
        return f"{self.locks}/health.lock"

    @property
    def exits(self) -> str:
        """Return the directory of conmon's exit files, which are named by container ID."""
        return f"{self.run_root}/exits"

    @property
    def runtime_root(self) -> str:
        """Return the directory of the OCI runtime's state (``--root``)."""
        return f"{self.run_root}/oci"

    @property
    def cgroup_marks(self) -> str:
        """Return the record of the parent cgroups that the engine created for ``cgroup_parent``."""
        return f"{self.run_root}/cgroups"

    @property
    def trials(self) -> str:
        """Return the directory of trial containers; entries that are not locked are garbage."""
        return f"{self.run_root}/trials"

    @property
    def directories(self) -> tuple[str, ...]:
        """Return the directories that each task creates if missing, all with mode 0700."""
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
        """Return the directory of container files that survive a reboot."""
        return f"{self.root}/containers"

    @property
    def run_containers(self) -> str:
        """Return the directory of container files that a reboot removes."""
        return f"{self.run_root}/containers"

    @property
    def cgroup_parent(self) -> str:
        """Return the parent of all containers' cgroups; each engine has its own, so that it can remove it."""
        if self.root == DEFAULT_ROOT:
            return "/slipway"
        import hashlib  # loads OpenSSL, which the agent of the default engine does not need

        return f"/slipway-{hashlib.sha256(self.root.encode()).hexdigest()[:8]}"

    def cgroup(self, container_id: str) -> str:
        """Return a container's cgroup, relative to the root of each hierarchy."""
        return f"{self.cgroup_parent}/{container_id}"

    @property
    def monitors_cgroup(self) -> str:
        """Return the cgroup of monitors, so that they are not killed with the session that started them."""
        return f"{self.cgroup_parent}/monitors"

    def volume(self, name: str) -> str:
        """Return the directory of a volume."""
        return f"{self.volumes}/{name}"

    def volume_beside(self, name: str) -> str:
        """Return the sidecar file of a volume's row; it is outside of the volume's directory, which may have a quota."""
        return f"{self.volume_notes}/{name}.json"

    def network_beside(self, network_id: str) -> str:
        """Return the sidecar file of a network's row."""
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
        """Return the lock file of an object of this kind."""
        return f"{self.locks}/{kind}-{name}.lock"


class ContainerLayout:
    """The paths of a container; ``static`` is on disk, ``run`` is emptied by a reboot."""

    __slots__ = ("exit_file", "id", "run", "static")

    def __init__(self, *, id: str, static: str, run: str, exit_file: str) -> None:  # noqa: A002
        self.id: Final = id
        self.static: Final = static
        self.run: Final = run
        self.exit_file: Final = exit_file

    def elsewhere(self, static: str) -> ContainerLayout:
        """Return the same paths with a different directory on disk."""
        return ContainerLayout(id=self.id, static=static, run=self.run, exit_file=self.exit_file)

    @property
    def upper(self) -> str:
        """Return overlayfs's upper directory, with the container's changes."""
        return f"{self.static}/upper"

    @property
    def work(self) -> str:
        """Return overlayfs's work directory."""
        return f"{self.static}/work"

    @property
    def merged(self) -> str:
        """Return the mount point of the root file system."""
        return f"{self.static}/merged"

    @property
    def lower(self) -> str:
        """Return the directory of short links to the layers, so that a hundred fit into the options of mount(2)."""
        return f"{self.static}/lower"

    @property
    def mapped(self) -> str:
        """Return the copy of the image with the owners of a user namespace, for hosts without idmapped layers."""
        return f"{self.static}/mapped"

    @property
    def overlays(self) -> str:
        """Return the directory of overlays other than the root file system; it is removed after each run."""
        return f"{self.static}/overlays"

    @property
    def bundle(self) -> str:
        """Return the OCI bundle: the directory of config.json."""
        return f"{self.static}/bundle"

    @property
    def checkpoint(self) -> str:
        """Return the directory of the checkpoint's images (seed: CheckpointPath)."""
        return f"{self.bundle}/checkpoint"

    @property
    def new_checkpoint(self) -> str:
        """Return the directory of a checkpoint's images while they are being written."""
        return f"{self.bundle}/checkpoint.new"

    @property
    def checkpoint_log(self) -> str:
        """Return CRIU's log of a checkpoint; CRIU defines the name."""
        return f"{self.bundle}/dump.log"

    @property
    def restore_log(self) -> str:
        """Return CRIU's log of a restore; CRIU defines the name."""
        return f"{self.bundle}/restore.log"

    @property
    def beside(self) -> str:
        """Return the sidecar file of the container's row."""
        return f"{self.static}/container.json"

    def cni(self, network_id: str) -> str:
        """Return the file with what CNI plugins need to detach the container from a network."""
        return f"{self.static}/cni-{network_id}.json"

    @property
    def marks(self) -> str:
        """Return the file of the container's marks (marks.py), which exists only if there are any."""
        return f"{self.static}/marks.json"

    @property
    def artifacts(self) -> str:
        """Return the directory of files that the engine generates for the container."""
        return f"{self.static}/artifacts"

    @property
    def log(self) -> str:
        """Return the default log file."""
        return f"{self.static}/ctr.log"

    @property
    def shm(self) -> str:
        """Return the mount point of /dev/shm."""
        return f"{self.run}/shm"

    @property
    def files(self) -> str:
        """Return the engine's files that the container can write to (/etc/hosts, ...), on a separate small file system."""
        return f"{self.run}/files"

    @property
    def netns(self) -> str:
        """Return the file that pins the container's network namespace, if the engine created one."""
        return f"{self.run}/netns"

    @property
    def userns(self) -> str:
        """Return the file that pins the container's user namespace, if that owns its network namespace."""
        return f"{self.run}/userns"

    @property
    def mounts(self) -> str:
        """Return the directory of numbered mounts of the engine, which the runtime bind mounts."""
        return f"{self.run}/mounts"

    @property
    def kept_mounted(self) -> str:
        """Return the file that exists while the user wants the root file system mounted, until the next reboot."""
        return f"{self.run}/mounted"

    @property
    def persist(self) -> str:
        """Return conmon's ``--persist-dir``, with the oom file and a copy of the exit code."""
        return f"{self.run}/persist"

    @property
    def oom_file(self) -> str:
        """Return the file that conmon writes when the OOM killer has killed a process."""
        return f"{self.persist}/oom"

    @property
    def pid_file(self) -> str:
        """Return the file with the PID of the container's first process."""
        return f"{self.run}/pidfile"

    @property
    def conmon_pid_file(self) -> str:
        """Return the file with the PID of conmon."""
        return f"{self.run}/conmon.pid"

    @property
    def restart_fifo(self) -> str:
        """Return the FIFO of the process that waits to restart the container; a byte wakes it."""
        return f"{self.run}/restart"

    @property
    def health(self) -> str:
        """Return the file with the results of health checks in this run."""
        return f"{self.run}/health.json"

    @property
    def results(self) -> str:
        """Return the results of tasks that changed nothing, which the same tasks return again (lifecycle/recognition/)."""
        return f"{self.run}/results"

    @property
    def conmon_log(self) -> str:
        """Return the log file of the OCI runtime (``--log``)."""
        return f"{self.run}/oci-log"
