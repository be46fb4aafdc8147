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
  - Makes, starts, alters, stops and removes a container, with a container engine that travels with this
    module.
  - The options have the names, aliases and syntax of M(containers.podman.podman_container). Those that are
    not built yet are refused, never ignored.
  - What is asked for is compared with what was asked for the last time, option by option. Where nothing
    differs, nothing is done.
  - Each option tells what its change needs. C(live) means that the container goes on running. C(recreate)
    means that it is stopped, removed, and made anew. Its volumes keep their data, anonymous ones too.
  - A task without any option of the container (only O(name) and O(state), say) leaves the container as it was
    asked for and brings it to that state.
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
      - Name or id of the image, which must be on the host, see M(slipway.oci.image_load). With O(rootfs=true) the path
        of a directory.
      - Compared is the image's id, so a name that means another image now is a change.
      - A change needs C(recreate).
    type: str
  rootfs:
    description:
      - Whether O(image) is a directory on the host that serves as root file system as it is.
      - Unset is V(false).
      - A change needs C(recreate).
    type: bool
  command:
    description:
      - Command to run, as a list, or as one text that is split into words as a shell does.
      - Unset, it is the image's.
      - A change needs C(recreate).
    type: raw
  entrypoint:
    description:
      - Program and first arguments that O(command) is handed to, as a list, as a JSON list in a text, or as the path of
        one program. An empty one means none, and the image's command is kept.
      - Unset, it is the image's.
      - A change needs C(recreate).
    type: raw
  env:
    description:
      - Environment variables, over those of the image and of O(env_file).
      - A change needs C(recreate).
    type: dict
  env_file:
    description:
      - Files on the host with a C(NAME=VALUE) in each line. Of two that set one variable, the later has it.
      - They are read at each run, so a file that has changed is a change of O(env).
      - A change needs C(recreate).
    type: list
    elements: path
    aliases: [env_files]
  workdir:
    description:
      - Directory in the container that the command starts in.
      - Unset, it is the image's.
      - A change needs C(recreate).
    type: str
    aliases: [working_dir]
  user:
    description:
      - User that the command runs as, with or without a group, by name or number, as in V(app:app) or V(1000). Names
        are looked up in the container's own files.
      - Unset, it is the image's.
      - A change needs C(recreate).
    type: str
  group_add:
    description:
      - Further groups of the user, by name or number.
      - A change needs C(recreate).
    type: list
    elements: str
    aliases: [groups]
  hostname:
    description:
      - Host name in the container.
      - Unset, it is the host's with O(network=host), else the first digits of the container's id.
      - A change needs C(recreate).
    type: str
  label:
    description:
      - Labels of the container.
      - Volumes that are made for a container with the label C(slipway.oci.owner) get that label too.
      - A change needs C(live).
    type: dict
    aliases: [labels]
  annotation:
    description:
      - Annotations of the container, which the OCI runtime gets as well.
      - A change needs C(recreate).
    type: dict
  volume:
    description:
      - What is mounted, as in V(SOURCE:DESTINATION:OPTIONS). A source that is a path is a bind mount, a name is a named
        volume, which is made if there is none. A destination alone gets an anonymous volume.
      - An empty volume is filled with what the image has at that place, unless V(nocopy) is among the options.
      - Options are those of podman, V(ro) or V(rw), V(rro) (read-only with all that is mounted below), V(nosuid),
        V(nodev), V(noexec) and their opposites, V(bind) (without what is mounted below) or V(rbind), V(private),
        V(rprivate), V(shared), V(rshared), V(slave), V(rslave), V(unbindable), V(runbindable), V(z), V(Z), V(U) (given
        to the container's user), V(idmap) or V(idmap=uids=0-1000-10;gids=0-100-10), V(nocreate) (the volume has to be
        there).
      - V(O) shows an overlay, what is written to it is gone with the end of each run, or is kept with V(upperdir=/path)
        and V(workdir=/path).
      - The source of a bind mount has to be there, unless V(create) is among the options, which makes a directory with
        mode 0755 before a start.
      - A change needs C(recreate).
    type: list
    elements: str
    aliases: [volumes]
  mount:
    description:
      - The same in the syntax V(type=bind,source=/path,destination=/path,ro=true). Types are V(bind), V(volume) (the
        default), V(tmpfs), V(ramfs), V(devpts) and V(image), whose source is the name of an image that is loaded; it is
        read-only unless V(rw=true).
      - Besides the words of O(volume) and O(tmpfs) there are those of podman and docker, as in
        V(bind-propagation=rslave), V(bind-nonrecursive), V(bind-recursive=readonly), V(relabel=private), V(chown=true),
        V(create=true), V(subpath=dir) of a volume or an image, V(tmpfs-size=64m), V(tmpfs-mode=1777), and V(uid),
        V(gid), V(mode), V(ptmxmode), V(max) of V(devpts).
      - A part with a comma stands in double quotes.
      - A change needs C(recreate).
    type: list
    elements: str
    aliases: [mounts]
  tmpfs:
    description:
      - Destinations of tmpfs mounts and their options, as in C(/tmp) and V(rw,size=64m,mode=1777).
      - It holds what the image has at that place, unless V(notmpcopyup) is among the options. With V(U) it belongs to
        the container's user, with V(noswap) it stays in memory (Linux 6.4).
      - A change needs C(recreate).
    type: dict
  volumes_from:
    description:
      - Containers whose bind mounts and volumes are mounted at the same places, as in V(NAME) or V(NAME:ro), with
        V(ro), V(rw), V(z). Where the container has a mount of its own it keeps that.
      - They need not run, but can't be removed while this container is there. Overlays are not taken over.
      - When they mount something else by now, that is a change of this container too.
      - A change needs C(recreate).
    type: list
    elements: str
  image_volume:
    description:
      - What becomes of the volumes that the image declares, V(anonymous) (or V(bind), podman's other word for it) for
        anonymous volumes, V(tmpfs) for file systems in memory, V(ignore) for nothing.
      - Unset is V(anonymous).
      - A change needs C(recreate).
    type: str
    choices: [anonymous, bind, tmpfs, ignore]
  read_only:
    description:
      - Whether the container can't write to its root file system.
      - Unset is V(false).
      - A change needs C(recreate).
    type: bool
  read_only_tmpfs:
    description:
      - Whether C(/run), C(/tmp) and C(/var/tmp) can be written to with O(read_only), as file systems in memory.
        V(false) makes C(/dev) and C(/dev/shm) read-only too.
      - Unset is V(true).
      - A change needs C(recreate).
    type: bool
  network:
    description:
      - Networks that the container is in, by name, see M(slipway.oci.network). V(bridge) and V(private) are other words
        for the default one.
      - After a name and a colon may stand what the container wants there, as in V(web:ip=10.89.0.5,alias=db),
        V(ip=ADDRESS) (also of IPv6), V(mac=ADDRESS), V(alias=NAME) (may be repeated), V(interface_name=NAME) in the
        container, V(host_interface_name=NAME) on the host, V(metric=NUMBER) of its routes, V(default_route=false).
      - V(host) is the host's network, V(none) one that has only a loopback device, C(container:NAME) that of another
        container, C(ns:PATH) the one that a path names, as in V(ns:/run/netns/x). Each stands alone.
      - Who shares a container's network has its C(/etc/hosts) and C(/etc/resolv.conf) too.
      - A change to or from one of those that stand alone, and any where a network of plugins (CNI) is among them, needs
        C(recreate). Else interfaces come, go and get other routes while the container runs, and connections through
        those that do not change go on.
      - Unset means the network V(slipway), which is made when it is first needed.
      - A change needs C(live).
    type: list
    elements: str
    aliases: [net, network_mode]
  ip:
    description:
      - IPv4 address in the first of its networks. Unset, the engine chooses one, which the container keeps.
      - A change needs C(live).
    type: str
  ip6:
    description:
      - IPv6 address in the first of its networks. Unset, the engine chooses one where the network has IPv6.
      - A change needs C(live).
    type: str
  mac_address:
    description:
      - MAC address in the first of its networks, as in V(92:d0:c6:0a:29:33). Unset, the engine chooses one.
      - A change needs C(live).
    type: str
  link_local_ip:
    description:
      - Link-local address, as V(169.254.7.1) or V(fe80::7), beside the others in the first of its networks, for whoever
        is in that one too. Nothing keeps two containers from having the same.
      - A change needs C(live).
    type: str
  network_aliases:
    description:
      - Further names of the container in all its networks.
      - A change needs C(live).
    type: list
    elements: str
    aliases: [network_alias]
  publish:
    description:
      - Ports of the container that are reached at the host's, as in V(8080:80), V(127.0.0.1:53:53/udp),
        V([::1]:8000-8005:80-85), V(80) (at a port that the engine chooses and keeps). Protocols are V(tcp), V(udp) and
        V(sctp).
      - A port of the host that is in use is refused before anything is changed.
      - A change needs C(live).
    type: list
    elements: str
    aliases: [ports, published, published_ports]
  publish_all:
    description:
      - Whether all ports that the image or O(expose) calls exposed are published, each at a port of the host that the
        engine chooses.
      - Unset is V(false).
      - A change needs C(live).
    type: bool
  expose:
    description:
      - Ports to call exposed, as in V(80) or V(8000-8005/udp). It says what O(publish_all=true) publishes.
      - A change needs C(live).
    type: list
    elements: str
    aliases: [exposed, exposed_ports]
  dns:
    description:
      - Addresses of name servers. V(none) leaves the image's C(/etc/resolv.conf) in its place.
      - Unset means the host's.
      - A change needs C(recreate).
    type: list
    elements: str
    aliases: [dns_servers]
  dns_search:
    description:
      - Domains in which names are looked up. V(.) means none.
      - Unset means the host's.
      - A change needs C(recreate).
    type: list
    elements: str
    aliases: [dns_search_domains]
  dns_option:
    description:
      - Options of the resolver, as in V(ndots:2). Unset means the host's.
      - A change needs C(recreate).
    type: list
    elements: str
    aliases: [dns_opts]
  etc_hosts:
    description:
      - Lines of C(/etc/hosts), host name to address. V(host-gateway) is the address by which the container reaches its
        host.
      - A change needs C(recreate).
    type: dict
    aliases: [add_hosts]
  no_hosts:
    description:
      - Whether the image's C(/etc/hosts) is left in its place.
      - Unset is V(false).
      - A change needs C(recreate).
    type: bool
  no_hostname:
    description:
      - Whether the image's C(/etc/hostname) is left in its place.
      - Unset is V(false).
      - A change needs C(recreate).
    type: bool
  hosts_file:
    description:
      - File of the host whose lines C(/etc/hosts) begins with, V(image) for the image's own, V(none) for no such lines.
      - Unset means the host's C(/etc/hosts), but none with O(network=none).
      - A change needs C(recreate).
    type: str
  ipc:
    description:
      - Whose System V IPC, message queues and C(/dev/shm) the container has. V(shareable), one of its own that others
        may share, V(private), one that they may not, V(none), one without C(/dev/shm), V(host), C(container:NAME), or
        C(ns:PATH).
      - Unset is V(shareable).
      - A change needs C(recreate).
    type: str
    aliases: [ipc_mode]
  pid:
    description:
      - Which processes the container sees. V(private), V(host), C(container:NAME), or C(ns:PATH).
      - Unset is V(private).
      - A change needs C(recreate).
    type: str
    aliases: [pid_mode]
  uts:
    description:
      - Whose host name the container has. V(private), V(host), C(container:NAME), or C(ns:PATH).
      - Unset is V(private).
      - A change needs C(recreate).
    type: str
  cgroupns:
    description:
      - Which cgroups the container sees. V(private), V(host), C(container:NAME), or C(ns:PATH).
      - Unset is V(private) with cgroups v2, else V(host).
      - A change needs C(recreate).
    type: str
  userns:
    description:
      - Whose user and group ids the container has. V(host); V(private), with those of O(uidmap), O(gidmap) or
        O(subuidname); V(auto), with ids that no other container has, as many as the image's accounts need, out of those
        that C(/etc/subuid) and C(/etc/subgid) give to user C(containers); C(container:NAME), or C(ns:PATH).
      - After V(auto) may follow C(:size=N), C(uidmapping=C:H:S) and C(gidmapping=C:H:S), with commas between.
      - The image is shown with these ids by idmapped mounts, where kernel and file system have them (Linux 5.19), else
        the container gets a copy of it.
      - Unset is V(host), or V(private) with O(uidmap), O(gidmap) or O(subuidname).
      - A change needs C(recreate).
    type: str
    aliases: [userns_mode]
  uidmap:
    description:
      - Which user ids of the host the container's are, as C(CONTAINER:HOST:SIZE), as in V(0:100000:65536).
      - Unset is O(gidmap), if that is given.
      - A change needs C(recreate).
    type: list
    elements: str
  gidmap:
    description:
      - Which group ids of the host the container's are, as in O(uidmap).
      - Unset is O(uidmap), if that is given.
      - A change needs C(recreate).
    type: list
    elements: str
  subuidname:
    description:
      - User whose ids of C(/etc/subuid) the container gets, from 0 on.
      - Unset is O(subgidname), if that is given.
      - A change needs C(recreate).
    type: str
  subgidname:
    description:
      - User whose ids of C(/etc/subgid) the container's groups get, from 0 on.
      - Unset is O(subuidname), if that is given.
      - A change needs C(recreate).
    type: str
  cap_add:
    description:
      - Capabilities to add, with or without C(CAP_), or V(ALL).
      - A change needs C(recreate).
    type: list
    elements: str
    aliases: [capabilities]
  cap_drop:
    description:
      - Capabilities to drop, with or without C(CAP_), or V(ALL).
      - A change needs C(recreate).
    type: list
    elements: str
  privileged:
    description:
      - Whether the container gets all capabilities and devices, and no seccomp profile.
      - Unset is V(false).
      - A change needs C(recreate).
    type: bool
  security_opt:
    description:
      - Security options, as in V(no-new-privileges) or V(seccomp=unconfined).
      - On hosts with AppArmor a container without V(apparmor=PROFILE) is confined by the profile C(slipway-default-1),
        which the engine loads; V(apparmor=unconfined) switches that off. A privileged container is not confined.
      - A change needs C(recreate).
    type: list
    elements: str
  device:
    description:
      - Devices of the host, as in V(/dev/sdc:/dev/xvdc:rwm). A place where the container has a file or a directory is
        refused.
      - A change needs C(recreate).
    type: list
    elements: str
  hooks_dir:
    description:
      - Directories with OCI hooks, files C(*.json) as C(oci-hooks(5)) describes them. A file hides one of the same name
        in a directory before.
      - They are read at each start. A missing directory, a broken file, and a program that is missing or can't be run
        are refused before anything is changed.
      - What a hook does can't be tried beforehand, since it may make what there must not be two of. So where a hook
        fails in a container that replaces one that runs, that one has been stopped; it is started again, with its
        files, and the error says so.
      - Unset means C(/usr/share/containers/oci/hooks.d) and C(/etc/containers/oci/hooks.d), where they are there. The
        path of an empty directory means no hooks.
      - A change needs C(recreate).
    type: list
    elements: str
  memory:
    description:
      - Limit of memory, a number with a unit b, k, m or g.
      - A change needs C(live).
    type: str
  memory_reservation:
    description:
      - Memory that the container is left with when the host runs short of it, with a unit as in O(memory).
      - A change needs C(live).
    type: str
  memory_swap:
    description:
      - Limit of memory and swap together, with a unit as in O(memory), or V(-1) for none.
      - A change needs C(live).
    type: str
  cpus:
    description:
      - How many processors the container may use, as in V(1.5).
      - A change needs C(live).
    type: str
  cpu_period:
    description:
      - Microseconds over which O(cpu_quota) counts. Not together with O(cpus).
      - A change needs C(live).
    type: int
  cpu_quota:
    description:
      - Microseconds of processor time in each O(cpu_period), V(-1) for no limit. Not together with O(cpus).
      - A change needs C(live).
    type: int
  cpu_shares:
    description:
      - Weight among the containers that want a processor.
      - A change needs C(live).
    type: int
  cpuset_cpus:
    description:
      - Processors to run on, as in V(0-3,7).
      - A change needs C(live).
    type: str
  cpuset_mems:
    description:
      - Memory nodes to use, as in V(0-1). Of use on hosts with more than one.
      - A change needs C(live).
    type: str
  pids_limit:
    description:
      - How many processes there may be, V(-1) for no limit.
      - A change needs C(live).
    type: str
  memory_swappiness:
    description:
      - How readily the kernel swaps the container's memory, V(0) to V(100), V(-1) for the kernel's own. Only with
        cgroups v1.
      - A change needs C(recreate).
    type: int
  oom_kill_disable:
    description:
      - Whether the kernel kills no process of the container when that has used up its O(memory). One that needs more
        waits then until the limit is raised or another ends, or is told that there is none. Only with cgroups v1.
      - Unset is V(false).
      - A change needs C(recreate).
    type: bool
  blkio_weight:
    description:
      - Weight of the container's block input and output, V(10) to V(1000), V(0) for the kernel's own.
      - A change needs C(live).
    type: int
  device_cgroup_rule:
    description:
      - Devices that the container may use once it makes or gets them, as in V(c 42:* rwm).
      - A change needs C(recreate).
    type: list
    elements: str
  cgroup_conf:
    description:
      - Files of the container's cgroup and what to write to them, as in C(memory.high) and a number of bytes. Only with
        cgroups v2.
      - A change needs C(recreate).
    type: dict
  oom_score_adj:
    description:
      - How soon the container's processes are killed when the host runs out of memory, V(-1000) (never) to V(1000)
        (first).
      - A change needs C(recreate).
    type: int
  cgroups:
    description:
      - Whether there are control groups for the container and for C(conmon), which watches over it.
      - With V(no-conmon) the latter stays in that of the task, and may be ended with the login session.
      - V(disabled) makes none for the container either, so there are no limits. It needs C(crun).
      - Unset means V(enabled).
      - A change needs C(recreate).
    type: str
    choices: [enabled, no-conmon, disabled]
  cgroup_parent:
    description:
      - Control group to make the container's below, a path as V(/web) with O(cgroup_manager=cgroupfs), a slice as
        V(web.slice) with O(cgroup_manager=systemd).
      - Unset means C(/slipway) and C(system.slice).
      - A change needs C(recreate).
    type: path
  ulimit:
    description:
      - Limits of resources, as in V(nofile=1024:4096). What is above the host's own limit is lowered to it.
      - A change needs C(recreate).
    type: list
    elements: str
    aliases: [ulimits]
  sysctl:
    description:
      - Kernel parameters of the container's namespaces.
      - A change needs C(recreate).
    type: dict
  shm_size:
    description:
      - Size of C(/dev/shm), a number with a unit b, k, m or g.
      - Unset is V(64m).
      - A change needs C(recreate).
    type: str
  init:
    description:
      - Whether a small init runs first, that reaps processes and hands signals on.
      - Unset is V(false).
      - A change needs C(recreate).
    type: bool
  init_path:
    description:
      - Program on the host that O(init=true) runs.
      - Unset, it is catatonit, tini or dumb-init, the first that is installed.
      - A change needs C(recreate).
    type: str
  systemd:
    description:
      - Whether systemd runs in the container, and so gets what it needs. C(/run), C(/run/lock), C(/tmp) and
        C(/var/log/journal) are file systems in memory, its control group can be written to, C(RTMIN+3) asks it to stop,
        and C(container_uuid) makes its machine id.
      - V(true) means that it does so when the command is C(systemd) or an C(init) in C(/sbin), C(/usr/sbin) or
        C(/usr/local/sbin); V(always) means that it does in any case, V(false) in none.
      - With cgroups v1 it needs the hierarchy C(name=systemd) on the host.
      - Unset is V(true).
      - A change needs C(recreate).
    type: str
  shm_size_systemd:
    description:
      - Size of each of the file systems in memory that O(systemd) gives, a number with a unit b, k, m or g.
      - Unset, it is half of the host's memory.
      - A change needs C(recreate).
    type: str
  umask:
    description:
      - Umask of the command, in octal and quoted.
      - Unset is V(0022).
      - A change needs C(recreate).
    type: str
  timezone:
    description:
      - Time zone of the container, as in V(Europe/Berlin), or V(local) for the host's. It is the host's file that
        becomes C(/etc/localtime).
      - A change needs C(recreate).
    type: str
  tty:
    description:
      - Whether the command gets a terminal.
      - Unset is V(false).
      - A change needs C(recreate).
    type: bool
  interactive:
    description:
      - Whether the command's input is kept open.
      - Unset is V(false).
      - A change needs C(recreate).
    type: bool
  stop_signal:
    description:
      - Signal that asks the container to stop, by name or number.
      - Unset, it is the image's, else V(RTMIN+3) for systemd (O(systemd)), else V(SIGTERM).
      - A change needs C(live).
    type: str
  stop_timeout:
    description:
      - Seconds to wait after O(stop_signal) before the container is killed, V(-1) to wait without end.
      - Unset is V(10).
      - A change needs C(live).
    type: int
  log_driver:
    description:
      - How the output of the container is kept. V(json-file) is another name of V(k8s-file).
      - V(journald) keeps it in the journal of the host, which needs C(systemd-journald) and C(journalctl) there. The
        journal's own limits hold, of size and of lines in a time (C(RateLimitBurst) in C(journald.conf)). What the
        container wrote stays there when it is removed.
      - Unset is V(k8s-file).
      - A change needs C(recreate).
    type: str
    choices: [k8s-file, journald, json-file]
  log_opt:
    description:
      - Options of the log.
      - A change needs C(recreate).
    type: dict
    aliases: [log_options]
    suboptions:
      max_size:
        description:
          - Size at which the log is begun anew, as in V(10m). What was in it is lost, unless O(log_opt.max_file) keeps
            it.
          - For O(log_driver=k8s-file) alone, as is O(log_opt.max_file).
        type: str
      max_file:
        description:
          - How many files of the log are kept, the one that is written included. The others have V(.1), V(.2) and so on
            at the end of their name, V(.1) is the youngest.
          - No line is lost when the next file is begun, and none is there twice; the log may grow over
            O(log_opt.max_size) by what the container writes within some tenths of a second.
          - Unset means V(1). Needs O(log_opt.max_size).
        type: int
      path:
        description:
          - File on the host to write the log to. For O(log_driver=k8s-file) alone.
          - A symlink is refused, so is a file in a directory that anybody can write to and which is not sticky, and,
            with O(log_opt.max_size), one in a directory that is mounted in the container for writing.
        type: str
      tag:
        description:
          - What marks the lines in the journal, as C(CONTAINER_TAG) and C(SYSLOG_IDENTIFIER). For
            O(log_driver=journald) alone.
          - C({{.ID}}), C({{.Name}}), C({{.Image}}) and C({{.ImageName}}) in it stand for the container's own, as they
            are when it starts. In a playbook write it with C(!unsafe), or Ansible takes them for its own.
          - Unset, C(SYSLOG_IDENTIFIER) is the container's name.
        type: str
  healthcheck:
    description:
      - Command that tells by its exit code 0 whether the container is healthy. A text is run by C(/bin/sh -c) in the
        container, a list is run as it is; V(CMD), V(CMD-SHELL) and V(NONE) as first word mean what they mean in a
        Containerfile.
      - V(none) switches off the check of the image. Unset is the check of the image, if it has one.
      - One process checks all containers of a host. It is there as long as a container needs it.
      - A change needs C(live).
    type: raw
    aliases: [health_cmd]
  no_healthcheck:
    description:
      - V(true) is the same as O(healthcheck=none).
      - A change needs C(live).
    type: bool
  healthcheck_interval:
    description:
      - Time from the end of a check to the next, as in V(30s) or V(1m30s). The first is at the start. With V(disable)
        the check is only run by hand, with C(slipway healthcheck run).
      - Unset is the image's, or V(30s).
      - A change needs C(live).
    type: str
    aliases: [health_interval]
  healthcheck_timeout:
    description:
      - Time that a check may take, as in V(5s). One that takes longer is killed with all that it started, and has
        failed.
      - Unset is the image's, or V(30s).
      - A change needs C(live).
    type: str
    aliases: [health_timeout]
  healthcheck_start_period:
    description:
      - Time after the start in which failures do not count. A success makes the container healthy also then.
      - Unset is the image's, or V(0s).
      - A change needs C(live).
    type: str
    aliases: [health_start_period]
  healthcheck_retries:
    description:
      - Failures one after another that make the container unhealthy.
      - Unset is the image's, or 3.
      - A change needs C(live).
    type: int
    aliases: [health_retries]
  healthcheck_failure_action:
    description:
      - What to do with an unhealthy container. After V(kill) the restart policy decides; V(stop) stops it as a user
        does.
      - Unset is V(none).
      - A change needs C(live).
    type: str
    choices: [none, kill, restart, stop]
    aliases: [health_on_failure]
  health_startup_cmd:
    description:
      - Command of a check that comes before the regular one, written as O(healthcheck). The regular check begins when
        it has succeeded.
      - A change needs C(live).
    type: raw
  health_startup_interval:
    description:
      - Time between two start-up checks. Unset is V(30s).
      - A change needs C(live).
    type: str
  health_startup_timeout:
    description:
      - Time that a start-up check may take. Unset is V(30s).
      - A change needs C(live).
    type: str
  health_startup_retries:
    description:
      - Failures of the start-up check after which the container is restarted. Unset is 0, never.
      - A change needs C(live).
    type: int
  health_startup_success:
    description:
      - Successes of the start-up check that are needed. Unset is 0, the first is enough.
      - A change needs C(live).
    type: int
  requires:
    description:
      - Names of containers that have to run when this one starts. A container whose namespace this one shares is needed
        without being named here. Circles are refused.
      - A change needs C(recreate).
    type: list
    elements: str
  rm:
    description:
      - Whether the container is removed when it has ended, with its anonymous volumes.
      - Unset is V(false).
      - A change needs C(recreate).
    type: bool
    aliases: [remove, auto_remove]
  restart_policy:
    description:
      - When the container is started again after its end. V(no) for never, V(on-failure) when its exit code is not 0
        (V(on-failure:3) at most three times), V(always) and V(unless-stopped) whatever the code.
      - A container that its user has stopped stays so, also over a reboot of the host.
      - One that ends soon after its start waits longer each time, from a tenth of a second up to a minute; a run of ten
        seconds ends this.
      - Unset is V(no). With O(rm=true) it can be V(no) or V(on-failure).
      - A change needs C(live).
    type: str
  state:
    description:
      - V(started) has the container running, as asked for.
      - V(present) and V(created) have it as asked for. A new one is not started. One that runs goes on running, also
        when it is made anew.
      - V(stopped) has it as asked for, and stopped. So it stays, whatever its restart policy, until it is started
        again.
      - V(healthy) is V(started), and the task waits as with O(wait=true).
      - V(paused) has it started, and all of its processes frozen. V(started) lets it go on.
      - V(restarted) stops and starts it, each time. One that does not run, or had to be made anew, is only started.
      - V(absent) has it stopped and removed. The options of the container are not looked at then, so a whole task can
        be turned to V(absent).
    type: str
    default: started
    choices: [absent, present, created, started, stopped, healthy, paused, restarted]
  detach:
    description:
      - V(false) waits until the container has ended, and returns RV(rc), RV(stdout) and RV(stderr). The task fails
        unless the exit code is 0.
    type: bool
    default: true
  recreate:
    description:
      - Whether the container is made anew even if nothing differs.
    type: bool
    default: false
  pull:
    description:
      - "When the registry is asked for O(image). V(missing): when the image is not there. V(newer): each time, by its
        digest alone, and a container of an older image is made anew; where the registry can't be reached, the image
        that is there is good enough. V(always): each time, and the registry has to answer. V(never): never."
      - "Unset is V(missing). A boolean is what it is in M(community.docker.docker_container): V(true) is V(always),
        V(false) is V(missing)."
      - What runs goes on running until the new image is here.
    type: str
  image_strict:
    description:
      - Whether another name of the same image is a change too.
    type: bool
    default: false
  force_restart:
    description:
      - Whether the container is stopped and started again even if nothing differs.
    type: bool
    default: false
    aliases: [restart]
  force_delete:
    description:
      - Whether O(state=absent) stops a container that runs. With V(false) it fails then.
    type: bool
    default: true
  delete_depend:
    description:
      - Whether O(state=absent) removes the containers that need this one too, each after those that need it.
      - With V(false) the removal of a container that others need is refused, and they are named.
    type: bool
    default: false
  start_dependencies:
    description:
      - Whether the containers that this one needs are started before it, in order. With V(false) its start is refused
        while one of them does not run.
    type: bool
    default: true
  delete_volumes:
    description:
      - Whether the container's anonymous volumes are removed with it. Named ones never are.
    type: bool
    default: false
  stop_time:
    description:
      - Seconds to wait in this task before the container is killed, in place of O(stop_timeout).
    type: int
  wait:
    description:
      - Whether a task that leaves the container running waits until it is fit for use. With a health check it has to
        become healthy. Without one it has to run for a second.
      - The task fails when the container becomes unhealthy, when it ends and no restart policy starts it again, or when
        O(wait_timeout) is over. RV(exit_code), RV(oom_killed), RV(health) and RV(log) tell why.
    type: bool
    default: false
  wait_timeout:
    description:
      - Seconds that O(wait) and O(state=healthy) take at most. V(0) or less means without end.
    type: float
    default: 300
    aliases: [healthy_wait_timeout]
  auth_file:
    description:
      - File on the host with the credentials of registries, as C(podman login) and M(slipway.oci.login) write it.
      - "Unset, the files that podman looks into: C($REGISTRY_AUTH_FILE), else C(/run/containers/UID/auth.json),
        C(~/.config/containers/auth.json) and C(~/.docker/config.json), and the credential helpers that they name."
    type: path
    aliases: [authfile]
  tls_verify:
    description:
      - Whether certificates of registries are verified. With V(false) a registry that speaks plain http is taken too.
      - Unset, they are, unless the file of registries calls one insecure.
    type: bool
    aliases: [tlsverify, validate_certs]
  ca_cert_dir:
    description:
      - Directory on the host with certificates of authorities (C(*.crt)) and of the client (C(*.cert) with C(*.key)).
      - Unset, C(/etc/containers/certs.d/REGISTRY) and C(/etc/docker/certs.d/REGISTRY).
    type: path
    aliases: [cert_dir, certdir]
  registries_conf:
    description:
      - "File on the host that says where registries are: mirrors, other places, which are insecure or blocked, and
        where names without a registry are looked for. It has the keys of containers-registries.conf(5), written as
        JSON."
      - Unset, C(/etc/slipway/registries.json), which need not be there.
    type: path
  retry:
    description:
      - How often what failed by the network or the registry is tried again.
      - Unset is V(3).
    type: int
  retry_delay:
    description:
      - Time between two tries, as in V(5s).
      - "Unset, it is longer each time: a second, two, four. Where the registry says when to come again, that is kept,
        two minutes at most."
    type: str
  arch:
    description:
      - Architecture of the image to pull, by Go's name for it (V(amd64), V(arm64)).
      - Unset is the host's.
    type: str
    aliases: [architecture]
  os:
    description:
      - Operating system of the image to pull.
      - Unset is V(linux).
    type: str
  variant:
    description:
      - Variant of the architecture of the image to pull.
    type: str
  platform:
    description:
      - The three in one word, as in V(linux/arm64/v8).
    type: str
  pull_on:
    description:
      - "Who asks the registry. V(host): the host itself. V(controller): the controller, once for all hosts of a task,
        into a cache of its own; each host is sent the layers that it lacks, compressed as they came, over its own
        connection. It needs neither Python's C(requests) nor a way to the registry then."
      - "V(auto): the host, and the controller where the host can't: nothing answers there, or it has no C(requests)."
      - Credentials, certificates and O(registries_conf) are those of the machine that asks.
      - The cache is C($XDG_CACHE_HOME/slipway), C(~/.cache/slipway) unless that is set, or C($SLIPWAY_CACHE). It holds
        20 GB at most, or as many bytes as C($SLIPWAY_CACHE_SIZE) says; what was used longest ago goes first.
    type: str
    default: auto
    choices: [auto, host, controller]
  parcel:
    description:
      - Set by the action plugin, which brings images from the controller. Not for playbooks.
    type: dict
seealso:
  - module: slipway.oci.container_info
  - module: slipway.oci.image_load
  - module: slipway.oci.volume
"""

EXAMPLES = r"""
- name: Run a server that keeps its data in a volume
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

- name: Run a database in a network that leads nowhere, where others find it as database, too
  slipway.oci.container:
    name: db
    image: localhost/app:1
    command: [/bin/server, --listen, "5432"]
    network: ["db:alias=database"]

- name: Run a web server in two networks, reached at port 8080 of the host, and at port 9000 on the host alone
  slipway.oci.container:
    name: web
    image: localhost/app:1
    command: [/bin/server, --listen, "80"]
    network: [app, db]
    publish: ["8080:80", "127.0.0.1:9000:9000"]

- name: Run a command to its end and keep what it said
  slipway.oci.container:
    name: report
    image: localhost/app:1
    command: [/bin/cat, /data/table.db]
    network: none
    rm: true
    detach: false
  register: report

- name: Have a container that sees little and can do little
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

- name: Start it again, whatever it is doing
  slipway.oci.container:
    name: worker
    state: started
    force_restart: true

- name: Freeze it while a snapshot is taken
  slipway.oci.container:
    name: app
    state: paused

- name: Let it go on
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
    - The container in the shape of C(podman inspect). Empty when there is none (any more).
    - What is not known is null, the exit code too.
    - A task that is refused tells C(Id), C(Name) and C(State) alone, of the container that goes on as it was.
  returned: success, and when what was waited for has failed
  type: dict
  contains:
    Id:
      description: Id of the container.
      type: str
      returned: always
    Name:
      description: Name of the container.
      type: str
      returned: always
    Image:
      description: Id of the image.
      type: str
      returned: always
    ImageName:
      description: Name of the image, in full while the image has it, else as the task wrote it.
      type: str
      returned: always
    State:
      description:
        - Among others C(Status), C(Running), C(Pid), C(ExitCode), C(OOMKilled), C(StartedAt), C(FinishedAt).
      type: dict
      returned: always
    RestartCount:
      description: How often the container was started again by its restart policy.
      type: int
      returned: always
    Mounts:
      description: What is mounted, each with C(Type), C(Name), C(Source), C(Destination), C(RW) and more.
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
    - What was asked for, in canonical form. Unset options are left out.
    - Values of O(env) are null without C(--diff).
  returned: success
  type: dict
  sample: {name: app, image: "localhost/app:1", network: [host], memory: 268435456}
actions:
  description: What was done, in order. In check mode, what would be.
  returned: success
  type: list
  elements: str
  sample: [stopped app, removed app, created app, started app]
diff:
  description:
    - What differs, by option, before and after, as a task writes it. With C(--diff) its C(prepared) tells what the change costs.
    - Values of O(env) are null without C(--diff), in RV(plan) too.
  returned: success
  type: dict
  sample: {before: {env.MODE: production}, after: {env.MODE: testing}, before_header: app, after_header: app}
plan:
  description: The same with what each change needs. C(cost) is empty, C(live), C(restart) or C(recreate).
  returned: success
  type: dict
  sample:
    cost: recreate
    changes: [{option: env.MODE, before: production, after: testing, change: recreate}]
timings:
  description: Seconds that each step took.
  returned: always
  type: dict
  sample: {look: 0.0021, mount_rootfs: 0.0008, copy_up: 0.0043, runtime_create: 0.0411, runtime_start: 0.0102}
rc:
  description: Exit code of the command, null if nobody saw it.
  returned: O(detach=false) and the container was run
  type: int
  sample: 0
stdout:
  description: What the command wrote to its output.
  returned: O(detach=false) and the container was run
  type: str
  sample: first row
stderr:
  description: What the command wrote to its error output.
  returned: O(detach=false) and the container was run
  type: str
  sample: ""
exit_code:
  description: Exit code of the container that failed, null if nobody saw one.
  returned: failure of what O(wait) waited for, or of a start
  type: int
  sample: 3
oom_killed:
  description: Whether the kernel killed it for want of memory.
  returned: failure of what O(wait) waited for, or of a start
  type: bool
  sample: false
health:
  description: What its health check said, C(status) and C(log). Null without a check.
  returned: failure of what O(wait) waited for, or of a start
  type: dict
  sample: null
log:
  description: The last 20 lines that it wrote in this run. They are in the message too.
  returned: failure of what O(wait) waited for, or of a start
  type: list
  elements: str
  sample: ["no configuration at /etc/app.conf"]
error:
  description: Stable code of what went wrong. The things it is about stand beside it under their own keys.
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
