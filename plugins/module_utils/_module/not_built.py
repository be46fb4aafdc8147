# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of podman_container that this engine has not yet: they are refused, never ignored.

An option that gets built moves from here to the engine's table (model/container/options.py). The text below each is its
documentation, from which ``make generated`` writes doc_fragments/not_built.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .._engine.model.container.kinds import Argument, of_type
from .options import ArgumentSpec, refuse

_PORTS = "Write network: host and let the program listen on the port itself; there are no other networks yet"
_RESOLVER = "Mount a file of your own over /etc/resolv.conf with volume"
_HOSTS = "Mount a file of your own over /etc/hosts with volume"
_ADDRESS = "Write network: host or none; there are no other networks yet"
_POD = "Let containers share namespaces with network, ipc and pid: container:NAME"
_REGISTRY = "Leave it out, and bring the image first with image_load or image_import"
_VARIABLES = "Write the variables in env or env_file"
_UNSET = "Set the variables to an empty text in env"
_STOP_TIME = "Write stop_time"
_RESULT = "Leave it out, and register the result: it has container.Id and container.State.Pid"
_DETACH = "Write detach: false, which waits for the end and returns the output"


class _Refused(NamedTuple):
    """An option by its type in podman_container; ``remedy``: what to do instead, where something can be done."""

    argument: Argument
    remedy: str


def _refused(kind: str, remedy: str = "", **more: Any) -> _Refused:
    return _Refused(of_type(kind, **more), remedy)


