# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user asks of a container, in canonical form, and the one table of its options.

A field of ``ContainerSpec`` *is* a row of the table: its kind says how the value is read, stored and compared, its
change what an alteration needs. The modules' argument spec, the database's form, the diff and the documentation are
all made from these rows, so an option that is accepted and not compared can't exist.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

from ...errors import InvalidOption, Setting, Words
from ..mounts import volumes_from as volumesfrom
from ..mounts.mount import Mount
from ..values import typed
from . import kinds, log_options, namespaces, systemd_mode
from .cgroup import DISABLED, ENABLED
from .kinds import Kind
from .limits import Device
from .restart_policy import RestartPolicy
from .userns import UserNamespace

#: What an alteration needs: none but of the record and of the limits of what runs (live), or a new container.
LIVE = "live"
RECREATE = "recreate"

#: Podman's default for /dev/shm (containers.conf(5), ``shm_size``).
DEFAULT_SHM_SIZE = 64 * 1024 * 1024
#: Podman's default seconds between the stop signal and KILL.
DEFAULT_STOP_TIMEOUT = 10


class Option(NamedTuple):
    """A row of the table.

    ``name`` is the field's and, unless ``arguments`` tells others, the module option's. ``compared`` False: not
    compared as text but by what it stands for (the image, by its id).
    """

    name: str
    kind: Kind
    change: str
    default: Any
    arguments: tuple[str, ...]
    compared: bool

    def parse(self, raw: Mapping[str, Any]) -> Any:
        """Return the canonical value from the raw module options."""
        if self.arguments != (self.name,):
            value: Any = {name: raw[name] for name in self.arguments if raw.get(name) is not None} or None
        else:
            value = raw.get(self.name)
        if value is None:
            return self.default
        parsed = self.kind.parse(self.name, value)
        return self.default if self.kind.empty_is_unset and not parsed else parsed


def _row(
    kind: Kind,
    change: str = RECREATE,
    *,
    default: Any = None,
    arguments: tuple[str, ...] = (),
    compared: bool = True,
) -> Any:
    row = {"kind": kind, "change": change, "arguments": arguments, "compared": compared}
    # A row of the class below; pylint looks for the class around the call.
    return field(default=default, metadata={"row": row})  # pylint: disable=invalid-field-call


