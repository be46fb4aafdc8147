# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of a container's options.

A field of ``ContainerOptions`` *is* a row: its kind defines how the value is parsed, stored and compared and what a task may
write, its change what applying a new value requires, and so on (option.py). The text below a row is its documentation, one
paragraph per item; a row with several arguments, or with suboptions, has one part for each. The argument spec, the stored
form, the diff, the cgroup checks and ``HostConfig`` are derived from the rows at run time. The module's DOCUMENTATION is
written by ``make generated``, because Python drops the texts below a row when it compiles the file.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...frozen import dataclass, fields
from ..mounts import volumes_from as volumesfrom
from ..mounts.mount import Mount
from . import kinds, log_options, systemd_mode
from .cgroup import ENABLED
from .kinds import of_type
from .limits import Device
from .option import ANY_VERSION, LIVE, TASK, V1, V2, Option, Refused, named, refused, row
from .restart_policy import RestartPolicy
from .userns import UserNamespace

# Remedies shared by several options that are not implemented.
_POD = "Share namespaces between containers with network, ipc and pid: container:NAME"
_REGISTRY = "Leave it out, and decrypt the image first, with skopeo"
_VARIABLES = "Set the variables in env or env_file"
_UNSET = "Set the variables to an empty string in env"
_STOP_TIME = "Use stop_time"
_RESULT = "Leave it out, and register the result: it has container.Id and container.State.Pid"
_DETACH = "Use detach: false, which waits for the container to exit and returns its output"

#: Podman's default for /dev/shm (containers.conf(5), ``shm_size``).
DEFAULT_SHM_SIZE = 64 * 1024 * 1024
#: Podman's default seconds between the stop signal and KILL.
DEFAULT_STOP_TIMEOUT = 10


