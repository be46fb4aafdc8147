# SPDX-License-Identifier: GPL-3.0-or-later
"""The one table of a container's options.

A field of ``ContainerOptions`` *is* a row: its kind says how the value is read, stored and compared and what a task may
write, its change what an alteration needs, and so on (option.py). The text below a row is its documentation, a paragraph for
each item; where a row has several arguments, or one that has options of its own, each has a part. The argument spec, the stored
form, the diff, the checks of cgroups and ``HostConfig`` are made from the rows when they are needed; the module's DOCUMENTATION
is written by ``make generated``, for texts below a row are no part of what Python compiles.
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

# What to do instead of options that are not built, where several have the same.
_POD = "Let containers share namespaces with network, ipc and pid: container:NAME"
_REGISTRY = "Leave it out; decrypt the image first, with skopeo"
_VARIABLES = "Write the variables in env or env_file"
_UNSET = "Set the variables to an empty text in env"
_STOP_TIME = "Write stop_time"
_RESULT = "Leave it out, and register the result: it has container.Id and container.State.Pid"
_DETACH = "Write detach: false, which waits for the end and returns the output"

#: Podman's default for /dev/shm (containers.conf(5), ``shm_size``).
DEFAULT_SHM_SIZE = 64 * 1024 * 1024
#: Podman's default seconds between the stop signal and KILL.
DEFAULT_STOP_TIMEOUT = 10


@dataclass(frozen=True, repr=False)  # a repr would show secrets of env, and be made at each task
class ContainerOptions:
    """A container's options in canonical form. ``None`` is unset: the image's or the engine's default holds.

    Symbolic names stay symbolic (image, user, volumes); they are resolved when the container is made or started.
    """

    name: str = row(kinds.NAME, LIVE, required=True, applied="lifecycle.converge.container")
    """Name of the container."""

    image: str = row(kinds.TEXT, compared=False, applied="lifecycle.container.start")
    """Name or id of the image, which must be on the host, see M(slipway.oci.image_load). With O(rootfs=true)
    the path of a directory.

    Compared is the image's id, so a name that means another image now is a change.
    """

    rootfs: bool = row(kinds.BOOL, default=False, applied="lifecycle.container.start")
    """Whether O(image) is a directory on the host that serves as root file system as it is.

    Unset is V(false).
    """

    command: tuple[str, ...] | None = row(kinds.COMMAND)
    """Command to run, as a list, or as one text that is split into words as a shell does.

    Unset, it is the image's.
    """

    entrypoint: tuple[str, ...] | None = row(kinds.ENTRYPOINT)
    """Program and first arguments that O(command) is handed to, as a list, as a JSON list in a text, or as the
    path of one program. An empty one means none, and the image's command is kept.

    Unset, it is the image's.
    """

    env: dict[str, str] | None = row(kinds.TEXTS)
    """Environment variables, over those of the image and of O(env_file)."""

    env_file: tuple[str, ...] | None = row(kinds.PATHS, aliases=("env_files",), applied=TASK)
    """Files on the host with a C(NAME=VALUE) in each line. Of two that set one variable, the later has it.

    They are read at each run, so a file that has changed is a change of O(env).
    """

    workdir: str | None = row(kinds.PATH, aliases=("working_dir",))
    """Directory in the container that the command starts in.

    Unset, it is the image's.
    """

    user: str | None = row(kinds.TEXT, applied="lifecycle.resources.accounts")
    """User that the command runs as, with or without a group, by name or number, as in V(app:app) or V(1000).
    Names are looked up in the container's own files.

    Unset, it is the image's.
    """

    group_add: tuple[str, ...] | None = row(
        kinds.TEXT_SET,
        aliases=("groups",),
        applied="lifecycle.resources.accounts",
        shown=("GroupAdd", []),
    )
    """Further groups of the user, by name or number."""

    hostname: str | None = row(kinds.HOSTNAME, applied="model.container.namespaces")
    """Host name in the container.

    Unset, it is the host's with O(network=host), else the first digits of the container's id.
    """

    label: dict[str, str] | None = row(
        kinds.TEXTS, LIVE, aliases=("labels",), applied="lifecycle.inspect.process"
    )
    """Labels of the container.

    Volumes that are made for a container with the label C(slipway.oci.owner) get that label too.
    """

    annotation: dict[str, str] | None = row(kinds.TEXTS)
    """Annotations of the container, which the OCI runtime gets as well."""

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
        What is mounted, as in V(SOURCE:DESTINATION:OPTIONS). A source that is a path is a bind mount, a
        name is a named volume, which is made if there is none. A destination alone gets an anonymous
        volume.

        An empty volume is filled with what the image has at that place, unless V(nocopy) is among the
        options.

        Options are those of podman, V(ro) or V(rw), V(rro) (read-only with all that is mounted below),
        V(nosuid), V(nodev), V(noexec) and their opposites, V(bind) (without what is mounted below) or
        V(rbind), V(private), V(rprivate), V(shared), V(rshared), V(slave), V(rslave), V(unbindable),
        V(runbindable), V(z), V(Z), V(U) (given to the container's user), V(idmap) or
        V(idmap=uids=0-1000-10;gids=0-100-10), V(nocreate) (the volume has to be there).

        V(O) shows an overlay, what is written to it is gone with the end of each run, or is kept with
        V(upperdir=/path) and V(workdir=/path).

        The source of a bind mount has to be there, unless V(create) is among the options, which makes a
        directory with mode 0755 before a start.

    mount:
        The same in the syntax V(type=bind,source=/path,destination=/path,ro=true). Types are V(bind),
        V(volume) (the default), V(tmpfs), V(ramfs), V(devpts) and V(image), whose source is the name of an
        image that is loaded; it is read-only unless V(rw=true).

        Besides the words of O(volume) and O(tmpfs) there are those of podman and docker, as in
        V(bind-propagation=rslave), V(bind-nonrecursive), V(bind-recursive=readonly), V(relabel=private),
        V(chown=true), V(create=true), V(subpath=dir) of a volume or an image, V(tmpfs-size=64m),
        V(tmpfs-mode=1777), and V(uid), V(gid), V(mode), V(ptmxmode), V(max) of V(devpts).

        A part with a comma stands in double quotes.

    tmpfs:
        Destinations of tmpfs mounts and their options, as in C(/tmp) and V(rw,size=64m,mode=1777).

        It holds what the image has at that place, unless V(notmpcopyup) is among the options. With V(U) it
        belongs to the container's user, with V(noswap) it stays in memory (Linux 6.4).
    """

    volumes_from: tuple[str, ...] | None = row(
        kinds.VOLUMES_FROM, applied="lifecycle.resources.implied_mounts", shown=("VolumesFrom", None)
    )
    """Containers whose bind mounts and volumes are mounted at the same places, as in V(NAME) or V(NAME:ro),
    with V(ro), V(rw), V(z). Where the container has a mount of its own it keeps that.

    They need not run, but can't be removed while this container is there. Overlays are not taken over.

    When they mount something else by now, that is a change of this container too.
    """

    image_volume: str = row(
        kinds.IMAGE_VOLUME, default=volumesfrom.ANONYMOUS, applied="lifecycle.resources.implied_mounts"
    )
    """What becomes of the volumes that the image declares, V(anonymous) (or V(bind), podman's other word for
    it) for anonymous volumes, V(tmpfs) for file systems in memory, V(ignore) for nothing.

    Unset is V(anonymous).
    """

    read_only: bool = row(kinds.BOOL, default=False, shown=("ReadonlyRootfs", False))
    """Whether the container can't write to its root file system.

    Unset is V(false).
    """

    read_only_tmpfs: bool = row(kinds.BOOL, default=True)
    """Whether C(/run), C(/tmp) and C(/var/tmp) can be written to with O(read_only), as file systems in memory.
    V(false) makes C(/dev) and C(/dev/shm) read-only too.

    Unset is V(true).
    """

    network: tuple[str, ...] = row(
        kinds.NETWORKS, LIVE, default=(), aliases=("net", "network_mode"), applied="model.container.networks"
    )
    """Networks that the container is in, by name, see M(slipway.oci.network). V(bridge) and V(private) are other
    words for the default one.

    After a name and a colon may stand what the container wants there, as in
    V(web:ip=10.89.0.5,alias=db), V(ip=ADDRESS) (also of IPv6), V(mac=ADDRESS), V(alias=NAME) (may be repeated),
    V(interface_name=NAME) in the container, V(host_interface_name=NAME) on the host, V(metric=NUMBER) of its routes,
    V(default_route=false).

    V(host) is the host's network, V(none) one that has only a loopback device, C(container:NAME) that of
    another container, C(ns:PATH) the one that a path names, as in V(ns:/run/netns/x). Each stands alone.

    Who shares a container's network has its C(/etc/hosts) and C(/etc/resolv.conf) too.

    A change to or from one of those that stand alone, and any where a network of plugins (CNI) is among them, needs
    C(recreate). Else interfaces come, go and get other routes
    while the container runs, and connections through those that do not change go on.

    Unset means the network V(slipway), which is made when it is first needed.
    """

    ip: str | None = row(kinds.IPV4, LIVE, applied="model.container.networks")
    """IPv4 address in the first of its networks. Unset, the engine chooses one, which the container keeps."""

    ip6: str | None = row(kinds.IPV6, LIVE, applied="model.container.networks")
    """IPv6 address in the first of its networks. Unset, the engine chooses one where the network has IPv6."""

    mac_address: str | None = row(kinds.MAC, LIVE, applied="model.container.networks")
    """MAC address in the first of its networks, as in V(92:d0:c6:0a:29:33). Unset, the engine chooses one."""

    link_local_ip: str | None = row(kinds.LINK_LOCAL, LIVE, applied="model.container.networks")
    """Link-local address, as V(169.254.7.1) or V(fe80::7), beside the others in the first of its networks, for whoever
    is in that one too. Nothing keeps two containers from having the same.
    """

    network_aliases: tuple[str, ...] | None = row(
        kinds.ALIASES, LIVE, aliases=("network_alias",), applied="model.container.networks"
    )
    """Further names of the container in all its networks."""

    publish: tuple[str, ...] | None = row(
        kinds.PUBLISHED,
        LIVE,
        aliases=("ports", "published", "published_ports"),
        applied="lifecycle.wiring.choose",
    )
    """Ports of the container that are reached at the host's, as in V(8080:80), V(127.0.0.1:53:53/udp),
    V([::1]:8000-8005:80-85), V(80) (at a port that the engine chooses and keeps). Protocols are V(tcp), V(udp) and
    V(sctp).

    A port of the host that is in use is refused before anything is changed.
    """

    publish_all: bool = row(
        kinds.BOOL, LIVE, default=False, applied="lifecycle.wiring.choose", shown=("PublishAllPorts", False)
    )
    """Whether all ports that the image or O(expose) calls exposed are published, each at a port of the host that the
    engine chooses.

    Unset is V(false).
    """

    expose: tuple[str, ...] | None = row(
        kinds.EXPOSED, LIVE, aliases=("exposed", "exposed_ports"), applied="lifecycle.wiring.choose"
    )
    """Ports to call exposed, as in V(80) or V(8000-8005/udp). It says what O(publish_all=true) publishes."""

    dns: tuple[str, ...] | None = row(
        kinds.NAME_SERVERS, aliases=("dns_servers",), applied="lifecycle.wiring.names", shown=("Dns", [])
    )
    """Addresses of name servers. V(none) leaves the image's C(/etc/resolv.conf) in its place.

    Unset means the host's.
    """

    dns_search: tuple[str, ...] | None = row(
        kinds.DOMAINS,
        aliases=("dns_search_domains",),
        applied="lifecycle.wiring.names",
        shown=("DnsSearch", []),
    )
    """Domains in which names are looked up. V(.) means none.

    Unset means the host's.
    """

    dns_option: tuple[str, ...] | None = row(
        kinds.RESOLVER_OPTIONS,
        aliases=("dns_opts",),
        applied="lifecycle.wiring.names",
        shown=("DnsOptions", []),
    )
    """Options of the resolver, as in V(ndots:2). Unset means the host's."""

    etc_hosts: dict[str, str] | None = row(
        kinds.HOST_NAMES, aliases=("add_hosts",), applied="lifecycle.wiring.names"
    )
    """Lines of C(/etc/hosts), host name to address. V(host-gateway) is the address by which the container reaches
    its host.
    """

    no_hosts: bool = row(kinds.BOOL, default=False, applied="lifecycle.wiring.name_files")
    """Whether the image's C(/etc/hosts) is left in its place.

    Unset is V(false).
    """

    no_hostname: bool = row(kinds.BOOL, default=False, applied="lifecycle.container.bundle")
    """Whether the image's C(/etc/hostname) is left in its place.

    Unset is V(false).
    """

    hosts_file: str | None = row(kinds.HOSTS_FILE, applied="lifecycle.wiring.name_files")
    """File of the host whose lines C(/etc/hosts) begins with, V(image) for the image's own, V(none) for no such lines.

    Unset means the host's C(/etc/hosts), but none with O(network=none).
    """

    ipc: str | None = row(kinds.IPC, aliases=("ipc_mode",))
    """Whose System V IPC, message queues and C(/dev/shm) the container has. V(shareable), one of its own that
    others may share, V(private), one that they may not, V(none), one without C(/dev/shm), V(host),
    C(container:NAME), or C(ns:PATH).

    Unset is V(shareable).
    """

    pid: str | None = row(kinds.PID, aliases=("pid_mode",))
    """Which processes the container sees. V(private), V(host), C(container:NAME), or C(ns:PATH).

    Unset is V(private).
    """

    uts: str | None = row(kinds.UTS)
    """Whose host name the container has. V(private), V(host), C(container:NAME), or C(ns:PATH).

    Unset is V(private).
    """

    cgroupns: str | None = row(kinds.CGROUPNS)
    """Which cgroups the container sees. V(private), V(host), C(container:NAME), or C(ns:PATH).

    Unset is V(private) with cgroups v2, else V(host).
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
        Whose user and group ids the container has. V(host); V(private), with those of O(uidmap), O(gidmap)
        or O(subuidname); V(auto), with ids that no other container has, as many as the image's accounts
        need, out of those that C(/etc/subuid) and C(/etc/subgid) give to user C(containers);
        C(container:NAME), or C(ns:PATH).

        After V(auto) may follow C(:size=N), C(uidmapping=C:H:S) and C(gidmapping=C:H:S), with commas
        between.

        The image is shown with these ids by idmapped mounts, where kernel and file system have them (Linux
        5.19), else the container gets a copy of it.

        Unset is V(host), or V(private) with O(uidmap), O(gidmap) or O(subuidname).

    uidmap:
        Which user ids of the host the container's are, as C(CONTAINER:HOST:SIZE), as in V(0:100000:65536).

        Unset is O(gidmap), if that is given.

    gidmap:
        Which group ids of the host the container's are, as in O(uidmap).

        Unset is O(uidmap), if that is given.

    subuidname:
        User whose ids of C(/etc/subuid) the container gets, from 0 on.

        Unset is O(subgidname), if that is given.

    subgidname:
        User whose ids of C(/etc/subgid) the container's groups get, from 0 on.

        Unset is O(subuidname), if that is given.
    """

    cap_add: tuple[str, ...] | None = row(kinds.CAPABILITIES, aliases=("capabilities",), shown=("CapAdd", []))
    """Capabilities to add, with or without C(CAP_), or V(ALL)."""

    cap_drop: tuple[str, ...] | None = row(kinds.CAPABILITIES, shown=("CapDrop", []))
    """Capabilities to drop, with or without C(CAP_), or V(ALL)."""

    privileged: bool = row(kinds.BOOL, default=False, shown=("Privileged", False))
    """Whether the container gets all capabilities and devices, and no seccomp profile.

    Unset is V(false).
    """

    security_opt: tuple[str, ...] | None = row(kinds.SECURITY, shown=("SecurityOpt", []))
    """Security options, as in V(no-new-privileges) or V(seccomp=unconfined).

    On hosts with AppArmor a container without V(apparmor=PROFILE) is confined by the profile
    C(slipway-default-1), which the engine loads; V(apparmor=unconfined) switches that off. A privileged
    container is not confined.
    """

    device: dict[str, Device] | None = row(kinds.DEVICES, applied="runtime.host")
    """Devices of the host, as in V(/dev/sdc:/dev/xvdc:rwm). A place where the container has a file or a
    directory is refused.
    """

    hooks_dir: tuple[str, ...] | None = row(kinds.PATHS, elements="str", applied="lifecycle.container.hooks")
    """Directories with OCI hooks, files C(*.json) as C(oci-hooks(5)) describes them. A file hides one of the
    same name in a directory before.

    They are read at each start. A missing directory, a broken file, and a program that is missing or can't
    be run are refused before anything is changed.

    What a hook does can't be tried beforehand, since it may make what there must not be two of. So where a
    hook fails in a container that replaces one that runs, that one has been stopped; it is started again, with
    its files, and the error says so.

    Unset means C(/usr/share/containers/oci/hooks.d) and C(/etc/containers/oci/hooks.d), where they are
    there. The path of an empty directory means no hooks.
    """

    memory: int | None = row(kinds.SIZE_LIMIT, LIVE, cgroup=ANY_VERSION, shown=("Memory", 0))
    """Limit of memory, a number with a unit b, k, m or g."""

    memory_reservation: int | None = row(
        kinds.SIZE_LIMIT, LIVE, cgroup=ANY_VERSION, shown=("MemoryReservation", 0)
    )
    """Memory that the container is left with when the host runs short of it, with a unit as in O(memory)."""

    memory_swap: int | None = row(kinds.SIZE_OR_UNLIMITED, LIVE, cgroup=ANY_VERSION)
    """Limit of memory and swap together, with a unit as in O(memory), or V(-1) for none."""

    cpus: int | None = row(kinds.CPUS, LIVE, cgroup=ANY_VERSION, shown=("NanoCpus", 0))
    """How many processors the container may use, as in V(1.5)."""

    cpu_period: int | None = row(kinds.CPU_PERIOD, LIVE, cgroup=ANY_VERSION)
    """Microseconds over which O(cpu_quota) counts. Not together with O(cpus)."""

    cpu_quota: int | None = row(kinds.CPU_QUOTA, LIVE, cgroup=ANY_VERSION)
    """Microseconds of processor time in each O(cpu_period), V(-1) for no limit. Not together with O(cpus)."""

    cpu_shares: int | None = row(kinds.SHARES, LIVE, cgroup=ANY_VERSION, shown=("CpuShares", 0))
    """Weight among the containers that want a processor."""

    cpuset_cpus: str | None = row(kinds.CPUSET, LIVE, cgroup=ANY_VERSION, shown=("CpusetCpus", ""))
    """Processors to run on, as in V(0-3,7)."""

    cpuset_mems: str | None = row(kinds.CPUSET, LIVE, cgroup=ANY_VERSION, shown=("CpusetMems", ""))
    """Memory nodes to use, as in V(0-1). Of use on hosts with more than one."""

    pids_limit: int | None = row(kinds.PIDS, LIVE, cgroup=ANY_VERSION)
    """How many processes there may be, V(-1) for no limit."""

    memory_swappiness: int | None = row(kinds.SWAPPINESS, cgroup=V1)
    """How readily the kernel swaps the container's memory, V(0) to V(100), V(-1) for the kernel's own. Only
    with cgroups v1.
    """

    oom_kill_disable: bool = row(kinds.BOOL, default=False, cgroup=V1, shown=("OomKillDisable", False))
    """Whether the kernel kills no process of the container when that has used up its O(memory). One that needs more waits
    then until the limit is raised or another ends, or is told that there is none. Only with cgroups v1.

    Unset is V(false).
    """

    blkio_weight: int | None = row(kinds.BLKIO_WEIGHT, LIVE, cgroup=ANY_VERSION, shown=("BlkioWeight", 0))
    """Weight of the container's block input and output, V(10) to V(1000), V(0) for the kernel's own."""

    device_cgroup_rule: tuple[str, ...] | None = row(kinds.DEVICE_RULES, cgroup=ANY_VERSION)
    """Devices that the container may use once it makes or gets them, as in V(c 42:* rwm)."""

    cgroup_conf: dict[str, str] | None = row(kinds.CGROUP_CONF, cgroup=V2, shown=("CgroupConf", None))
    """Files of the container's cgroup and what to write to them, as in C(memory.high) and a number of bytes.
    Only with cgroups v2.
    """

    oom_score_adj: int | None = row(kinds.OOM_SCORE_ADJ, shown=("OomScoreAdj", 0))
    """How soon the container's processes are killed when the host runs out of memory, V(-1000) (never) to
    V(1000) (first).
    """

    cgroups: str = row(kinds.CGROUPS, default=ENABLED, applied="lifecycle.resources.cgroup")
    """Whether there are control groups for the container and for C(conmon), which watches over it.

    With V(no-conmon) the latter stays in that of the task, and may be ended with the login session.

    V(disabled) makes none for the container either, so there are no limits. It needs C(crun).

    Unset means V(enabled).
    """

    cgroup_parent: str | None = row(
        kinds.CGROUP_PARENT,
        applied="lifecycle.resources.cgroup",
        cgroup=ANY_VERSION,
        shown=("CgroupParent", ""),
    )
    """Control group to make the container's below, a path as V(/web) with O(cgroup_manager=cgroupfs), a slice
    as V(web.slice) with O(cgroup_manager=systemd).

    Unset means C(/slipway) and C(system.slice).
    """

    ulimit: dict[str, tuple[int, int]] | None = row(kinds.ULIMITS, aliases=("ulimits",))
    """Limits of resources, as in V(nofile=1024:4096). What is above the host's own limit is lowered to it."""

    sysctl: dict[str, str] | None = row(kinds.SYSCTL, shown=("Sysctls", {}))
    """Kernel parameters of the container's namespaces."""

    shm_size: int = row(
        kinds.SIZE, default=DEFAULT_SHM_SIZE, applied="lifecycle.resources.mounts", shown=("ShmSize", 0)
    )
    """Size of C(/dev/shm), a number with a unit b, k, m or g.

    Unset is V(64m).
    """

    init: bool = row(kinds.BOOL, default=False, shown=("Init", False))
    """Whether a small init runs first, that reaps processes and hands signals on.

    Unset is V(false).
    """

    init_path: str | None = row(kinds.PATH, applied="runtime.host")
    """Program on the host that O(init=true) runs.

    Unset, it is catatonit, tini or dumb-init, the first that is installed.
    """

    systemd: str = row(kinds.SYSTEMD, default=systemd_mode.BY_COMMAND)
    """Whether systemd runs in the container, and so gets what it needs. C(/run), C(/run/lock), C(/tmp) and
    C(/var/log/journal) are file systems in memory, its control group can be written to, C(RTMIN+3) asks it
    to stop, and C(container_uuid) makes its machine id.

    V(true) means that it does so when the command is C(systemd) or an C(init) in C(/sbin), C(/usr/sbin) or
    C(/usr/local/sbin); V(always) means that it does in any case, V(false) in none.

    With cgroups v1 it needs the hierarchy C(name=systemd) on the host.

    Unset is V(true).
    """

    shm_size_systemd: int | None = row(kinds.SIZE_LIMIT)
    """Size of each of the file systems in memory that O(systemd) gives, a number with a unit b, k, m or g.

    Unset, it is half of the host's memory.
    """

    umask: str | None = row(kinds.UMASK)
    """Umask of the command, in octal and quoted.

    Unset is V(0022).
    """

    timezone: str | None = row(kinds.TIMEZONE, applied="lifecycle.container.bundle")
    """Time zone of the container, as in V(Europe/Berlin), or V(local) for the host's. It is the host's file
    that becomes C(/etc/localtime).
    """

    tty: bool = row(kinds.BOOL, default=False)
    """Whether the command gets a terminal.

    Unset is V(false).
    """

    interactive: bool = row(kinds.BOOL, default=False, applied="lifecycle.container.start")
    """Whether the command's input is kept open.

    Unset is V(false).
    """

    stop_signal: int | None = row(kinds.SIGNAL, LIVE, applied="model.container.program")
    """Signal that asks the container to stop, by name or number.

    Unset, it is the image's, else V(RTMIN+3) for systemd (O(systemd)), else V(SIGTERM).
    """

    stop_timeout: int = row(
        kinds.SECONDS, LIVE, default=DEFAULT_STOP_TIMEOUT, applied="lifecycle.container.stop"
    )
    """Seconds to wait after O(stop_signal) before the container is killed, V(-1) to wait without end.

    Unset is V(10).
    """

    log_driver: str = row(kinds.LOG_DRIVER, default=log_options.FILE, applied="lifecycle.container.start")
    """How the output of the container is kept. V(json-file) is another name of V(k8s-file).

    V(journald) keeps it in the journal of the host, which needs C(systemd-journald) and C(journalctl)
    there. The journal's own limits hold, of size and of lines in a time (C(RateLimitBurst) in
    C(journald.conf)). What the container wrote stays there when it is removed.

    Unset is V(k8s-file).
    """

    log_opt: dict[str, str] | None = row(
        kinds.LOG_OPTIONS, aliases=("log_options",), applied="lifecycle.container.start"
    )
    """Options of the log.

    max_file:
        How many files of the log are kept, the one that is written included. The others have V(.1), V(.2)
        and so on at the end of their name, V(.1) is the youngest.

        No line is lost when the next file is begun, and none is there twice; the log may grow over
        O(log_opt.max_size) by what the container writes within some tenths of a second.

        Unset means V(1). Needs O(log_opt.max_size).

    max_size:
        Size at which the log is begun anew, as in V(10m). What was in it is lost, unless
        O(log_opt.max_file) keeps it.

        For O(log_driver=k8s-file) alone, as is O(log_opt.max_file).

    path:
        File on the host to write the log to. For O(log_driver=k8s-file) alone.

        A symlink is refused, so is a file in a directory that anybody can write to and which is not sticky,
        and, with O(log_opt.max_size), one in a directory that is mounted in the container for writing.

    tag:
        What marks the lines in the journal, as C(CONTAINER_TAG) and C(SYSLOG_IDENTIFIER). For
        O(log_driver=journald) alone.

        C({{.ID}}), C({{.Name}}), C({{.Image}}) and C({{.ImageName}}) in it stand for the container's own,
        as they are when it starts. In a playbook write it with C(!unsafe), or Ansible takes them for its
        own.

        Unset, C(SYSLOG_IDENTIFIER) is the container's name.
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
        Command that tells by its exit code 0 whether the container is healthy. A text is run by C(/bin/sh
        -c) in the container, a list is run as it is; V(CMD), V(CMD-SHELL) and V(NONE) as first word mean
        what they mean in a Containerfile.

        V(none) switches off the check of the image. Unset is the check of the image, if it has one.

        One process checks all containers of a host. It is there as long as a container needs it.

    no_healthcheck:
        V(true) is the same as O(healthcheck=none).
    """

    healthcheck_interval: int | None = row(
        kinds.HEALTH_INTERVAL, LIVE, aliases=("health_interval",), applied="model.container.healthcheck"
    )
    """Time from the end of a check to the next, as in V(30s) or V(1m30s). The first is at the start. With
    V(disable) the check is only run by hand, with C(slipway healthcheck run).

    Unset is the image's, or V(30s).
    """

    healthcheck_timeout: int | None = row(
        kinds.POSITIVE_SPAN, LIVE, aliases=("health_timeout",), applied="model.container.healthcheck"
    )
    """Time that a check may take, as in V(5s). One that takes longer is killed with all that it started, and
    has failed.

    Unset is the image's, or V(30s).
    """

    healthcheck_start_period: int | None = row(
        kinds.SPAN, LIVE, aliases=("health_start_period",), applied="model.container.healthcheck"
    )
    """Time after the start in which failures do not count. A success makes the container healthy also then.

    Unset is the image's, or V(0s).
    """

    healthcheck_retries: int | None = row(
        kinds.POSITIVE_COUNT, LIVE, aliases=("health_retries",), applied="model.container.healthcheck"
    )
    """Failures one after another that make the container unhealthy.

    Unset is the image's, or 3.
    """

    healthcheck_failure_action: str = row(
        kinds.HEALTH_ACTION,
        LIVE,
        default="none",
        aliases=("health_on_failure",),
        applied="model.container.healthcheck",
    )
    """What to do with an unhealthy container. After V(kill) the restart policy decides; V(stop) stops it as a
    user does.

    Unset is V(none).
    """

    health_startup_cmd: tuple[str, ...] | None = row(
        kinds.HEALTH_TEST, LIVE, applied="model.container.healthcheck"
    )
    """Command of a check that comes before the regular one, written as O(healthcheck). The regular check
    begins when it has succeeded.
    """

    health_startup_interval: int | None = row(
        kinds.POSITIVE_SPAN, LIVE, applied="model.container.healthcheck"
    )
    """Time between two start-up checks. Unset is V(30s)."""

    health_startup_timeout: int | None = row(kinds.POSITIVE_SPAN, LIVE, applied="model.container.healthcheck")
    """Time that a start-up check may take. Unset is V(30s)."""

    health_startup_retries: int = row(kinds.COUNT, LIVE, default=0, applied="model.container.healthcheck")
    """Failures of the start-up check after which the container is restarted. Unset is 0, never."""

    health_startup_success: int = row(kinds.COUNT, LIVE, default=0, applied="model.container.healthcheck")
    """Successes of the start-up check that are needed. Unset is 0, the first is enough."""

    requires: tuple[str, ...] | None = row(kinds.TEXT_SET, applied="lifecycle.core.dependencies")
    """Names of containers that have to run when this one starts. A container whose namespace this one shares
    is needed without being named here. Circles are refused.
    """

    rm: bool = row(
        kinds.BOOL,
        default=False,
        aliases=("remove", "auto_remove"),
        applied="lifecycle.container.exited",
        shown=("AutoRemove", False),
    )
    """Whether the container is removed when it has ended, with its anonymous volumes.

    Unset is V(false).
    """

    restart_policy: RestartPolicy = row(
        kinds.RESTART_POLICY, LIVE, default=RestartPolicy(), applied="plan.restart"
    )
    """When the container is started again after its end. V(no) for never, V(on-failure) when its exit code is
    not 0 (V(on-failure:3) at most three times), V(always) and V(unless-stopped) whatever the code.

    A container that its user has stopped stays so, also over a reboot of the host.

    One that ends soon after its start waits longer each time, from a tenth of a second up to a minute; a
    run of ten seconds ends this.

    Unset is V(no). With O(rm=true) it can be V(no) or V(on-failure).
    """


