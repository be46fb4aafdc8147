#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run containers."""

from __future__ import annotations

# `make generated` writes the options, from _engine/model/container/options.py and _module/tasks/container_options.py.
DOCUMENTATION = r"""
module: container
short_description: Run OCI containers without podman, docker or a daemon
version_added: 0.1.0
description:
  - Creates, starts, updates, stops and removes a container. The container engine is part of the collection.
  - The options have the names, aliases and syntax of M(containers.podman.podman_container). Those that are not
    implemented yet are refused, never ignored.
  - The task is compared with the configuration that was last applied to the container, option by option. If nothing
    differs, nothing is done.
  - The description of each option says whether it can be changed while the container runs, or whether changing it
    recreates the container. A container is recreated by stopping it, removing it and creating it again. Its volumes
    keep their data, including anonymous ones.
  - A task that sets no option of the container (only O(name) and O(state), for example) keeps its configuration and
    only changes its state.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.podman
  - slipway.oci.podman.debug
  - slipway.oci.podman.quadlet
  - slipway.oci.podman.container
  - slipway.oci.not_built
  - slipway.oci.attributes
author:
  - Slipway authors (@slipway)
options:
  name:
    description:
      - Name of the container.
    type: str
    required: true
  image:
    description:
      - Name or ID of the image. An image that is not on the host is pulled, see O(pull). With O(rootfs=true), the path
        of a directory.
      - Images are compared by ID, so a name that now refers to another image counts as a change.
      - Changing this recreates the container.
    type: str
  rootfs:
    description:
      - Whether O(image) is a directory on the host to use as the root file system, without a copy.
      - Defaults to V(false).
      - Changing this recreates the container.
    type: bool
  command:
    description:
      - Command to run, as a list, or as a string that is split into words as a shell does.
      - Defaults to the image's command.
      - Changing this recreates the container.
    type: raw
  entrypoint:
    description:
      - Program, with its first arguments, that receives O(command) as its remaining arguments. Write a list, a JSON
        list in a string, or the path of a single program. An empty value removes the image's entrypoint and keeps its
        command.
      - Defaults to the image's entrypoint.
      - Changing this recreates the container.
    type: raw
  env:
    description:
      - Environment variables. They override those of the image and of O(env_file).
      - Changing this recreates the container.
    type: dict
  env_file:
    description:
      - Files on the host with one C(NAME=VALUE) per line. If two files set the same variable, the later file wins.
      - The files are read each time the task runs, so an edited file counts as a change of O(env).
      - Changing this recreates the container.
    type: list
    elements: path
    aliases: [env_files]
  workdir:
    description:
      - Working directory of the command in the container.
      - Defaults to the image's working directory.
      - Changing this recreates the container.
    type: str
    aliases: [working_dir]
  user:
    description:
      - User that runs the command, by name or number and with an optional group, as in V(app:app) or V(1000). Names are
        looked up in the container's own C(/etc/passwd) and C(/etc/group).
      - Defaults to the image's user.
      - Changing this recreates the container.
    type: str
  group_add:
    description:
      - Supplementary groups of the user, by name or number.
      - Changing this recreates the container.
    type: list
    elements: str
    aliases: [groups]
  hostname:
    description:
      - Host name of the container.
      - Defaults to the host's name with O(network=host), otherwise to the first digits of the container's ID.
      - Changing this recreates the container.
    type: str
  label:
    description:
      - Labels of the container.
      - Volumes that are created for a container with the label C(slipway.oci.owner) get that label too.
      - Can be changed while the container runs.
    type: dict
    aliases: [labels]
  annotation:
    description:
      - Annotations of the container. They are also passed to the OCI runtime.
      - Changing this recreates the container.
    type: dict
  volume:
    description:
      - Volumes and bind mounts, as in V(SOURCE:DESTINATION:OPTIONS). A source that is a path is bind mounted; a name is
        a named volume, which is created if it does not exist. A destination alone mounts an anonymous volume.
      - An empty volume is filled with the image's content at the destination, unless V(nocopy) is among the options.
      - "The options are those of podman: V(ro) or V(rw), V(rro) (read-only, including submounts), V(nosuid), V(nodev),
        V(noexec) and their opposites, V(bind) (without submounts) or V(rbind), V(private), V(rprivate), V(shared),
        V(rshared), V(slave), V(rslave), V(unbindable), V(runbindable), V(z), V(Z), V(U) (change the owner to the
        container's user), V(idmap) or V(idmap=uids=0-1000-10;gids=0-100-10), V(nocreate) (the volume must exist)."
      - V(O) mounts the source as an overlay. Changes are discarded when the container stops, or kept with
        V(upperdir=/path) and V(workdir=/path).
      - The source of a bind mount must exist, unless V(create) is among the options, which creates a directory with
        mode 0755 before each start.
      - Changing this recreates the container.
    type: list
    elements: str
    aliases: [volumes]
  mount:
    description:
      - Mounts in the syntax V(type=bind,source=/path,destination=/path,ro=true). The types are V(bind), V(volume) (the
        default), V(tmpfs), V(ramfs), V(devpts) and V(image). The source of V(image) is the name of a local image, which
        is mounted read-only unless V(rw=true).
      - In addition to the options of O(volume) and O(tmpfs), those of podman and docker are accepted, as in
        V(bind-propagation=rslave), V(bind-nonrecursive), V(bind-recursive=readonly), V(relabel=private), V(chown=true),
        V(create=true), V(subpath=dir) of a volume or an image, V(tmpfs-size=64m), V(tmpfs-mode=1777), and V(uid),
        V(gid), V(mode), V(ptmxmode), V(max) of V(devpts).
      - Put a part that contains a comma in double quotes.
      - Changing this recreates the container.
    type: list
    elements: str
    aliases: [mounts]
  tmpfs:
    description:
      - Destinations of tmpfs mounts, each with its options, as in C(/tmp) and V(rw,size=64m,mode=1777).
      - A tmpfs is filled with the image's content at the destination, unless V(notmpcopyup) is among the options. With
        V(U) it is owned by the container's user; with V(noswap) it is not swapped out (Linux 6.4).
      - Changing this recreates the container.
    type: dict
  volumes_from:
    description:
      - Containers whose bind mounts and volumes are mounted at the same destinations, as in V(NAME) or V(NAME:ro), with
        the options V(ro), V(rw) and V(z). The container's own mounts take precedence.
      - These containers need not run, but cannot be removed while this container exists. Overlays are not mounted.
      - If the mounts of these containers have changed, that counts as a change of this container too.
      - Changing this recreates the container.
    type: list
    elements: str
  image_volume:
    description:
      - What to mount at the volumes that the image declares. V(anonymous), or its other name V(bind), mounts anonymous
        volumes, V(tmpfs) mounts tmpfs file systems, and V(ignore) mounts nothing.
      - Defaults to V(anonymous).
      - Changing this recreates the container.
    type: str
    choices: [anonymous, bind, tmpfs, ignore]
  read_only:
    description:
      - Whether the root file system is read-only.
      - Defaults to V(false).
      - Changing this recreates the container.
    type: bool
  read_only_tmpfs:
    description:
      - Whether O(read_only=true) mounts a writable tmpfs at C(/run), C(/tmp) and C(/var/tmp). V(false) also makes
        C(/dev) and C(/dev/shm) read-only.
      - Defaults to V(true).
      - Changing this recreates the container.
    type: bool
  network:
    description:
      - Networks to attach the container to, by name, see M(slipway.oci.network). V(bridge) and V(private) are aliases
        of the default network.
      - Options of the attachment follow the name and a colon, as in V(web:ip=10.89.0.5,alias=db). They are
        V(ip=ADDRESS) (also for IPv6), V(mac=ADDRESS), V(alias=NAME) (repeatable), V(interface_name=NAME) in the
        container, V(host_interface_name=NAME) on the host, V(metric=NUMBER) of its routes, and V(default_route=false).
      - Instead of networks, exactly one mode may be named. V(host) uses the host's network namespace, V(none) a
        namespace with only a loopback device, C(container:NAME) that of another container, and C(ns:PATH) the namespace
        at a path, as in V(ns:/run/netns/x).
      - A container that joins another container's network namespace also uses its C(/etc/hosts) and
        C(/etc/resolv.conf).
      - Changing to or from one of these modes recreates the container, as does any change that involves a network of
        CNI plugins. All other changes add, remove and reroute interfaces while the container runs; connections through
        unchanged interfaces continue.
      - Defaults to the network V(slipway), which is created when it is first needed.
      - Can be changed while the container runs.
    type: list
    elements: str
    aliases: [net, network_mode]
  ip:
    description:
      - IPv4 address in the container's first network. If unset, the engine assigns an address, which the container
        keeps.
      - Can be changed while the container runs.
    type: str
  ip6:
    description:
      - IPv6 address in the container's first network. If unset, the engine assigns one if the network has IPv6.
      - Can be changed while the container runs.
    type: str
  mac_address:
    description:
      - MAC address in the container's first network, as in V(92:d0:c6:0a:29:33). If unset, the engine assigns one.
      - Can be changed while the container runs.
    type: str
  link_local_ip:
    description:
      - Link-local address in the container's first network, in addition to its other addresses, as in V(169.254.7.1) or
        V(fe80::7). It is reachable from that network only. The engine does not prevent two containers from using the
        same address.
      - Can be changed while the container runs.
    type: str
  network_aliases:
    description:
      - Additional names of the container in all its networks.
      - Can be changed while the container runs.
    type: list
    elements: str
    aliases: [network_alias]
  publish:
    description:
      - Ports to publish on the host, as in V(8080:80), V(127.0.0.1:53:53/udp), V([::1]:8000-8005:80-85), or V(80) (on a
        host port that the engine chooses and keeps). The protocols are V(tcp), V(udp) and V(sctp).
      - A host port that is already in use is refused before anything is changed.
      - Can be changed while the container runs.
    type: list
    elements: str
    aliases: [ports, published, published_ports]
  publish_all:
    description:
      - Whether to publish all ports that the image or O(expose) exposes, each on a host port that the engine chooses.
      - Defaults to V(false).
      - Can be changed while the container runs.
    type: bool
  expose:
    description:
      - Ports to mark as exposed, as in V(80) or V(8000-8005/udp). O(publish_all=true) publishes them.
      - Can be changed while the container runs.
    type: list
    elements: str
    aliases: [exposed, exposed_ports]
  dns:
    description:
      - Addresses of the name servers. V(none) keeps the image's C(/etc/resolv.conf).
      - Defaults to the host's name servers.
      - Changing this recreates the container.
    type: list
    elements: str
    aliases: [dns_servers]
  dns_search:
    description:
      - Search domains for host names. V(.) means no search domains.
      - Defaults to the host's search domains.
      - Changing this recreates the container.
    type: list
    elements: str
    aliases: [dns_search_domains]
  dns_option:
    description:
      - Options of the resolver, as in V(ndots:2). Defaults to the host's options.
      - Changing this recreates the container.
    type: list
    elements: str
    aliases: [dns_opts]
  etc_hosts:
    description:
      - Entries of C(/etc/hosts), from host name to address. The address V(host-gateway) stands for the address at which
        the container reaches the host.
      - Changing this recreates the container.
    type: dict
    aliases: [add_hosts]
  no_hosts:
    description:
      - Whether to keep the image's C(/etc/hosts).
      - Defaults to V(false).
      - Changing this recreates the container.
    type: bool
  no_hostname:
    description:
      - Whether to keep the image's C(/etc/hostname).
      - Defaults to V(false).
      - Changing this recreates the container.
    type: bool
  hosts_file:
    description:
      - File on the host whose lines are copied to the start of C(/etc/hosts); V(image) for the image's own file,
        V(none) for no such lines.
      - Defaults to the host's C(/etc/hosts), or to V(none) with O(network=none).
      - Changing this recreates the container.
    type: str
  ipc:
    description:
      - IPC namespace of the container, which holds System V IPC objects, message queues and C(/dev/shm). V(shareable)
        creates a namespace that other containers can join, V(private) one that they cannot, V(none) one without
        C(/dev/shm). V(host) uses the host's namespace, C(container:NAME) that of another container, C(ns:PATH) the one
        at a path.
      - Defaults to V(shareable).
      - Changing this recreates the container.
    type: str
    aliases: [ipc_mode]
  pid:
    description:
      - PID namespace of the container, which determines the processes that it sees. V(private), V(host),
        C(container:NAME), or C(ns:PATH).
      - Defaults to V(private).
      - Changing this recreates the container.
    type: str
    aliases: [pid_mode]
  uts:
    description:
      - UTS namespace of the container, which holds its host name. V(private), V(host), C(container:NAME), or
        C(ns:PATH).
      - Defaults to V(private).
      - Changing this recreates the container.
    type: str
  cgroupns:
    description:
      - Cgroup namespace of the container, which determines the cgroups that it sees. V(private), V(host),
        C(container:NAME), or C(ns:PATH).
      - Defaults to V(private) with cgroups v2, otherwise to V(host).
      - Changing this recreates the container.
    type: str
  userns:
    description:
      - User namespace of the container. V(host) uses the host's. V(private) creates one that maps the IDs of O(uidmap),
        O(gidmap) or O(subuidname). V(auto) creates one with as many IDs as the accounts of the image need, which no
        other container uses; they are taken from the ranges of user C(containers) in C(/etc/subuid) and C(/etc/subgid).
        C(container:NAME) joins the namespace of another container, and C(ns:PATH) the one at a path.
      - V(auto) accepts C(:size=N), C(uidmapping=C:H:S) and C(gidmapping=C:H:S), separated by commas.
      - The image's files are mapped to these IDs by idmapped mounts if the kernel and the file system support them
        (Linux 5.19). Otherwise the container gets a copy of the image.
      - Defaults to V(host), or to V(private) with O(uidmap), O(gidmap) or O(subuidname).
      - Changing this recreates the container.
    type: str
    aliases: [userns_mode]
  uidmap:
    description:
      - Mapping of the container's user IDs to those of the host, as C(CONTAINER:HOST:SIZE), for example
        V(0:100000:65536).
      - Defaults to O(gidmap).
      - Changing this recreates the container.
    type: list
    elements: str
  gidmap:
    description:
      - Mapping of the container's group IDs to those of the host, in the form of O(uidmap).
      - Defaults to O(uidmap).
      - Changing this recreates the container.
    type: list
    elements: str
  subuidname:
    description:
      - User whose range in C(/etc/subuid) the container's user IDs are mapped to, starting at 0.
      - Defaults to O(subgidname).
      - Changing this recreates the container.
    type: str
  subgidname:
    description:
      - User whose range in C(/etc/subgid) the container's group IDs are mapped to, starting at 0.
      - Defaults to O(subuidname).
      - Changing this recreates the container.
    type: str
  cap_add:
    description:
      - Capabilities to add, with or without the prefix C(CAP_), or V(ALL).
      - Changing this recreates the container.
    type: list
    elements: str
    aliases: [capabilities]
  cap_drop:
    description:
      - Capabilities to drop, with or without the prefix C(CAP_), or V(ALL).
      - Changing this recreates the container.
    type: list
    elements: str
  privileged:
    description:
      - Whether the container gets all capabilities and all devices of the host, and no seccomp profile.
      - Defaults to V(false).
      - Changing this recreates the container.
    type: bool
  security_opt:
    description:
      - Security options, as in V(no-new-privileges) or V(seccomp=unconfined).
      - On a host with AppArmor, a container without V(apparmor=PROFILE) is confined by the profile
        C(slipway-default-1), which the engine loads. V(apparmor=unconfined) turns this off. A privileged container is
        not confined.
      - Changing this recreates the container.
    type: list
    elements: str
  device:
    description:
      - Devices of the host to add, as in V(/dev/sdc:/dev/xvdc:rwm). A destination that is a file or a directory of the
        container is refused.
      - Changing this recreates the container.
    type: list
    elements: str
  hooks_dir:
    description:
      - Directories with OCI hooks, which are C(*.json) files in the format of C(oci-hooks(5)). A file overrides files
        of the same name in earlier directories.
      - The hooks are read at each start. A missing directory, an invalid file, and a program that is missing or not
        executable are refused before anything is changed.
      - Hooks cannot be tried beforehand, because they may create things that can exist only once. If a hook fails in a
        container that replaces a running one, the running one has already been stopped. It is then restarted with its
        files, and the error reports this.
      - Defaults to C(/usr/share/containers/oci/hooks.d) and C(/etc/containers/oci/hooks.d), as far as they exist. Name
        an empty directory to run no hooks.
      - Changing this recreates the container.
    type: list
    elements: str
  memory:
    description:
      - Memory limit, a number with a unit b, k, m or g, as in V(512m).
      - Can be changed while the container runs.
    type: str
  memory_reservation:
    description:
      - Memory that the kernel tries to leave to the container when the host runs short of memory, in the form of
        O(memory).
      - Can be changed while the container runs.
    type: str
  memory_swap:
    description:
      - Limit of memory and swap together, in the form of O(memory), or V(-1) for no limit.
      - Can be changed while the container runs.
    type: str
  cpus:
    description:
      - Number of processors that the container may use, as in V(1.5).
      - Can be changed while the container runs.
    type: str
  cpu_period:
    description:
      - Period of O(cpu_quota), in microseconds. Mutually exclusive with O(cpus).
      - Can be changed while the container runs.
    type: int
  cpu_quota:
    description:
      - Processor time that the container may use in each O(cpu_period), in microseconds, or V(-1) for no limit.
        Mutually exclusive with O(cpus).
      - Can be changed while the container runs.
    type: int
  cpu_shares:
    description:
      - Relative weight of the container when processors are contended.
      - Can be changed while the container runs.
    type: int
  cpuset_cpus:
    description:
      - Processors that the container may run on, as in V(0-3,7).
      - Can be changed while the container runs.
    type: str
  cpuset_mems:
    description:
      - Memory nodes that the container may use, as in V(0-1). Useful only on a NUMA host.
      - Can be changed while the container runs.
    type: str
  pids_limit:
    description:
      - Maximum number of processes, or V(-1) for no limit.
      - Can be changed while the container runs.
    type: str
  memory_swappiness:
    description:
      - How readily the kernel swaps out the container's memory, from V(0) to V(100), or V(-1) for the kernel's default.
        Only with cgroups v1.
      - Changing this recreates the container.
    type: int
  oom_kill_disable:
    description:
      - Whether to disable the OOM killer for the container. A process that needs more than O(memory) then waits until
        the limit is raised or another process exits, or its allocation fails. Only with cgroups v1.
      - Defaults to V(false).
      - Changing this recreates the container.
    type: bool
  blkio_weight:
    description:
      - Relative weight of the container's block I/O, from V(10) to V(1000), or V(0) for the kernel's default.
      - Can be changed while the container runs.
    type: int
  device_cgroup_rule:
    description:
      - Rules for devices that the container may use if it creates or receives their nodes, as in V(c 42:* rwm).
      - Changing this recreates the container.
    type: list
    elements: str
  cgroup_conf:
    description:
      - Values to write to files of the container's cgroup, by file name, as in C(memory.high) and a number of bytes.
        Only with cgroups v2.
      - Changing this recreates the container.
    type: dict
  oom_score_adj:
    description:
      - OOM score adjustment of the container's processes, from V(-1000) (never killed) to V(1000) (killed first).
      - Changing this recreates the container.
    type: int
  cgroups:
    description:
      - Whether to create cgroups for the container and for its monitor, C(conmon).
      - With V(no-conmon), C(conmon) stays in the cgroup of the task, and may be killed when the login session ends.
      - With V(disabled), there is no cgroup for the container either, and thus no limits. This requires C(crun).
      - Defaults to V(enabled).
      - Changing this recreates the container.
    type: str
    choices: [enabled, no-conmon, disabled]
  cgroup_parent:
    description:
      - Parent of the container's cgroup, a path as in V(/web) with O(cgroup_manager=cgroupfs), or a slice as in
        V(web.slice) with O(cgroup_manager=systemd).
      - Defaults to C(/slipway) and C(system.slice), respectively.
      - Changing this recreates the container.
    type: path
  ulimit:
    description:
      - Resource limits, as in V(nofile=1024:4096). A value above the host's own limit is lowered to it.
      - Changing this recreates the container.
    type: list
    elements: str
    aliases: [ulimits]
  sysctl:
    description:
      - Kernel parameters of the container's namespaces, as in C(net.ipv4.ip_forward) and V('1').
      - Changing this recreates the container.
    type: dict
  shm_size:
    description:
      - Size of C(/dev/shm), a number with a unit b, k, m or g.
      - Defaults to V(64m).
      - Changing this recreates the container.
    type: str
  init:
    description:
      - Whether to run a small init as PID 1, which reaps zombie processes and forwards signals.
      - Defaults to V(false).
      - Changing this recreates the container.
    type: bool
  init_path:
    description:
      - Program on the host that O(init=true) runs.
      - Defaults to the first of catatonit, tini and dumb-init that is installed.
      - Changing this recreates the container.
    type: str
  systemd:
    description:
      - Whether to prepare the container for systemd as PID 1. C(/run), C(/run/lock), C(/tmp) and C(/var/log/journal)
        are tmpfs file systems, its cgroup is writable, C(RTMIN+3) is the stop signal, and the variable
        C(container_uuid) sets its machine ID.
      - V(true) does so if the command is C(systemd), or C(init) in C(/sbin), C(/usr/sbin) or C(/usr/local/sbin).
        V(always) does so for every command, V(false) for none.
      - With cgroups v1, the host must have the hierarchy C(name=systemd).
      - Defaults to V(true).
      - Changing this recreates the container.
    type: str
  shm_size_systemd:
    description:
      - Size of each tmpfs that O(systemd) mounts, a number with a unit b, k, m or g.
      - Defaults to half of the host's memory.
      - Changing this recreates the container.
    type: str
  umask:
    description:
      - Umask of the command, in octal and quoted.
      - Defaults to V(0022).
      - Changing this recreates the container.
    type: str
  timezone:
    description:
      - Time zone of the container, as in V(Europe/Berlin), or V(local) for the host's. The host's time zone file
        becomes C(/etc/localtime).
      - Changing this recreates the container.
    type: str
  tty:
    description:
      - Whether to allocate a terminal for the command.
      - Defaults to V(false).
      - Changing this recreates the container.
    type: bool
  interactive:
    description:
      - Whether to keep the standard input of the command open.
      - Defaults to V(false).
      - Changing this recreates the container.
    type: bool
  stop_signal:
    description:
      - Signal that stops the container, by name or number.
      - Defaults to the image's stop signal, otherwise to V(RTMIN+3) for systemd (see O(systemd)), otherwise to
        V(SIGTERM).
      - Can be changed while the container runs.
    type: str
  stop_timeout:
    description:
      - Seconds to wait after O(stop_signal) before the container is killed, or V(-1) to wait indefinitely.
      - Defaults to V(10).
      - Can be changed while the container runs.
    type: int
  log_driver:
    description:
      - Where the container's output is logged. V(json-file) is an alias of V(k8s-file).
      - V(journald) writes to the host's journal, which requires C(systemd-journald) and C(journalctl) on the host. The
        limits of the journal apply, both of its size and of its rate (C(RateLimitBurst) in C(journald.conf)). Messages
        stay in the journal when the container is removed.
      - Defaults to V(k8s-file).
      - Changing this recreates the container.
    type: str
    choices: [k8s-file, journald, json-file]
  log_opt:
    description:
      - Options of the log driver.
      - Changing this recreates the container.
    type: dict
    aliases: [log_options]
    suboptions:
      max_size:
        description:
          - Size at which the log is rotated, as in V(10m). Its content is discarded, unless O(log_opt.max_file) keeps
            it.
          - Only for O(log_driver=k8s-file), like O(log_opt.max_file).
        type: str
      max_file:
        description:
          - Number of log files to keep, including the current one. Older files have the suffixes V(.1), V(.2) and so
            on; V(.1) is the most recent.
          - Rotation neither loses nor repeats lines. The log may exceed O(log_opt.max_size) by what the container
            writes within some tenths of a second.
          - Defaults to V(1). Requires O(log_opt.max_size).
        type: int
      path:
        description:
          - File on the host to write the log to. Only for O(log_driver=k8s-file).
          - Refused are a symbolic link, a file in a world-writable directory without the sticky bit, and, with
            O(log_opt.max_size), a file in a directory that is mounted in the container read-write.
        type: str
      tag:
        description:
          - Tag of the messages in the journal, as C(CONTAINER_TAG) and C(SYSLOG_IDENTIFIER). Only for
            O(log_driver=journald).
          - C({{.ID}}), C({{.Name}}), C({{.Image}}) and C({{.ImageName}}) are replaced by the container's values at its
            start. In a playbook, mark the text as C(!unsafe), otherwise Ansible evaluates the braces itself.
          - If unset, C(SYSLOG_IDENTIFIER) is the container's name.
        type: str
  healthcheck:
    description:
      - Command whose exit status 0 means that the container is healthy. A string is run by C(/bin/sh -c) in the
        container, a list without a shell. V(CMD), V(CMD-SHELL) and V(NONE) as the first word have the meaning that they
        have in a Containerfile.
      - V(none) disables the image's health check. Defaults to the image's health check, if it has one.
      - A single process per host runs the health checks of all containers. It runs as long as a container needs it.
      - Can be changed while the container runs.
    type: raw
    aliases: [health_cmd]
  no_healthcheck:
    description:
      - V(true) is equivalent to O(healthcheck=none).
      - Can be changed while the container runs.
    type: bool
  healthcheck_interval:
    description:
      - Time between the end of one check and the start of the next, as in V(30s) or V(1m30s). The first check runs at
        the start. With V(disable), the check runs only on demand, by C(slipway healthcheck run).
      - Defaults to the image's interval, otherwise to V(30s).
      - Can be changed while the container runs.
    type: str
    aliases: [health_interval]
  healthcheck_timeout:
    description:
      - Timeout of a check, as in V(5s). A check that exceeds it is killed, with all processes that it started, and
        counts as failed.
      - Defaults to the image's timeout, otherwise to V(30s).
      - Can be changed while the container runs.
    type: str
    aliases: [health_timeout]
  healthcheck_start_period:
    description:
      - Time after the start during which failures do not count. A success during this time makes the container healthy.
      - Defaults to the image's start period, otherwise to V(0s).
      - Can be changed while the container runs.
    type: str
    aliases: [health_start_period]
  healthcheck_retries:
    description:
      - Number of consecutive failures after which the container is unhealthy.
      - Defaults to the image's number, otherwise to V(3).
      - Can be changed while the container runs.
    type: int
    aliases: [health_retries]
  healthcheck_failure_action:
    description:
      - Action to take when the container becomes unhealthy. After V(kill), the restart policy applies; V(stop) stops
        the container as a user does.
      - Defaults to V(none).
      - Can be changed while the container runs.
    type: str
    choices: [none, kill, restart, stop]
    aliases: [health_on_failure]
  health_startup_cmd:
    description:
      - Command of a startup check, in the form of O(healthcheck). The regular check begins when the startup check has
        succeeded.
      - Can be changed while the container runs.
    type: raw
  health_startup_interval:
    description:
      - Time between two startup checks. Defaults to V(30s).
      - Can be changed while the container runs.
    type: str
  health_startup_timeout:
    description:
      - Timeout of a startup check. Defaults to V(30s).
      - Can be changed while the container runs.
    type: str
  health_startup_retries:
    description:
      - Number of failed startup checks after which the container is restarted. Defaults to V(0), which never restarts
        it.
      - Can be changed while the container runs.
    type: int
  health_startup_success:
    description:
      - Number of successful startup checks that are required. Defaults to V(0), which means that the first success is
        enough.
      - Can be changed while the container runs.
    type: int
  requires:
    description:
      - Names of containers that must run when this one starts. A container whose namespace this one joins is required
        without being named here. Cycles are refused.
      - Changing this recreates the container.
    type: list
    elements: str
  rm:
    description:
      - Whether to remove the container when it exits, with its anonymous volumes.
      - Defaults to V(false).
      - Changing this recreates the container.
    type: bool
    aliases: [remove, auto_remove]
  restart_policy:
    description:
      - When to restart the container after it exits. V(no) never restarts it, V(on-failure) if its exit status is not 0
        (V(on-failure:3) at most three times), V(always) and V(unless-stopped) in any case.
      - A container that the user has stopped remains stopped, even after a reboot of the host.
      - If the container exits soon after its start, the delay before the next restart grows from a tenth of a second up
        to a minute. A run of ten seconds resets the delay.
      - Defaults to V(no). With O(rm=true) only V(no) and V(on-failure) are valid.
      - Can be changed while the container runs.
    type: str
  state:
    description:
      - Desired state of the container. V(started) ensures that it exists as the task describes it, and runs.
      - V(present) and V(created) ensure that it exists as described. A new container is not started. A running
        container keeps running, even if it has to be recreated.
      - V(stopped) ensures that it exists as described, and is stopped. It remains stopped, regardless of its restart
        policy, until it is started again.
      - V(healthy) is V(started), and waits as O(wait=true) does.
      - V(paused) ensures that it is started and that all its processes are frozen. V(started) resumes them.
      - V(restarted) stops and starts it, each time the task runs. A container that is not running, or had to be
        recreated, is only started.
      - V(absent) stops and removes the container. The container's options are ignored, so that V(absent) can be set in
        a complete task.
    type: str
    default: started
    choices: [absent, present, created, started, stopped, healthy, paused, restarted]
  detach:
    description:
      - Whether to return without waiting for the container to exit. V(false) waits, and returns RV(rc), RV(stdout) and
        RV(stderr); the task fails if the exit status is not 0.
    type: bool
    default: true
  recreate:
    description:
      - Whether to recreate the container even if nothing has changed.
    type: bool
    default: false
  pull:
    description:
      - When to pull O(image). V(missing) pulls it if it is not on the host. V(newer) compares its digest with the
        registry's each time and recreates a container of an older image; if the registry cannot be reached, the local
        image is used. V(always) is V(newer), but fails if the registry cannot be reached. V(never) does not pull.
      - "Defaults to V(missing). Booleans have the meaning that they have in M(community.docker.docker_container):
        V(true) is V(always), V(false) is V(missing)."
      - A running container keeps running until the new image has been pulled.
    type: str
  image_strict:
    description:
      - Whether a different name of the same image counts as a change.
    type: bool
    default: false
  force_restart:
    description:
      - Whether to restart the container even if nothing has changed.
    type: bool
    default: false
    aliases: [restart]
  force_delete:
    description:
      - Whether O(state=absent) stops a running container. With V(false), it fails if the container runs.
    type: bool
    default: true
  delete_depend:
    description:
      - Whether O(state=absent) also removes the containers that require this one, dependents first.
      - With V(false), removing a container that others require is refused, and the error names them.
    type: bool
    default: false
  start_dependencies:
    description:
      - Whether to start the containers that this one requires first, in order. With V(false), starting it is refused if
        one of them does not run.
    type: bool
    default: true
  delete_volumes:
    description:
      - Whether to remove the container's anonymous volumes with it. Named volumes are never removed.
    type: bool
    default: false
  stop_time:
    description:
      - Seconds to wait before the container is killed, in this task only. Overrides O(stop_timeout).
    type: int
  wait:
    description:
      - Whether a task that leaves the container running waits until it is ready. A container with a health check must
        become healthy. A container without one must run for a second.
      - The task fails if the container becomes unhealthy, if it exits and no restart policy restarts it, or after
        O(wait_timeout). RV(exit_code), RV(oom_killed), RV(health) and RV(log) show the reason.
    type: bool
    default: false
  wait_timeout:
    description:
      - Timeout of O(wait) and O(state=healthy) in seconds. V(0) or less waits indefinitely.
    type: float
    default: 300
    aliases: [healthy_wait_timeout]
  auth_file:
    description:
      - Path on the host of the file with registry credentials, as written by C(podman login) and M(slipway.oci.login).
      - "If unset, the same files as podman are used: C($REGISTRY_AUTH_FILE), or else C(/run/containers/UID/auth.json),
        C(~/.config/containers/auth.json) and C(~/.docker/config.json), and the credential helpers that they name."
    type: path
    aliases: [authfile]
  tls_verify:
    description:
      - Verify the certificates of registries. With V(false), plain HTTP is allowed as well.
      - If unset, certificates are verified unless O(registries_conf) marks the registry as insecure.
    type: bool
    aliases: [tlsverify, validate_certs]
  ca_cert_dir:
    description:
      - Directory on the host with CA certificates (C(*.crt)) and client certificates (C(*.cert) with C(*.key)).
      - The default is C(/etc/containers/certs.d/REGISTRY) and C(/etc/docker/certs.d/REGISTRY).
    type: path
    aliases: [cert_dir, certdir]
  registries_conf:
    description:
      - "Path on the host of the registries' configuration: mirrors, remapped locations, insecure and blocked
        registries, and the registries to search for names without one. The file is JSON with the keys of
        containers-registries.conf(5)."
      - The default is C(/etc/slipway/registries.json), which need not exist.
    type: path
  retry:
    description:
      - Number of retries after a failure of the network or the registry.
      - The default is V(3).
    type: int
  retry_delay:
    description:
      - Delay between retries, for example V(5s).
      - "If unset, the delay doubles each time: one second, two, four. If the registry requests a delay
        (C(Retry-After)), that is used, up to two minutes."
    type: str
  arch:
    description:
      - Architecture of the image to pull, as Go names it, for example V(amd64) or V(arm64).
      - The default is the host's architecture.
    type: str
    aliases: [architecture]
  os:
    description:
      - Operating system of the image to pull.
      - The default is V(linux).
    type: str
  variant:
    description:
      - Architecture variant of the image to pull.
    type: str
  platform:
    description:
      - O(os), O(arch) and O(variant) in one, for example V(linux/arm64/v8).
    type: str
  pull_on:
    description:
      - Machine that contacts the registry. With V(host), the host pulls the image itself. With V(controller), the
        controller pulls it into its cache, once for all hosts of the task, and sends each host the layers that it
        lacks, still compressed, over the host's connection. The host then needs neither the Python package C(requests)
        nor access to the registry.
      - With V(auto), the host pulls the image, or the controller if the host cannot, because it does not reach the
        registry or lacks C(requests).
      - Credentials, certificates and O(registries_conf) are read on the machine that contacts the registry.
      - The cache is C($SLIPWAY_CACHE), by default C($XDG_CACHE_HOME/slipway) or C(~/.cache/slipway). Its size is
        limited to C($SLIPWAY_CACHE_SIZE) bytes, by default 20 GB. The least recently used images are removed first.
    type: str
    default: auto
    choices: [auto, host, controller]
  parcel:
    description:
      - Set by the action plugin, which transfers images from the controller. Not for use in playbooks.
    type: dict
seealso:
  - module: slipway.oci.container_info
  - module: slipway.oci.image_load
  - module: slipway.oci.volume
"""