@dataclass(frozen=True, repr=False)  # a repr would show secrets of env, and would be generated in each task
class ContainerOptions:
    """A container's options in canonical form. ``None`` is unset: the image's or the engine's default applies.

    Symbolic names (image, user, volumes) stay symbolic; they are resolved when the container is created or started.
    """

    name: str = row(kinds.NAME, LIVE, required=True, applied="lifecycle.converge.container")
    """Name of the container."""

    image: str = row(kinds.TEXT, compared=False, applied="lifecycle.container.start")
    """Name or ID of the image. An image that is not on the host is pulled, see O(pull). With O(rootfs=true),
    the path of a directory.

    Images are compared by ID, so a name that now refers to another image counts as a change.
    """

    rootfs: bool = row(kinds.BOOL, default=False, applied="lifecycle.container.start")
    """Whether O(image) is a directory on the host to use as the root file system, without a copy.

    Defaults to V(false).
    """

    command: tuple[str, ...] | None = row(kinds.COMMAND)
    """Command to run, as a list, or as a string that is split into words as a shell does.

    Defaults to the image's command.
    """

    entrypoint: tuple[str, ...] | None = row(kinds.ENTRYPOINT)
    """Program, with its first arguments, that receives O(command) as its remaining arguments. Write a list, a
    JSON list in a string, or the path of a single program. An empty value removes the image's entrypoint
    and keeps its command.

    Defaults to the image's entrypoint.
    """

    env: dict[str, str] | None = row(kinds.TEXTS)
    """Environment variables. They override those of the image and of O(env_file)."""

    env_file: tuple[str, ...] | None = row(kinds.PATHS, aliases=("env_files",), applied=TASK)
    """Files on the host with one C(NAME=VALUE) per line. If two files set the same variable, the later file
    wins.

    The files are read each time the task runs, so an edited file counts as a change of O(env).
    """

    workdir: str | None = row(kinds.PATH, aliases=("working_dir",))
    """Working directory of the command in the container.

    Defaults to the image's working directory.
    """

    user: str | None = row(kinds.TEXT, applied="lifecycle.resources.accounts")
    """User that runs the command, by name or number and with an optional group, as in V(app:app) or V(1000).
    Names are looked up in the container's own C(/etc/passwd) and C(/etc/group).

    Defaults to the image's user.
    """

    group_add: tuple[str, ...] | None = row(
        kinds.TEXT_SET,
        aliases=("groups",),
        applied="lifecycle.resources.accounts",
        shown=("GroupAdd", []),
    )
    """Supplementary groups of the user, by name or number."""

    hostname: str | None = row(kinds.HOSTNAME, applied="model.container.namespaces")
    """Host name of the container.

    Defaults to the host's name with O(network=host), otherwise to the first digits of the container's ID.
    """

    label: dict[str, str] | None = row(
        kinds.TEXTS, LIVE, aliases=("labels",), applied="lifecycle.inspect.process"
    )
    """Labels of the container.

    Volumes that are created for a container with the label C(slipway.oci.owner) get that label too.
    """

    annotation: dict[str, str] | None = row(kinds.TEXTS)
    """Annotations of the container. They are also passed to the OCI runtime."""

    mounts: dict[str, Mount] | None = row(
        kinds.MOUNTS,
        arguments={
            "volume": of_type("list", aliases=["volumes"]),
            "mount": of_type("list", aliases=["mounts"]),
            "tmpfs": of_type("dict"),
        },
    )
    """
    volume:
        Volumes and bind mounts, as in V(SOURCE:DESTINATION:OPTIONS). A source that is a path is bind mounted;
        a name is a named volume, which is created if it does not exist. A destination alone mounts an
        anonymous volume.

        An empty volume is filled with the image's content at the destination, unless V(nocopy) is among the
        options.

        The options are those of podman: V(ro) or V(rw), V(rro) (read-only, including submounts), V(nosuid),
        V(nodev), V(noexec) and their opposites, V(bind) (without submounts) or V(rbind), V(private),
        V(rprivate), V(shared), V(rshared), V(slave), V(rslave), V(unbindable), V(runbindable), V(z), V(Z),
        V(U) (change the owner to the container's user), V(idmap) or V(idmap=uids=0-1000-10;gids=0-100-10),
        V(nocreate) (the volume must exist).

        V(O) mounts the source as an overlay. Changes are discarded when the container stops, or kept with
        V(upperdir=/path) and V(workdir=/path).

        The source of a bind mount must exist, unless V(create) is among the options, which creates a
        directory with mode 0755 before each start.

    mount:
        Mounts in the syntax V(type=bind,source=/path,destination=/path,ro=true). The types are V(bind),
        V(volume) (the default), V(tmpfs), V(ramfs), V(devpts) and V(image). The source of V(image) is the
        name of a local image, which is mounted read-only unless V(rw=true).

        In addition to the options of O(volume) and O(tmpfs), those of podman and docker are accepted, as in
        V(bind-propagation=rslave), V(bind-nonrecursive), V(bind-recursive=readonly), V(relabel=private),
        V(chown=true), V(create=true), V(subpath=dir) of a volume or an image, V(tmpfs-size=64m),
        V(tmpfs-mode=1777), and V(uid), V(gid), V(mode), V(ptmxmode), V(max) of V(devpts).

        Put a part that contains a comma in double quotes.

    tmpfs:
        Destinations of tmpfs mounts, each with its options, as in C(/tmp) and V(rw,size=64m,mode=1777).

        A tmpfs is filled with the image's content at the destination, unless V(notmpcopyup) is among the
        options. With V(U) it is owned by the container's user; with V(noswap) it is not swapped out (Linux
        6.4).
    """

    volumes_from: tuple[str, ...] | None = row(
        kinds.VOLUMES_FROM, applied="lifecycle.resources.implied_mounts", shown=("VolumesFrom", None)
    )
    """Containers whose bind mounts and volumes are mounted at the same destinations, as in V(NAME) or
    V(NAME:ro), with the options V(ro), V(rw) and V(z). The container's own mounts take precedence.

    These containers need not run, but cannot be removed while this container exists. Overlays are not
    mounted.

    If the mounts of these containers have changed, that counts as a change of this container too.
    """

    image_volume: str = row(
        kinds.IMAGE_VOLUME, default=volumesfrom.ANONYMOUS, applied="lifecycle.resources.implied_mounts"
    )
    """What to mount at the volumes that the image declares. V(anonymous), or its other name V(bind), mounts
    anonymous volumes, V(tmpfs) mounts tmpfs file systems, and V(ignore) mounts nothing.

    Defaults to V(anonymous).
    """

    read_only: bool = row(kinds.BOOL, default=False, shown=("ReadonlyRootfs", False))
    """Whether the root file system is read-only.

    Defaults to V(false).
    """

    read_only_tmpfs: bool = row(kinds.BOOL, default=True)
    """Whether O(read_only=true) mounts a writable tmpfs at C(/run), C(/tmp) and C(/var/tmp). V(false) also
    makes C(/dev) and C(/dev/shm) read-only.

    Defaults to V(true).
    """

    network: tuple[str, ...] = row(
        kinds.NETWORKS, LIVE, default=(), aliases=("net", "network_mode"), applied="model.container.networks"
    )
    """Networks to attach the container to, by name, see M(slipway.oci.network). V(bridge) and V(private) are
    aliases of the default network.

    Options of the attachment follow the name and a colon, as in V(web:ip=10.89.0.5,alias=db). They are
    V(ip=ADDRESS) (also for IPv6), V(mac=ADDRESS), V(alias=NAME) (repeatable), V(interface_name=NAME) in the
    container, V(host_interface_name=NAME) on the host, V(metric=NUMBER) of its routes, and
    V(default_route=false).

    Instead of networks, exactly one mode may be named. V(host) uses the host's network namespace, V(none) a
    namespace with only a loopback device, C(container:NAME) that of another container, and C(ns:PATH) the
    namespace at a path, as in V(ns:/run/netns/x).

    A container that joins another container's network namespace also uses its C(/etc/hosts) and
    C(/etc/resolv.conf).

    Changing to or from one of these modes recreates the container, as does any change that involves a network
    of CNI plugins. All other changes add, remove and reroute interfaces while the container runs; connections
    through unchanged interfaces continue.

    Defaults to the network V(slipway), which is created when it is first needed.
    """

    ip: str | None = row(kinds.IPV4, LIVE, applied="model.container.networks")
    """IPv4 address in the container's first network. If unset, the engine assigns an address, which the
    container keeps.
    """

    ip6: str | None = row(kinds.IPV6, LIVE, applied="model.container.networks")
    """IPv6 address in the container's first network. If unset, the engine assigns one if the network has
    IPv6.
    """

    mac_address: str | None = row(kinds.MAC, LIVE, applied="model.container.networks")
    """MAC address in the container's first network, as in V(92:d0:c6:0a:29:33). If unset, the engine assigns
    one.
    """

    link_local_ip: str | None = row(kinds.LINK_LOCAL, LIVE, applied="model.container.networks")
    """Link-local address in the container's first network, in addition to its other addresses, as in
    V(169.254.7.1) or V(fe80::7). It is reachable from that network only. The engine does not prevent two
    containers from using the same address.
    """

    network_aliases: tuple[str, ...] | None = row(
        kinds.ALIASES, LIVE, aliases=("network_alias",), applied="model.container.networks"
    )
    """Additional names of the container in all its networks."""

    publish: tuple[str, ...] | None = row(
        kinds.PUBLISHED,
        LIVE,
        aliases=("ports", "published", "published_ports"),
        applied="lifecycle.wiring.choose",
    )
    """Ports to publish on the host, as in V(8080:80), V(127.0.0.1:53:53/udp), V([::1]:8000-8005:80-85), or
    V(80) (on a host port that the engine chooses and keeps). The protocols are V(tcp), V(udp) and V(sctp).

    A host port that is already in use is refused before anything is changed.
    """

    publish_all: bool = row(
        kinds.BOOL, LIVE, default=False, applied="lifecycle.wiring.choose", shown=("PublishAllPorts", False)
    )
    """Whether to publish all ports that the image or O(expose) exposes, each on a host port that the engine
    chooses.

    Defaults to V(false).
    """

    expose: tuple[str, ...] | None = row(
        kinds.EXPOSED, LIVE, aliases=("exposed", "exposed_ports"), applied="lifecycle.wiring.choose"
    )
    """Ports to mark as exposed, as in V(80) or V(8000-8005/udp). O(publish_all=true) publishes them."""

    dns: tuple[str, ...] | None = row(
        kinds.NAME_SERVERS, aliases=("dns_servers",), applied="lifecycle.wiring.names", shown=("Dns", [])
    )
    """Addresses of the name servers. V(none) keeps the image's C(/etc/resolv.conf).

    Defaults to the host's name servers.
    """

    dns_search: tuple[str, ...] | None = row(
        kinds.DOMAINS,
        aliases=("dns_search_domains",),
        applied="lifecycle.wiring.names",
        shown=("DnsSearch", []),
    )
    """Search domains for host names. V(.) means no search domains.

    Defaults to the host's search domains.
    """

    dns_option: tuple[str, ...] | None = row(
        kinds.RESOLVER_OPTIONS,
        aliases=("dns_opts",),
        applied="lifecycle.wiring.names",
        shown=("DnsOptions", []),
    )
    """Options of the resolver, as in V(ndots:2). Defaults to the host's options."""

    etc_hosts: dict[str, str] | None = row(
        kinds.HOST_NAMES, aliases=("add_hosts",), applied="lifecycle.wiring.names"
    )
    """Entries of C(/etc/hosts), from host name to address. The address V(host-gateway) stands for the address
    at which the container reaches the host.
    """

    no_hosts: bool = row(kinds.BOOL, default=False, applied="lifecycle.wiring.name_files")
    """Whether to keep the image's C(/etc/hosts).

    Defaults to V(false).
    """

    no_hostname: bool = row(kinds.BOOL, default=False, applied="lifecycle.container.bundle")
    """Whether to keep the image's C(/etc/hostname).

    Defaults to V(false).
    """

    hosts_file: str | None = row(kinds.HOSTS_FILE, applied="lifecycle.wiring.name_files")
    """File on the host whose lines are copied to the start of C(/etc/hosts); V(image) for the image's own
    file, V(none) for no such lines.

    Defaults to the host's C(/etc/hosts), or to V(none) with O(network=none).
    """

    ipc: str | None = row(kinds.IPC, aliases=("ipc_mode",))
    """IPC namespace of the container, which holds System V IPC objects, message queues and C(/dev/shm).
    V(shareable) creates a namespace that other containers can join, V(private) one that they cannot,
    V(none) one without C(/dev/shm). V(host) uses the host's namespace, C(container:NAME) that of another
    container, C(ns:PATH) the one at a path.

    Defaults to V(shareable).
    """

    pid: str | None = row(kinds.PID, aliases=("pid_mode",))
    """PID namespace of the container, which determines the processes that it sees. V(private), V(host),
    C(container:NAME), or C(ns:PATH).

    Defaults to V(private).
    """

    uts: str | None = row(kinds.UTS)
    """UTS namespace of the container, which holds its host name. V(private), V(host), C(container:NAME), or
    C(ns:PATH).

    Defaults to V(private).
    """

    cgroupns: str | None = row(kinds.CGROUPNS)
    """Cgroup namespace of the container, which determines the cgroups that it sees. V(private), V(host),
    C(container:NAME), or C(ns:PATH).

    Defaults to V(private) with cgroups v2, otherwise to V(host).
    """

    userns: UserNamespace | None = row(
        kinds.USERNS,
        arguments={
            "userns": of_type("str", aliases=["userns_mode"]),
            "uidmap": of_type("list"),
            "gidmap": of_type("list"),
            "subuidname": of_type("str"),
            "subgidname": of_type("str"),
        },
        applied="lifecycle.resources.id_mapping",
    )
    """
    userns:
        User namespace of the container. V(host) uses the host's. V(private) creates one that maps the IDs of
        O(uidmap), O(gidmap) or O(subuidname). V(auto) creates one with as many IDs as the accounts of the
        image need, which no other container uses; they are taken from the ranges of user C(containers) in
        C(/etc/subuid) and C(/etc/subgid). C(container:NAME) joins the namespace of another container, and
        C(ns:PATH) the one at a path.

        V(auto) accepts C(:size=N), C(uidmapping=C:H:S) and C(gidmapping=C:H:S), separated by commas.

        The image's files are mapped to these IDs by idmapped mounts if the kernel and the file system support
        them (Linux 5.19). Otherwise the container gets a copy of the image.

        Defaults to V(host), or to V(private) with O(uidmap), O(gidmap) or O(subuidname).

    uidmap:
        Mapping of the container's user IDs to those of the host, as C(CONTAINER:HOST:SIZE), for example
        V(0:100000:65536).

        Defaults to O(gidmap).

    gidmap:
        Mapping of the container's group IDs to those of the host, in the form of O(uidmap).

        Defaults to O(uidmap).

    subuidname:
        User whose range in C(/etc/subuid) the container's user IDs are mapped to, starting at 0.

        Defaults to O(subgidname).

    subgidname:
        User whose range in C(/etc/subgid) the container's group IDs are mapped to, starting at 0.

        Defaults to O(subuidname).
    """

    cap_add: tuple[str, ...] | None = row(kinds.CAPABILITIES, aliases=("capabilities",), shown=("CapAdd", []))
    """Capabilities to add, with or without the prefix C(CAP_), or V(ALL)."""

    cap_drop: tuple[str, ...] | None = row(kinds.CAPABILITIES, shown=("CapDrop", []))
    """Capabilities to drop, with or without the prefix C(CAP_), or V(ALL)."""

    privileged: bool = row(kinds.BOOL, default=False, shown=("Privileged", False))
    """Whether the container gets all capabilities and all devices of the host, and no seccomp profile.

    Defaults to V(false).
    """

    security_opt: tuple[str, ...] | None = row(kinds.SECURITY, shown=("SecurityOpt", []))
    """Security options, as in V(no-new-privileges) or V(seccomp=unconfined).

    On a host with AppArmor, a container without V(apparmor=PROFILE) is confined by the profile
    C(slipway-default-1), which the engine loads. V(apparmor=unconfined) turns this off. A privileged
    container is not confined.
    """

    device: dict[str, Device] | None = row(kinds.DEVICES, applied="runtime.host")
    """Devices of the host to add, as in V(/dev/sdc:/dev/xvdc:rwm). A destination that is a file or a
    directory of the container is refused.
    """

    hooks_dir: tuple[str, ...] | None = row(kinds.PATHS, elements="str", applied="lifecycle.container.hooks")
    """Directories with OCI hooks, which are C(*.json) files in the format of C(oci-hooks(5)). A file
    overrides files of the same name in earlier directories.

    The hooks are read at each start. A missing directory, an invalid file, and a program that is missing or
    not executable are refused before anything is changed.

    Hooks cannot be tried beforehand, because they may create things that can exist only once. If a hook fails
    in a container that replaces a running one, the running one has already been stopped. It is then restarted
    with its files, and the error reports this.

    Defaults to C(/usr/share/containers/oci/hooks.d) and C(/etc/containers/oci/hooks.d), as far as they exist.
    Name an empty directory to run no hooks.
    """

    memory: int | None = row(kinds.SIZE_LIMIT, LIVE, cgroup=ANY_VERSION, shown=("Memory", 0))
    """Memory limit, a number with a unit b, k, m or g, as in V(512m)."""

    memory_reservation: int | None = row(
        kinds.SIZE_LIMIT, LIVE, cgroup=ANY_VERSION, shown=("MemoryReservation", 0)
    )
    """Memory that the kernel tries to leave to the container when the host runs short of memory, in the form
    of O(memory).
    """

    memory_swap: int | None = row(kinds.SIZE_OR_UNLIMITED, LIVE, cgroup=ANY_VERSION)
    """Limit of memory and swap together, in the form of O(memory), or V(-1) for no limit."""

    cpus: int | None = row(kinds.CPUS, LIVE, cgroup=ANY_VERSION, shown=("NanoCpus", 0))
    """Number of processors that the container may use, as in V(1.5)."""

    cpu_period: int | None = row(kinds.CPU_PERIOD, LIVE, cgroup=ANY_VERSION)
    """Period of O(cpu_quota), in microseconds. Mutually exclusive with O(cpus)."""

    cpu_quota: int | None = row(kinds.CPU_QUOTA, LIVE, cgroup=ANY_VERSION)
    """Processor time that the container may use in each O(cpu_period), in microseconds, or V(-1) for no
    limit. Mutually exclusive with O(cpus).
    """

    cpu_shares: int | None = row(kinds.SHARES, LIVE, cgroup=ANY_VERSION, shown=("CpuShares", 0))
    """Relative weight of the container when processors are contended."""

    cpuset_cpus: str | None = row(kinds.CPUSET, LIVE, cgroup=ANY_VERSION, shown=("CpusetCpus", ""))
    """Processors that the container may run on, as in V(0-3,7)."""

    cpuset_mems: str | None = row(kinds.CPUSET, LIVE, cgroup=ANY_VERSION, shown=("CpusetMems", ""))
    """Memory nodes that the container may use, as in V(0-1). Useful only on a NUMA host."""

    pids_limit: int | None = row(kinds.PIDS, LIVE, cgroup=ANY_VERSION)
    """Maximum number of processes, or V(-1) for no limit."""

    memory_swappiness: int | None = row(kinds.SWAPPINESS, cgroup=V1)
    """How readily the kernel swaps out the container's memory, from V(0) to V(100), or V(-1) for the kernel's
    default. Only with cgroups v1.
    """

    oom_kill_disable: bool = row(kinds.BOOL, default=False, cgroup=V1, shown=("OomKillDisable", False))
    """Whether to disable the OOM killer for the container. A process that needs more than O(memory) then
    waits until the limit is raised or another process exits, or its allocation fails. Only with cgroups
    v1.

    Defaults to V(false).
    """

    blkio_weight: int | None = row(kinds.BLKIO_WEIGHT, LIVE, cgroup=ANY_VERSION, shown=("BlkioWeight", 0))
    """Relative weight of the container's block I/O, from V(10) to V(1000), or V(0) for the kernel's default.
    """

    device_cgroup_rule: tuple[str, ...] | None = row(kinds.DEVICE_RULES, cgroup=ANY_VERSION)
    """Rules for devices that the container may use if it creates or receives their nodes, as in V(c 42:*
    rwm).
    """

    cgroup_conf: dict[str, str] | None = row(kinds.CGROUP_CONF, cgroup=V2, shown=("CgroupConf", None))
    """Values to write to files of the container's cgroup, by file name, as in C(memory.high) and a number of
    bytes. Only with cgroups v2.
    """

    oom_score_adj: int | None = row(kinds.OOM_SCORE_ADJ, shown=("OomScoreAdj", 0))
    """OOM score adjustment of the container's processes, from V(-1000) (never killed) to V(1000) (killed
    first).
    """

    cgroups: str = row(kinds.CGROUPS, default=ENABLED, applied="lifecycle.resources.cgroup")
    """Whether to create cgroups for the container and for its monitor, C(conmon).

    With V(no-conmon), C(conmon) stays in the cgroup of the task, and may be killed when the login session
    ends.

    With V(disabled), there is no cgroup for the container either, and thus no limits. This requires C(crun).

    Defaults to V(enabled).
    """

    cgroup_parent: str | None = row(
        kinds.CGROUP_PARENT,
        applied="lifecycle.resources.cgroup",
        cgroup=ANY_VERSION,
        shown=("CgroupParent", ""),
    )
    """Parent of the container's cgroup, a path as in V(/web) with O(cgroup_manager=cgroupfs), or a slice as
    in V(web.slice) with O(cgroup_manager=systemd).

    Defaults to C(/slipway) and C(system.slice), respectively.
    """

    ulimit: dict[str, tuple[int, int]] | None = row(kinds.ULIMITS, aliases=("ulimits",))
    """Resource limits, as in V(nofile=1024:4096). A value above the host's own limit is lowered to it."""

    sysctl: dict[str, str] | None = row(kinds.SYSCTL, shown=("Sysctls", {}))
    """Kernel parameters of the container's namespaces, as in C(net.ipv4.ip_forward) and V('1')."""

    shm_size: int = row(
        kinds.SIZE, default=DEFAULT_SHM_SIZE, applied="lifecycle.resources.mounts", shown=("ShmSize", 0)
    )
    """Size of C(/dev/shm), a number with a unit b, k, m or g.

    Defaults to V(64m).
    """

    init: bool = row(kinds.BOOL, default=False, shown=("Init", False))
    """Whether to run a small init as PID 1, which reaps zombie processes and forwards signals.

    Defaults to V(false).
    """

    init_path: str | None = row(kinds.PATH, applied="runtime.host")
    """Program on the host that O(init=true) runs.

    Defaults to the first of catatonit, tini and dumb-init that is installed.
    """

    systemd: str = row(kinds.SYSTEMD, default=systemd_mode.BY_COMMAND)
    """Whether to prepare the container for systemd as PID 1. C(/run), C(/run/lock), C(/tmp) and
    C(/var/log/journal) are tmpfs file systems, its cgroup is writable, C(RTMIN+3) is the stop signal, and
    the variable C(container_uuid) sets its machine ID.

    V(true) does so if the command is C(systemd), or C(init) in C(/sbin), C(/usr/sbin) or C(/usr/local/sbin).
    V(always) does so for every command, V(false) for none.

    With cgroups v1, the host must have the hierarchy C(name=systemd).

    Defaults to V(true).
    """

    shm_size_systemd: int | None = row(kinds.SIZE_LIMIT)
    """Size of each tmpfs that O(systemd) mounts, a number with a unit b, k, m or g.

    Defaults to half of the host's memory.
    """

    umask: str | None = row(kinds.UMASK)
    """Umask of the command, in octal and quoted.

    Defaults to V(0022).
    """

    timezone: str | None = row(kinds.TIMEZONE, applied="lifecycle.container.bundle")
    """Time zone of the container, as in V(Europe/Berlin), or V(local) for the host's. The host's time zone
    file becomes C(/etc/localtime).
    """

    tty: bool = row(kinds.BOOL, default=False)
    """Whether to allocate a terminal for the command.

    Defaults to V(false).
    """

    interactive: bool = row(kinds.BOOL, default=False, applied="lifecycle.container.start")
    """Whether to keep the standard input of the command open.

    Defaults to V(false).
    """

    stop_signal: int | None = row(kinds.SIGNAL, LIVE, applied="model.container.program")
    """Signal that stops the container, by name or number.

    Defaults to the image's stop signal, otherwise to V(RTMIN+3) for systemd (see O(systemd)), otherwise to
    V(SIGTERM).
    """

    stop_timeout: int = row(
        kinds.SECONDS, LIVE, default=DEFAULT_STOP_TIMEOUT, applied="lifecycle.container.stop"
    )
    """Seconds to wait after O(stop_signal) before the container is killed, or V(-1) to wait indefinitely.

    Defaults to V(10).
    """

    log_driver: str = row(kinds.LOG_DRIVER, default=log_options.FILE, applied="lifecycle.container.start")
    """Where the container's output is logged. V(json-file) is an alias of V(k8s-file).

    V(journald) writes to the host's journal, which requires C(systemd-journald) and C(journalctl) on the
    host. The limits of the journal apply, both of its size and of its rate (C(RateLimitBurst) in
    C(journald.conf)). Messages stay in the journal when the container is removed.

    Defaults to V(k8s-file).
    """

    log_opt: dict[str, str] | None = row(
        kinds.LOG_OPTIONS, aliases=("log_options",), applied="lifecycle.container.start"
    )
    """Options of the log driver.

    max_file:
        Number of log files to keep, including the current one. Older files have the suffixes V(.1), V(.2) and
        so on; V(.1) is the most recent.

        Rotation neither loses nor repeats lines. The log may exceed O(log_opt.max_size) by what the container
        writes within some tenths of a second.

        Defaults to V(1). Requires O(log_opt.max_size).

    max_size:
        Size at which the log is rotated, as in V(10m). Its content is discarded, unless O(log_opt.max_file)
        keeps it.

        Only for O(log_driver=k8s-file), like O(log_opt.max_file).

    path:
        File on the host to write the log to. Only for O(log_driver=k8s-file).

        Refused are a symbolic link, a file in a world-writable directory without the sticky bit, and, with
        O(log_opt.max_size), a file in a directory that is mounted in the container read-write.

    tag:
        Tag of the messages in the journal, as C(CONTAINER_TAG) and C(SYSLOG_IDENTIFIER). Only for
        O(log_driver=journald).

        C({{.ID}}), C({{.Name}}), C({{.Image}}) and C({{.ImageName}}) are replaced by the container's values
        at its start. In a playbook, mark the text as C(!unsafe), otherwise Ansible evaluates the braces
        itself.

        If unset, C(SYSLOG_IDENTIFIER) is the container's name.
    """

    healthcheck: tuple[str, ...] | None = row(
        kinds.HEALTH,
        LIVE,
        arguments={
            "healthcheck": of_type("raw", aliases=["health_cmd"]),
            "no_healthcheck": of_type("bool"),
        },
        applied="model.container.healthcheck",
    )
    """
    healthcheck:
        Command whose exit status 0 means that the container is healthy. A string is run by C(/bin/sh -c) in
        the container, a list without a shell. V(CMD), V(CMD-SHELL) and V(NONE) as the first word have the
        meaning that they have in a Containerfile.

        V(none) disables the image's health check. Defaults to the image's health check, if it has one.

        A single process per host runs the health checks of all containers. It runs as long as a container
        needs it.

    no_healthcheck:
        V(true) is equivalent to O(healthcheck=none).
    """

    healthcheck_interval: int | None = row(
        kinds.HEALTH_INTERVAL, LIVE, aliases=("health_interval",), applied="model.container.healthcheck"
    )
    """Time between the end of one check and the start of the next, as in V(30s) or V(1m30s). The first check
    runs at the start. With V(disable), the check runs only on demand, by C(slipway healthcheck run).

    Defaults to the image's interval, otherwise to V(30s).
    """

    healthcheck_timeout: int | None = row(
        kinds.POSITIVE_SPAN, LIVE, aliases=("health_timeout",), applied="model.container.healthcheck"
    )
    """Timeout of a check, as in V(5s). A check that exceeds it is killed, with all processes that it started,
    and counts as failed.

    Defaults to the image's timeout, otherwise to V(30s).
    """

    healthcheck_start_period: int | None = row(
        kinds.SPAN, LIVE, aliases=("health_start_period",), applied="model.container.healthcheck"
    )
    """Time after the start during which failures do not count. A success during this time makes the container
    healthy.

    Defaults to the image's start period, otherwise to V(0s).
    """

    healthcheck_retries: int | None = row(
        kinds.POSITIVE_COUNT, LIVE, aliases=("health_retries",), applied="model.container.healthcheck"
    )
    """Number of consecutive failures after which the container is unhealthy.

    Defaults to the image's number, otherwise to V(3).
    """

    healthcheck_failure_action: str = row(
        kinds.HEALTH_ACTION,
        LIVE,
        default="none",
        aliases=("health_on_failure",),
        applied="model.container.healthcheck",
    )
    """Action to take when the container becomes unhealthy. After V(kill), the restart policy applies; V(stop)
    stops the container as a user does.

    Defaults to V(none).
    """

    health_startup_cmd: tuple[str, ...] | None = row(
        kinds.HEALTH_TEST, LIVE, applied="model.container.healthcheck"
    )
    """Command of a startup check, in the form of O(healthcheck). The regular check begins when the startup
    check has succeeded.
    """

    health_startup_interval: int | None = row(
        kinds.POSITIVE_SPAN, LIVE, applied="model.container.healthcheck"
    )
    """Time between two startup checks. Defaults to V(30s)."""

    health_startup_timeout: int | None = row(kinds.POSITIVE_SPAN, LIVE, applied="model.container.healthcheck")
    """Timeout of a startup check. Defaults to V(30s)."""

    health_startup_retries: int = row(kinds.COUNT, LIVE, default=0, applied="model.container.healthcheck")
    """Number of failed startup checks after which the container is restarted. Defaults to V(0), which never
    restarts it.
    """

    health_startup_success: int = row(kinds.COUNT, LIVE, default=0, applied="model.container.healthcheck")
    """Number of successful startup checks that are required. Defaults to V(0), which means that the first
    success is enough.
    """

    requires: tuple[str, ...] | None = row(kinds.TEXT_SET, applied="lifecycle.core.dependencies")
    """Names of containers that must run when this one starts. A container whose namespace this one joins is
    required without being named here. Cycles are refused.
    """

    rm: bool = row(
        kinds.BOOL,
        default=False,
        aliases=("remove", "auto_remove"),
        applied="lifecycle.container.exited",
        shown=("AutoRemove", False),
    )
    """Whether to remove the container when it exits, with its anonymous volumes.

    Defaults to V(false).
    """

    restart_policy: RestartPolicy = row(
        kinds.RESTART_POLICY, LIVE, default=RestartPolicy(), applied="plan.restart"
    )
    """When to restart the container after it exits. V(no) never restarts it, V(on-failure) if its exit status
    is not 0 (V(on-failure:3) at most three times), V(always) and V(unless-stopped) in any case.

    A container that the user has stopped remains stopped, even after a reboot of the host.

    If the container exits soon after its start, the delay before the next restart grows from a tenth of a
    second up to a minute. A run of ten seconds resets the delay.

    Defaults to V(no). With O(rm=true) only V(no) and V(on-failure) are valid.
    """


