# SPDX-License-Identifier: GPL-3.0-or-later
"""Name the options of podman_container that this engine has not yet: they are refused, never ignored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .options import ArgumentSpec, refuse

#: The options by their type in podman_container; an option that gets built moves to the engine's table.
_OPTIONS = {
    "bool": """
        env_host http_proxy no_hosts oom_kill_disable passwd
        publish_all rmi sig_proxy tls_verify unsetenv_all
    """,
    "dict": "blkio_weight_device env_merge etc_hosts",
    "int": """
        cpu_rt_period cpu_rt_runtime
        retry timeout
    """,
    "list": """
        attach device_read_bps device_read_iops device_write_bps device_write_iops dns dns_search
        expose network_aliases preserve_fd publish secrets unsetenv
    """,
    "path": "authfile cidfile conmon_pidfile pid_file pod_id_file",
    "str": """
        arch chrootdirs decryption_key delete_time detach_keys
        dns_option gpus group_entry hostuser init_ctr ip ip6
        kernel_memory label_file log_level mac_address os passwd_entry
        personality platform pod preserve_fds pull rdt_class restart_time
        retry_delay sdnotify seccomp_policy
        variant
    """,
}

_ALIASES = {
    "dns": ["dns_servers"],
    "dns_option": ["dns_opts"],
    "dns_search": ["dns_search_domains"],
    "etc_hosts": ["add_hosts"],
    "expose": ["exposed", "exposed_ports"],
    "network_aliases": ["network_alias"],
    "publish": ["ports", "published", "published_ports"],
}

#: Said outright where a name sounds like a secret to Ansible.
_NO_LOG = {
    "decryption_key": False,
    "detach_keys": False,
    "passwd": False,
    "passwd_entry": False,
    "secrets": True,
}


def _argument(name: str, kind: str) -> dict[str, Any]:
    argument: dict[str, Any] = {"type": kind}
    if kind == "list":
        argument["elements"] = "str"
    if name in _ALIASES:
        argument["aliases"] = _ALIASES[name]
    if name in _NO_LOG:
        argument["no_log"] = _NO_LOG[name]
    return argument


NOT_BUILT: ArgumentSpec = {
    name: _argument(name, kind) for kind, names in _OPTIONS.items() for name in names.split()
}


#: What to do instead, where something can be done; the others are left out.
_REMEDIES = {
    "publish publish_all expose": (
        "Write network: host and let the program listen on the port itself; there are no other networks yet"
    ),
    "dns dns_option dns_search": "Mount a file of your own over /etc/resolv.conf with volume",
    "etc_hosts no_hosts": "Mount a file of your own over /etc/hosts with volume",
    "ip ip6 mac_address network_aliases": "Write network: host or none; there are no other networks yet",
    "pod pod_id_file": "Let containers share namespaces with network, ipc and pid: container:NAME",
    "pull authfile tls_verify arch os platform variant decryption_key retry retry_delay": (
        "Leave it out, and bring the image first with image_load or image_import"
    ),
    "secrets": "Mount a file with volume, or a tmpfs that a task fills with container_file",
    "env_host http_proxy env_merge": "Write the variables in env or env_file",
    "unsetenv unsetenv_all": "Set the variables to an empty text in env",
    "timeout": "Leave it out, and stop the container by a task with state: stopped",
    "delete_time restart_time": "Write stop_time",
    "cidfile pid_file conmon_pidfile": "Leave it out, and register the result: it has container.Id and container.State.Pid",
    "gpus": "Name the devices in device",
    "attach detach_keys sig_proxy": "Write detach: false, which waits for the end and returns the output",
    "log_level": "Leave it out; the result's actions and timings tell what was done",
    "label_file": "Write the labels in label",
    "rmi": "Remove the image by a task of its own with image_remove",
}


def refuse_not_built(params: Mapping[str, Any]) -> None:
    """Raise NotBuiltYet naming every such option that is set, with what to do about the first."""
    found = [name for name in NOT_BUILT if params.get(name) is not None]
    remedy = next((text for names, text in _REMEDIES.items() if found and found[0] in names.split()), None)
    refuse(found, **({"remedy": remedy} if remedy else {}))