class NotBuilt:
    """Options of podman_container that are refused so far, never ignored, by their type there; one that gets built moves up.

    ``no_log`` is said outright where a name sounds like a secret to Ansible.
    """

    attach = refused("list", _DETACH)
    """Streams to attach to."""

    blkio_weight_device = refused("dict")
    """The same for single devices."""

    chrootdirs = refused("str")
    """Directories in the container to treat as roots."""

    cidfile = refused("path", _RESULT, shown=("ContainerIDFile", ""))
    """File to write the container's id to."""

    conmon_pidfile = refused("path", _RESULT)
    """File to write the pid of conmon to."""

    cpu_rt_period = refused("int", shown=("CpuRealtimePeriod", 0))
    """Period of the real-time quota."""

    cpu_rt_runtime = refused("int", shown=("CpuRealtimeRuntime", 0))
    """Real-time processor time in each period."""

    decryption_key = refused("str", _REGISTRY, no_log=False)
    """Key to decrypt images with."""

    delete_time = refused("str", _STOP_TIME)
    """Seconds to wait for the container to stop before its removal."""

    detach_keys = refused("str", _DETACH, no_log=False)
    """Keys to detach from the container with."""

    device_read_bps = refused("list")
    """Limits of reading from devices in bytes per second."""

    device_read_iops = refused("list")
    """Limits of reading from devices in operations per second."""

    device_write_bps = refused("list")
    """Limits of writing to devices in bytes per second."""

    device_write_iops = refused("list")
    """Limits of writing to devices in operations per second."""

    env_host = refused("bool", _VARIABLES)
    """All variables of the host's environment."""

    env_merge = refused("dict", _VARIABLES)
    """Changes of the image's variables."""

    gpus = refused("str", "Name the devices in device")
    """Graphics processors."""

    group_entry = refused("str")
    """Line for C(/etc/group) of the container."""

    hostuser = refused("str")
    """Users of the host to add to C(/etc/passwd)."""

    http_proxy = refused("bool", _VARIABLES)
    """The host's proxy variables."""

    init_ctr = refused("str")
    """Initialisation of a pod by this container."""

    kernel_memory = refused("str", shown=("KernelMemory", 0))
    """Limit of the kernel's memory."""

    label_file = refused("str", "Write the labels in label")
    """File of labels."""

    log_level = refused("str", "Leave it out; the result's actions and timings tell what was done")
    """How much podman logs."""

    passwd = refused("bool", no_log=False)
    """Whether entries are added to C(/etc/passwd) and C(/etc/group)."""

    passwd_entry = refused("str", no_log=False)
    """Line for C(/etc/passwd) of the container."""

    personality = refused("str")
    """Execution domain."""

    pid_file = refused("path", _RESULT)
    """File to write the pid of the container to."""

    pod = refused("str", _POD)
    """Pod to run in."""

    pod_id_file = refused("path", _POD)
    """File with the id of the pod to run in."""

    preserve_fd = refused("list")
    """File descriptors to hand on."""

    preserve_fds = refused("str")
    """How many file descriptors to hand on."""

    rdt_class = refused("str")
    """Class of service (RDT)."""

    restart_time = refused("str", _STOP_TIME)
    """Seconds to wait for the container to stop before its restart."""

    rmi = refused("bool", "Remove the image by a task of its own with image_remove")
    """Whether the image is removed with the container."""

    sdnotify = refused("str")
    """Who gets the socket of systemd's notifications."""

    seccomp_policy = refused("str")
    """How to choose the seccomp profile."""

    secrets = refused(
        "list", "Mount a file with volume, or a tmpfs that a task fills with container_file", no_log=True
    )
    """Secrets to hand to the container."""

    sig_proxy = refused("bool", _DETACH)
    """Whether signals are handed on to the container."""

    timeout = refused("int", "Leave it out, and stop the container by a task with state: stopped")
    """Seconds after which the container is killed."""

    unsetenv = refused("list", _UNSET)
    """Variables of the image to leave out."""

    unsetenv_all = refused("bool", _UNSET)
    """Whether all variables of the image are left out."""


#: The table, in the order of the documentation.
OPTIONS: tuple[Option, ...] = tuple(
    named(item.name, item.metadata["row"]) for item in fields(ContainerOptions)
)
#: What is refused, by name.
REFUSED: Mapping[str, Refused] = {
    name: value for name, value in vars(NotBuilt).items() if isinstance(value, Refused)
}