EXAMPLES = r"""
- name: Run a server that stores its data in a volume
  slipway.oci.container:
    name: app
    image: localhost/app:1
    command: [/bin/server, --port, "8080"]
    volume: ["app-data:/data", "/etc/hostname:/etc/app/hostname:ro"]
    env: {MODE: production}
    network: host
    memory: 256m
    state: started
    wait: true
    wait_timeout: 60

- name: Run a database in an internal network, with the alias database
  slipway.oci.container:
    name: db
    image: localhost/app:1
    command: [/bin/server, --listen, "5432"]
    network: ["db:alias=database"]

- name: Run a web server in two networks, with port 8080 published to the outside and port 9000 to the host only
  slipway.oci.container:
    name: web
    image: localhost/app:1
    command: [/bin/server, --listen, "80"]
    network: [app, db]
    publish: ["8080:80", "127.0.0.1:9000:9000"]

- name: Run a command, wait for it, and register its output
  slipway.oci.container:
    name: report
    image: localhost/app:1
    command: [/bin/cat, /data/table.db]
    network: none
    rm: true
    detach: false
  register: report

- name: Create a container with minimal privileges
  slipway.oci.container:
    name: worker
    image: localhost/app:1
    command: sleep 600
    user: "1000:1000"
    read_only: true
    tmpfs: {/tmp: "size=16m,mode=1777"}
    cap_drop: [ALL]
    security_opt: [no-new-privileges]
    network: none
    pids_limit: 64
    stop_timeout: 2
    state: created

- name: Restart it, whatever its state
  slipway.oci.container:
    name: worker
    state: started
    force_restart: true

- name: Pause it while a snapshot is taken
  slipway.oci.container:
    name: app
    state: paused

- name: Resume it
  slipway.oci.container:
    name: app
    state: started

- name: Restart it
  slipway.oci.container:
    name: app
    state: restarted
    stop_time: 2

- name: Stop it
  slipway.oci.container:
    name: worker
    state: stopped
    stop_time: 1

- name: Remove it, with its anonymous volumes
  slipway.oci.container:
    name: worker
    state: absent
    delete_volumes: true
"""