@dataclass(frozen=True)
class ContainerSpec:
    """A container as asked for. ``None`` is unset: the image's or the engine's default holds.

    Symbolic names stay symbolic (image, user, volumes); they are resolved when the container is made or started.
    """

    name: str = _row(kinds.NAME, LIVE)
    image: str = _row(kinds.TEXT, compared=False)
    rootfs: bool = _row(kinds.BOOL, default=False)
    command: tuple[str, ...] | None = _row(kinds.COMMAND)
    entrypoint: tuple[str, ...] | None = _row(kinds.ENTRYPOINT)
    env: dict[str, str] | None = _row(kinds.TEXTS)
    env_file: tuple[str, ...] | None = _row(kinds.PATHS)
    workdir: str | None = _row(kinds.PATH)
    user: str | None = _row(kinds.TEXT)
    group_add: tuple[str, ...] | None = _row(kinds.TEXT_SET)
    hostname: str | None = _row(kinds.HOSTNAME)
    label: dict[str, str] | None = _row(kinds.TEXTS, LIVE)
    annotation: dict[str, str] | None = _row(kinds.TEXTS)
    mounts: dict[str, Mount] | None = _row(kinds.MOUNTS, arguments=("volume", "mount", "tmpfs"))
    volumes_from: tuple[str, ...] | None = _row(kinds.VOLUMES_FROM)
    image_volume: str = _row(kinds.IMAGE_VOLUME, default=volumesfrom.ANONYMOUS)
    read_only: bool = _row(kinds.BOOL, default=False)
    read_only_tmpfs: bool = _row(kinds.BOOL, default=True)
    network: tuple[str, ...] = _row(kinds.NETWORKS)
    ipc: str | None = _row(kinds.IPC)
    pid: str | None = _row(kinds.PID)
    uts: str | None = _row(kinds.UTS)
    cgroupns: str | None = _row(kinds.CGROUPNS)
    userns: UserNamespace | None = _row(
        kinds.USERNS, arguments=("userns", "uidmap", "gidmap", "subuidname", "subgidname")
    )
    cap_add: tuple[str, ...] | None = _row(kinds.CAPABILITIES)
    cap_drop: tuple[str, ...] | None = _row(kinds.CAPABILITIES)
    privileged: bool = _row(kinds.BOOL, default=False)
    security_opt: tuple[str, ...] | None = _row(kinds.SECURITY)
    device: dict[str, Device] | None = _row(kinds.DEVICES)
    hooks_dir: tuple[str, ...] | None = _row(kinds.PATHS)
    memory: int | None = _row(kinds.SIZE_LIMIT, LIVE)
    memory_reservation: int | None = _row(kinds.SIZE_LIMIT, LIVE)
    memory_swap: int | None = _row(kinds.SIZE_OR_UNLIMITED, LIVE)
    cpus: int | None = _row(kinds.CPUS, LIVE)
    cpu_period: int | None = _row(kinds.CPU_PERIOD, LIVE)
    cpu_quota: int | None = _row(kinds.CPU_QUOTA, LIVE)
    cpu_shares: int | None = _row(kinds.SHARES, LIVE)
    cpuset_cpus: str | None = _row(kinds.CPUSET, LIVE)
    cpuset_mems: str | None = _row(kinds.CPUSET, LIVE)
    pids_limit: int | None = _row(kinds.PIDS, LIVE)
    memory_swappiness: int | None = _row(kinds.SWAPPINESS)
    blkio_weight: int | None = _row(kinds.BLKIO_WEIGHT, LIVE)
    device_cgroup_rule: tuple[str, ...] | None = _row(kinds.DEVICE_RULES)
    cgroup_conf: dict[str, str] | None = _row(kinds.CGROUP_CONF)
    oom_score_adj: int | None = _row(kinds.OOM_SCORE_ADJ)
    cgroups: str = _row(kinds.CGROUPS, default=ENABLED)
    cgroup_parent: str | None = _row(kinds.CGROUP_PARENT)
    ulimit: dict[str, tuple[int, int]] | None = _row(kinds.ULIMITS)
    sysctl: dict[str, str] | None = _row(kinds.SYSCTL)
    shm_size: int = _row(kinds.SIZE, default=DEFAULT_SHM_SIZE)
    init: bool = _row(kinds.BOOL, default=False)
    init_path: str | None = _row(kinds.PATH)
    systemd: str = _row(kinds.SYSTEMD, default=systemd_mode.BY_COMMAND)
    shm_size_systemd: int | None = _row(kinds.SIZE_LIMIT)
    umask: str | None = _row(kinds.UMASK)
    timezone: str | None = _row(kinds.TIMEZONE)
    tty: bool = _row(kinds.BOOL, default=False)
    interactive: bool = _row(kinds.BOOL, default=False)
    stop_signal: int | None = _row(kinds.SIGNAL, LIVE)
    stop_timeout: int = _row(kinds.SECONDS, LIVE, default=DEFAULT_STOP_TIMEOUT)
    log_driver: str = _row(kinds.LOG_DRIVER, default=log_options.FILE)
    log_opt: dict[str, str] | None = _row(kinds.LOG_OPTIONS)
    healthcheck: tuple[str, ...] | None = _row(
        kinds.HEALTH, LIVE, arguments=("healthcheck", "no_healthcheck")
    )
    healthcheck_interval: int | None = _row(kinds.HEALTH_INTERVAL, LIVE)
    healthcheck_timeout: int | None = _row(kinds.POSITIVE_SPAN, LIVE)
    healthcheck_start_period: int | None = _row(kinds.SPAN, LIVE)
    healthcheck_retries: int | None = _row(kinds.POSITIVE_COUNT, LIVE)
    healthcheck_failure_action: str = _row(kinds.HEALTH_ACTION, LIVE, default="none")
    health_startup_cmd: tuple[str, ...] | None = _row(kinds.HEALTH_TEST, LIVE)
    health_startup_interval: int | None = _row(kinds.POSITIVE_SPAN, LIVE)
    health_startup_timeout: int | None = _row(kinds.POSITIVE_SPAN, LIVE)
    health_startup_retries: int = _row(kinds.COUNT, LIVE, default=0)
    health_startup_success: int = _row(kinds.COUNT, LIVE, default=0)
    requires: tuple[str, ...] | None = _row(kinds.TEXT_SET)
    rm: bool = _row(kinds.BOOL, default=False)
    restart_policy: RestartPolicy = _row(kinds.RESTART_POLICY, LIVE, default=RestartPolicy())

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> ContainerSpec:
        """Make a spec from raw module options; raises InvalidOption and NotBuiltYet, each naming the option."""
        spec = cls(**{option.name: option.parse(raw) for option in OPTIONS})
        check_whole(spec)
        return spec

    def encode(self) -> dict[str, Any]:
        """Return the JSON form; unset options are left out."""
        pairs = ((option, getattr(self, option.name)) for option in OPTIONS)
        return {option.name: option.kind.encode(value) for option, value in pairs if value is not None}

    @classmethod
    def decode(cls, data: Mapping[str, Any]) -> ContainerSpec:
        """Return the spec from its JSON form; raises TypeError where a value is not of its option's type."""
        spec = cls(
            **{
                option.name: option.kind.decode(data[option.name])
                for option in OPTIONS
                if option.name in data
            }
        )
        typed.check(spec, data.keys())  # what an older engine did not know has its default
        return spec


