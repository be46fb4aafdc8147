# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the argument spec of module ``container`` from the engine's table of options.

Names, types and aliases are those of containers.podman.podman_container, so that its tasks run as they are.
Two types are wider than there: ``entrypoint`` may be a list, and ``stop_signal`` a name.
"""

from __future__ import annotations

from typing import Any

from ..._engine.model.container.cgroup import DISABLED, ENABLED, NO_MONITOR
from ..._engine.model.container.spec import OPTIONS
from ..._engine.plan.container import STARTED, STATES
from ..not_built import NOT_BUILT
from ..options import ArgumentSpec

_BOOL = {"type": "bool"}
_DICT = {"type": "dict"}
_INT = {"type": "int"}
_RAW = {"type": "raw"}
_TEXT = {"type": "str"}
_LIST = {"type": "list", "elements": "str"}

#: What Ansible has to know of each option of the table. None has a default here: unset is a value of its own.
ARGUMENTS: ArgumentSpec = {
    "name": {"type": "str", "required": True},
    "image": _TEXT,
    "rootfs": _BOOL,
    "command": _RAW,
    "entrypoint": _RAW,
    "env": _DICT,
    "env_file": {"type": "list", "elements": "path", "aliases": ["env_files"]},
    "workdir": {**_TEXT, "aliases": ["working_dir"]},
    "user": _TEXT,
    "group_add": {**_LIST, "aliases": ["groups"]},
    "hostname": _TEXT,
    "label": {**_DICT, "aliases": ["labels"]},
    "annotation": _DICT,
    "volume": {**_LIST, "aliases": ["volumes"]},
    "mount": {**_LIST, "aliases": ["mounts"]},
    "tmpfs": _DICT,
    "volumes_from": _LIST,
    "image_volume": {**_TEXT, "choices": ["anonymous", "bind", "tmpfs", "ignore"]},
    "read_only": _BOOL,
    "read_only_tmpfs": _BOOL,
    "network": {**_LIST, "aliases": ["net", "network_mode"]},
    "ipc": {**_TEXT, "aliases": ["ipc_mode"]},
    "pid": {**_TEXT, "aliases": ["pid_mode"]},
    "uts": _TEXT,
    "cgroupns": _TEXT,
    "userns": {**_TEXT, "aliases": ["userns_mode"]},
    "uidmap": _LIST,
    "gidmap": _LIST,
    "subuidname": _TEXT,
    "subgidname": _TEXT,
    "cap_add": {**_LIST, "aliases": ["capabilities"]},
    "cap_drop": _LIST,
    "privileged": _BOOL,
    "security_opt": _LIST,
    "hooks_dir": _LIST,
    "device": _LIST,
    "memory": _TEXT,
    "memory_reservation": _TEXT,
    "memory_swap": _TEXT,
    "cpus": _TEXT,
    "cpu_period": _INT,
    "cpu_quota": _INT,
    "cpu_shares": _INT,
    "cpuset_cpus": _TEXT,
    "cpuset_mems": _TEXT,
    "pids_limit": _TEXT,
    "cgroups": {**_TEXT, "choices": [ENABLED, NO_MONITOR, DISABLED]},
    "cgroup_parent": {"type": "path"},
    "memory_swappiness": _INT,
    "blkio_weight": _INT,
    "device_cgroup_rule": _LIST,
    "cgroup_conf": _DICT,
    "oom_score_adj": _INT,
    "ulimit": {**_LIST, "aliases": ["ulimits"]},
    "sysctl": _DICT,
    "shm_size": _TEXT,
    "init": _BOOL,
    "init_path": _TEXT,
    "systemd": _TEXT,
    "shm_size_systemd": _TEXT,
    "umask": _TEXT,
    "timezone": _TEXT,
    "tty": _BOOL,
    "interactive": _BOOL,
    "stop_signal": _TEXT,
    "stop_timeout": _INT,
    "log_driver": {**_TEXT, "choices": ["k8s-file", "journald", "json-file"]},
    "log_opt": {
        **_DICT,
        "aliases": ["log_options"],
        "options": {"max_size": _TEXT, "max_file": _INT, "path": _TEXT, "tag": _TEXT},
    },
    "healthcheck": {"type": "raw", "aliases": ["health_cmd"]},
    "no_healthcheck": _BOOL,
    "healthcheck_interval": {**_TEXT, "aliases": ["health_interval"]},
    "healthcheck_timeout": {**_TEXT, "aliases": ["health_timeout"]},
    "healthcheck_start_period": {**_TEXT, "aliases": ["health_start_period"]},
    "healthcheck_retries": {**_INT, "aliases": ["health_retries"]},
    "healthcheck_failure_action": {
        **_TEXT,
        "aliases": ["health_on_failure"],
        "choices": ["none", "kill", "restart", "stop"],
    },
    "health_startup_cmd": {"type": "raw"},
    "health_startup_interval": _TEXT,
    "health_startup_timeout": _TEXT,
    "health_startup_retries": _INT,
    "health_startup_success": _INT,
    "requires": _LIST,
    "rm": {**_BOOL, "aliases": ["remove", "auto_remove"]},
    "restart_policy": _TEXT,
}

#: Options of the task, not of the container: how to get there.
TASK_OPTIONS: ArgumentSpec = {
    "state": {"type": "str", "default": STARTED, "choices": [*STATES]},
    "detach": {"type": "bool", "default": True},
    "recreate": {"type": "bool", "default": False},
    "image_strict": {"type": "bool", "default": False},
    "force_restart": {"type": "bool", "default": False, "aliases": ["restart"]},
    "force_delete": {"type": "bool", "default": True},
    "delete_depend": {"type": "bool", "default": False},
    "start_dependencies": {"type": "bool", "default": True},
    "delete_volumes": {"type": "bool", "default": False},
    "stop_time": _INT,
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "float", "default": 300.0, "aliases": ["healthy_wait_timeout"]},
}


def argument_spec() -> dict[str, Any]:
    """Return the argument spec: the table's options, the task's, and those refused as not built yet."""
    table = {name: ARGUMENTS[name] for option in OPTIONS for name in option.arguments}
    return {**table, **TASK_OPTIONS, **NOT_BUILT}
