# SPDX-License-Identifier: GPL-3.0-or-later
"""Podman's config.json and ours in one form, so that they can be compared."""

from __future__ import annotations

import json
import os
import re

from _engine.frozen import replace
from _engine.model.container.spec import ContainerSpec
from _engine.model.values.quantities import size
from _engine.runtime import host
from _engine.runtime.config import build, users

#: What the engine has to mount itself before the runtime binds it (lifecycle/resources/prepared_mounts.py).
PREPARED = ("O", "U", "idmap", "subpath")
#: Podman leaves this mark out wherever something is mounted on /run, so also in every read-only container.
OWN = ("/run/.containerenv",)


def ours(root, raw):
    """Return our config.json for the same options, with podman's paths for what is the engine's own."""
    base = {"name": "one", "image": str(root), "rootfs": True, "network": ["none"], "command": ["sleep", "1"]}
    spec = ContainerSpec.parse({**base, **raw})
    shared = "host" in spec.network
    mounts = {item.destination: item for item in (spec.mounts or {}).values()}
    hostname = spec.hostname or (os.uname().nodename if shared else "ID")
    given = ["/etc/hosts", "/etc/hostname", "/run/.containerenv", *(["/etc/resolv.conf"] if shared else [])]
    facts = replace(host.facts(spec), init_path="/bin/busybox")
    request = build.BundleRequest(
        id="ID",
        spec=spec,
        image=None,
        rootfs=str(root),
        user=users.resolve(
            spec.user,
            spec.group_add or (),
            passwd=(root / "etc/passwd").read_text(),
            group=(root / "etc/group").read_text(),
        ),
        hostname=hostname,
        cgroup_path="CGROUP",
        host=facts,
        files=dict.fromkeys(given, "ENGINE"),
        shm="ENGINE",
        volume_paths={
            name: f"VOLUME {item.source}" for name, item in mounts.items() if item.kind == "volume"
        },
        prepared={
            name: "PREPARED"
            for name, item in mounts.items()
            if item.kind == "image" or any(item.value(word) is not None for word in PREPARED)
        },
    )
    return json.loads(json.dumps(build.build(request)))


def comparable(config):
    """Return what a config.json means: sets where order means nothing, and no paths that differ by engine."""
    config = json.loads(re.sub(r"/[^\"]*/volumes/(\w+)/_data", r"VOLUME \1", json.dumps(config)))
    config = json.loads(re.sub(r"VOLUME [0-9a-f]{64}", "VOLUME ", json.dumps(config)))
    config = json.loads(re.sub(r"/[^\"]*/userdata/[^\"]*", "ENGINE", json.dumps(config)))
    process, linux = config["process"], config["linux"]
    environment = dict(item.split("=", 1) for item in process["env"])
    return {
        "args": process["args"],
        "cwd": process["cwd"],
        "env": {
            key: value for key, value in environment.items() if key not in ("TERM", "container", "HOSTNAME")
        },
        "TERM": environment.get("TERM", "xterm"),
        "user": {**process["user"], "additionalGids": sorted(process["user"].get("additionalGids") or ())},
        "terminal": process.get("terminal", False),
        "noNewPrivileges": process.get("noNewPrivileges", False),
        "capabilities": {name: sorted(names) for name, names in process["capabilities"].items() if names},
        "rlimits": {item["type"]: (item["soft"], item["hard"]) for item in process["rlimits"]},
        "root": config["root"],
        "mounts": {
            item["destination"].rstrip("/"): mount(item)
            for item in config["mounts"]
            if item["destination"] not in OWN
        },
        "annotations": {
            key: item for key, item in config["annotations"].items() if not key.startswith(("io.", "org."))
        },
        "namespaces": sorted(item["type"] for item in linux["namespaces"]),
        "resources": resources(linux["resources"]),
        "devices": {item["path"]: device(item) for item in linux.get("devices", ())},
        "masked": sorted({*linux.get("maskedPaths", ())} - {"/sys/devices/virtual/powercap"}),
        "readonly": sorted(linux.get("readonlyPaths", ())),
        "sysctl": linux.get("sysctl", {}),
        "propagation": linux.get("rootfsPropagation"),
        "filtered": "seccomp" in linux,
    }


def mount(item):
    """Return type, source and the set of options; what is a default of the kernel or of the engine is left out."""
    options = {_plain(word) for word in item.get("options", ())} - {"copy", "nocopy", "rprivate", "exec"}
    if item["type"] == "tmpfs":
        options -= {"suid", "dev"}
    if "bind" in options:  # podman 4.3 says rprivate of it, later ones private
        options.discard("private")
    if "rw" not in options and "ro" not in options:
        options.add("rw")
    return item["type"], item["source"], sorted(options)


def _plain(word):
    """Return the one spelling of a size and a mode."""
    name, _equals, value = word.partition("=")
    if name == "size" and not value.endswith("%"):
        return f"size={size('size', value)}"
    return f"{name}={int(value, 8):o}" if name in ("mode", "ptmxmode") else word


def resources(found):
    """Return the limits; podman writes 0 for no limit of processes, we leave it out."""
    result = {key: value for key, value in found.items() if key != "pids"}
    if (found.get("pids") or {}).get("limit", 0) > 0:
        result["pids"] = found["pids"]
    result["devices"] = sorted(json.dumps(rule, sort_keys=True) for rule in found["devices"])
    return result


def device(item):
    """Return the node; podman puts the file type into the mode, which mknod ignores."""
    return item["type"], item["major"], item["minor"], item["fileMode"] & 0o7777, item["uid"], item["gid"]