def _options() -> Iterator[Option]:
    for item in fields(ContainerSpec):
        row = item.metadata["row"]
        arguments = row["arguments"] or (item.name,)
        yield Option(item.name, row["kind"], row["change"], item.default, arguments, row["compared"])


#: The table, in the order of the documentation.
OPTIONS: tuple[Option, ...] = tuple(_options())


def check_whole(spec: ContainerSpec) -> None:
    """Check what no option can tell alone."""
    _check_image(spec)
    _check_network(spec)
    namespaces.check(spec, usual_shm_size=DEFAULT_SHM_SIZE)
    _check_memory(spec)
    _check_cgroups(spec)
    _check_systemd(spec)
    _check_cpu(spec)
    log_options.check(spec.log_driver, spec.log_opt or {})
    both = sorted({*(spec.cap_add or ())} & {*(spec.cap_drop or ())})
    if both:
        raise InvalidOption("cap_drop", both[0], "is in cap_add too", remedy="Keep one of the two")
    if spec.rm and spec.restart_policy.persistent:
        raise InvalidOption(
            "restart_policy",
            str(spec.restart_policy),
            "starts again what rm: true removes",
            remedy="Keep one of the two",
        )
    if spec.rm and spec.stop_timeout < 0:
        raise InvalidOption(
            "stop_timeout",
            spec.stop_timeout,
            "never ends, which rm: true can't have",
            remedy="Write seconds, 0 or more",
        )


def _check_image(spec: ContainerSpec) -> None:
    if not spec.image:
        raise InvalidOption(
            "image",
            spec.image,
            "is needed",
            remedy=Words("Name an image, or a directory with ", Setting("rootfs", True)),
        )
    if spec.rootfs and not spec.image.startswith("/"):
        raise InvalidOption(
            "image",
            spec.image,
            "is no absolute path",
            remedy=Words("With ", Setting("rootfs", True), " it names a directory"),
        )


def _check_network(spec: ContainerSpec) -> None:
    if not spec.network:
        raise InvalidOption(
            "network",
            None,
            "is unset, and its default (bridge) is not built yet",
            remedy=Words("Write ", Setting("network", "host"), " or none, container:NAME or ns:PATH"),
        )
    of_host = [key for key in spec.sysctl or () if key.startswith("net") and "host" in spec.network]
    if of_host:
        raise InvalidOption(
            "sysctl",
            of_host[0],
            "is the host's with network: host",
            remedy="Set it on the host, as with ansible.posix.sysctl",
        )


def _check_cgroups(spec: ContainerSpec) -> None:
    limits = (
        "memory memory_reservation cpus cpu_period cpu_quota cpu_shares cpuset_cpus cpuset_mems pids_limit"
        " memory_swappiness blkio_weight device_cgroup_rule cgroup_conf cgroup_parent"
    ).split()
    told = [name for name in limits if getattr(spec, name) is not None]
    if spec.cgroups == DISABLED and told:
        raise InvalidOption(
            "cgroups",
            DISABLED,
            f"leaves nothing that {told[0]} could apply to",
            remedy=f"Leave out {told[0]}",
        )


def _check_systemd(spec: ContainerSpec) -> None:
    if spec.systemd != systemd_mode.ALWAYS:
        return
    if spec.init:
        raise InvalidOption(
            "init", True, "has another program than systemd be process 1", remedy="Leave out init or systemd"
        )
    if spec.cgroups == DISABLED:
        raise InvalidOption(
            "cgroups", DISABLED, "leaves systemd no control group to work in", remedy="Leave it out"
        )


def _check_cpu(spec: ContainerSpec) -> None:
    named = next((name for name in ("cpu_quota", "cpu_period") if getattr(spec, name) is not None), None)
    if spec.cpus is not None and named is not None:
        raise InvalidOption(
            named, getattr(spec, named), "says what cpus says too", remedy="Keep one of the two"
        )


def _check_memory(spec: ContainerSpec) -> None:
    if spec.memory_swap is None or spec.memory_swap < 0:
        return
    if spec.memory is None or spec.memory_swap < spec.memory:
        raise InvalidOption(
            "memory_swap",
            spec.memory_swap,
            "is below memory" if spec.memory else "needs a limit of memory",
            remedy="It is memory plus swap",
        )