class NotBuilt:
    """Options of podman_container that are not implemented, with their types there. They are refused, never ignored.

    An option that gets implemented moves to ``ContainerOptions``. ``no_log`` is explicit where Ansible would take the name
    for a secret.
    """

    attach = refused("list", _DETACH)
    """Streams to attach to."""

    blkio_weight_device = refused("dict")
    """Relative weights of the block I/O of single devices."""

    chrootdirs = refused("str")
    """Directories in the container to treat as root directories."""

    cidfile = refused("path", _RESULT, shown=("ContainerIDFile", ""))
    """File to write the container's ID to."""

    conmon_pidfile = refused("path", _RESULT)
    """File to write the PID of conmon to."""

    cpu_rt_period = refused("int", shown=("CpuRealtimePeriod", 0))
    """Period of the real-time quota."""

    cpu_rt_runtime = refused("int", shown=("CpuRealtimeRuntime", 0))
    """Real-time processor time in each period."""

    decryption_key = refused("str", _REGISTRY, no_log=False)
    """Key to decrypt the image with."""

    delete_time = refused("str", _STOP_TIME)
    """Seconds to wait for the container to stop before it is removed."""

    detach_keys = refused("str", _DETACH, no_log=False)
    """Key sequence that detaches from the container."""

    device_read_bps = refused("list")
    """Read limits of devices, in bytes per second."""

    device_read_iops = refused("list")
    """Read limits of devices, in operations per second."""

    device_write_bps = refused("list")
    """Write limits of devices, in bytes per second."""

    device_write_iops = refused("list")
    """Write limits of devices, in operations per second."""

    env_host = refused("bool", _VARIABLES)
    """Whether to pass all of the host's environment variables."""

    env_merge = refused("dict", _VARIABLES)
    """Variables to compute from those of the image."""

    gpus = refused("str", "Name the devices in device")
    """GPUs to add."""

    group_entry = refused("str")
    """Entry to add to the container's C(/etc/group)."""

    hostuser = refused("str")
    """Users of the host to add to the container's C(/etc/passwd)."""

    http_proxy = refused("bool", _VARIABLES)
    """Whether to pass the host's proxy variables."""

    init_ctr = refused("str")
    """When to run the container as an init container of its pod."""

    kernel_memory = refused("str", shown=("KernelMemory", 0))
    """Limit of kernel memory."""

    label_file = refused("str", "Set the labels in label")
    """File to read labels from."""

    log_level = refused("str", "Leave it out; the result's actions and timings show what was done")
    """Verbosity of podman's own log."""

    passwd = refused("bool", no_log=False)
    """Whether to add entries to the container's C(/etc/passwd) and C(/etc/group)."""

    passwd_entry = refused("str", no_log=False)
    """Entry to add to the container's C(/etc/passwd)."""

    personality = refused("str")
    """Execution domain of the container's processes."""

    pid_file = refused("path", _RESULT)
    """File to write the PID of the container to."""

    pod = refused("str", _POD)
    """Pod to run the container in."""

    pod_id_file = refused("path", _POD)
    """File with the ID of the pod to run the container in."""

    preserve_fd = refused("list")
    """File descriptors to pass to the container."""

    preserve_fds = refused("str")
    """Number of additional file descriptors to pass to the container."""

    rdt_class = refused("str")
    """RDT class of service."""

    restart_time = refused("str", _STOP_TIME)
    """Seconds to wait for the container to stop before it is restarted."""

    rmi = refused("bool", "Remove the image in a separate task, with image_remove")
    """Whether to remove the image with the container."""

    sdnotify = refused("str")
    """Mode of systemd's readiness notification."""

    seccomp_policy = refused("str")
    """How to choose the seccomp profile."""

    secrets = refused("list", "Mount a file with volume, or fill a tmpfs with container_file", no_log=True)
    """Secrets to mount in the container."""

    sig_proxy = refused("bool", _DETACH)
    """Whether to forward signals to the container."""

    timeout = refused("int", "Leave it out, and stop the container in a task with state: stopped")
    """Seconds after which the container is killed."""

    unsetenv = refused("list", _UNSET)
    """Variables of the image to unset."""

    unsetenv_all = refused("bool", _UNSET)
    """Whether to unset all variables of the image."""


#: The table, in the order of the documentation.
OPTIONS: tuple[Option, ...] = tuple(
    named(item.name, item.metadata["row"]) for item in fields(ContainerOptions)
)
#: The refused options, by name.
REFUSED: Mapping[str, Refused] = {
    name: value for name, value in vars(NotBuilt).items() if isinstance(value, Refused)
}