class NotBuilt:
    """The options. ``no_log`` is said outright where a name sounds like a secret to Ansible."""

    arch = _refused("str", _REGISTRY)
    """Architecture of the image to pull."""

    attach = _refused("list", _DETACH)
    """Streams to attach to."""

    authfile = _refused("path", _REGISTRY)
    """File with the credentials of registries."""

    blkio_weight_device = _refused("dict")
    """The same for single devices."""

    chrootdirs = _refused("str")
    """Directories in the container to treat as roots."""

    cidfile = _refused("path", _RESULT)
    """File to write the container's id to."""

    conmon_pidfile = _refused("path", _RESULT)
    """File to write the pid of conmon to."""

    cpu_rt_period = _refused("int")
    """Period of the real-time quota."""

    cpu_rt_runtime = _refused("int")
    """Real-time processor time in each period."""

    decryption_key = _refused("str", _REGISTRY, no_log=False)
    """Key to decrypt images with."""

    delete_time = _refused("str", _STOP_TIME)
    """Seconds to wait for the container to stop before its removal."""

    detach_keys = _refused("str", _DETACH, no_log=False)
    """Keys to detach from the container with."""

    device_read_bps = _refused("list")
    """Limits of reading from devices in bytes per second."""

    device_read_iops = _refused("list")
    """Limits of reading from devices in operations per second."""

    device_write_bps = _refused("list")
    """Limits of writing to devices in bytes per second."""

    device_write_iops = _refused("list")
    """Limits of writing to devices in operations per second."""

    dns = _refused("list", _RESOLVER, aliases=["dns_servers"])
    """Name servers."""

    dns_option = _refused("str", _RESOLVER, aliases=["dns_opts"])
    """Options of the resolver."""

    dns_search = _refused("list", _RESOLVER, aliases=["dns_search_domains"])
    """Domains to search for names."""

    env_host = _refused("bool", _VARIABLES)
    """All variables of the host's environment."""

    env_merge = _refused("dict", _VARIABLES)
    """Changes of the image's variables."""

    etc_hosts = _refused("dict", _HOSTS, aliases=["add_hosts"])
    """Lines of C(/etc/hosts), host name to address."""

    expose = _refused("list", _PORTS, aliases=["exposed", "exposed_ports"])
    """Ports to call exposed."""

    gpus = _refused("str", "Name the devices in device")
    """Graphics processors."""

    group_entry = _refused("str")
    """Line for C(/etc/group) of the container."""

    hostuser = _refused("str")
    """Users of the host to add to C(/etc/passwd)."""

    http_proxy = _refused("bool", _VARIABLES)
    """The host's proxy variables."""

    init_ctr = _refused("str")
    """Initialisation of a pod by this container."""

    ip = _refused("str", _ADDRESS)
    """IPv4 address."""

    ip6 = _refused("str", _ADDRESS)
    """IPv6 address."""

    kernel_memory = _refused("str")
    """Limit of the kernel's memory."""

    label_file = _refused("str", "Write the labels in label")
    """File of labels."""

    log_level = _refused("str", "Leave it out; the result's actions and timings tell what was done")
    """How much podman logs."""

    mac_address = _refused("str", _ADDRESS)
    """MAC address."""

    network_aliases = _refused("list", _ADDRESS, aliases=["network_alias"])
    """Further names of the container in its network."""

    no_hosts = _refused("bool", _HOSTS)
    """Whether C(/etc/hosts) is left alone."""

    oom_kill_disable = _refused("bool")
    """Whether the kernel spares the container when memory is short."""

    os = _refused("str", _REGISTRY)
    """Operating system of the image to pull."""

    passwd = _refused("bool", no_log=False)
    """Whether entries are added to C(/etc/passwd) and C(/etc/group)."""

    passwd_entry = _refused("str", no_log=False)
    """Line for C(/etc/passwd) of the container."""

    personality = _refused("str")
    """Execution domain."""

    pid_file = _refused("path", _RESULT)
    """File to write the pid of the container to."""

    platform = _refused("str", _REGISTRY)
    """Platform of the image to pull."""

    pod = _refused("str", _POD)
    """Pod to run in."""

    pod_id_file = _refused("path", _POD)
    """File with the id of the pod to run in."""

    preserve_fd = _refused("list")
    """File descriptors to hand on."""

    preserve_fds = _refused("str")
    """How many file descriptors to hand on."""

    publish = _refused("list", _PORTS, aliases=["ports", "published", "published_ports"])
    """Ports to publish."""

    publish_all = _refused("bool", _PORTS)
    """Whether all exposed ports are published."""

    pull = _refused("str", _REGISTRY)
    """When to pull the image."""

    rdt_class = _refused("str")
    """Class of service (RDT)."""

    restart_time = _refused("str", _STOP_TIME)
    """Seconds to wait for the container to stop before its restart."""

    retry = _refused("int", _REGISTRY)
    """How often to try a pull again."""

    retry_delay = _refused("str", _REGISTRY)
    """Time between two tries."""

    rmi = _refused("bool", "Remove the image by a task of its own with image_remove")
    """Whether the image is removed with the container."""

    sdnotify = _refused("str")
    """Who gets the socket of systemd's notifications."""

    seccomp_policy = _refused("str")
    """How to choose the seccomp profile."""

    secrets = _refused(
        "list", "Mount a file with volume, or a tmpfs that a task fills with container_file", no_log=True
    )
    """Secrets to hand to the container."""

    sig_proxy = _refused("bool", _DETACH)
    """Whether signals are handed on to the container."""

    timeout = _refused("int", "Leave it out, and stop the container by a task with state: stopped")
    """Seconds after which the container is killed."""

    tls_verify = _refused("bool", _REGISTRY)
    """Whether a registry's certificate is verified."""

    unsetenv = _refused("list", _UNSET)
    """Variables of the image to leave out."""

    unsetenv_all = _refused("bool", _UNSET)
    """Whether all variables of the image are left out."""

    variant = _refused("str", _REGISTRY)
    """Variant of the architecture of the image to pull."""


_ROWS: Mapping[str, _Refused] = {
    name: value for name, value in vars(NotBuilt).items() if isinstance(value, _Refused)
}
NOT_BUILT: ArgumentSpec = {name: found.argument for name, found in _ROWS.items()}


def refuse_not_built(params: Mapping[str, Any]) -> None:
    """Raise NotBuiltYet naming every such option that is set, with what to do about the first."""
    found = [name for name in NOT_BUILT if params.get(name) is not None]
    remedy = _ROWS[found[0]].remedy if found else ""
    refuse(found, **({"remedy": remedy} if remedy else {}))