RETURN = r"""
container:
  description:
    - The container, in the format of C(podman inspect). Empty if it does not exist.
    - An unknown value is null, including the exit status.
    - A refused task returns only C(Id), C(Name) and C(State) of the unchanged container.
  returned: success, and if the container failed while the task waited for it
  type: dict
  contains:
    Id:
      description: ID of the container.
      type: str
      returned: always
    Name:
      description: Name of the container.
      type: str
      returned: always
    Image:
      description: ID of the image.
      type: str
      returned: always
    ImageName:
      description: Full name of the image, or the name as written in the task if the image no longer has it.
      type: str
      returned: always
    State:
      description:
        - C(Status), C(Running), C(Pid), C(ExitCode), C(OOMKilled), C(StartedAt), C(FinishedAt) and more.
      type: dict
      returned: always
    RestartCount:
      description: Number of times that the restart policy has restarted the container.
      type: int
      returned: always
    Mounts:
      description: Mounts of the container, each with C(Type), C(Name), C(Source), C(Destination), C(RW) and more.
      type: list
      elements: dict
      returned: always
    Config:
      description: Command, environment, labels and more.
      type: dict
      returned: always
    HostConfig:
      description: Limits, capabilities, network mode and more.
      type: dict
      returned: always
  sample:
    Id: 1f0a6c1bd6d0b7d2a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f80912
    Name: app
    ImageName: localhost/app:1
    State: {Status: running, Running: true, Pid: 4711, ExitCode: 0, OOMKilled: false}
    RestartCount: 0
    Mounts:
      - Type: volume
        Name: app-data
        Source: /var/lib/slipway/volumes/app-data/data
        Destination: /data
        RW: true
spec:
  description:
    - Configuration of the container, in canonical form. Unset options are left out.
    - Values of O(env) are null without C(--diff).
  returned: success
  type: dict
  sample: {name: app, image: "localhost/app:1", network: [host], memory: 268435456}
actions:
  description: Actions taken, in order. In check mode, the actions that would be taken.
  returned: success
  type: list
  elements: str
  sample: [stopped app, removed app, created app, started app]
diff:
  description:
    - Differences by option, before and after the task, in the syntax of a task. With C(--diff), C(prepared) shows what
      each change requires.
    - Values of O(env) are null without C(--diff), in RV(plan) too.
  returned: success
  type: dict
  sample: {before: {env.MODE: production}, after: {env.MODE: testing}, before_header: app, after_header: app}
plan:
  description: The same differences, with what each change requires. C(cost) is empty, C(live), C(restart) or
    C(recreate).
  returned: success
  type: dict
  sample:
    cost: recreate
    changes: [{option: env.MODE, before: production, after: testing, change: recreate}]
timings:
  description: Duration of each step in seconds.
  returned: always
  type: dict
  sample: {look: 0.0021, mount_rootfs: 0.0008, copy_up: 0.0043, runtime_create: 0.0411, runtime_start: 0.0102}
rc:
  description: Exit status of the command, null if it is unknown.
  returned: O(detach=false) and the container was run
  type: int
  sample: 0
stdout:
  description: Standard output of the command.
  returned: O(detach=false) and the container was run
  type: str
  sample: first row
stderr:
  description: Standard error of the command.
  returned: O(detach=false) and the container was run
  type: str
  sample: ""
exit_code:
  description: Exit status of the failed container, null if it is unknown.
  returned: failure of a start, or while O(wait) was waiting
  type: int
  sample: 3
oom_killed:
  description: Whether the kernel's OOM killer killed it.
  returned: failure of a start, or while O(wait) was waiting
  type: bool
  sample: false
health:
  description: Result of its health check, C(status) and C(log). Null without a health check.
  returned: failure of a start, or while O(wait) was waiting
  type: dict
  sample: null
log:
  description: The last 20 lines that the container wrote in this run. The message includes them.
  returned: failure of a start, or while O(wait) was waiting
  type: list
  elements: str
  sample: ["no configuration at /etc/app.conf"]
error:
  description: Stable code of the error. What the error concerns is returned under keys of its own.
  returned: failure
  type: str
  sample: invalid_option
"""

from ..module_utils._entry.task import run_task


def main() -> None:
    """Run the module."""
    run_task("container")


if __name__ == "__main__":
    main()
