# SPDX-License-Identifier: GPL-3.0-or-later
"""A podman of its own with one image, and what our engine would tell of the same containers."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import socket
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from _engine.lifecycle.info.shape import container_shape
from _engine.lifecycle.inspect.host_config import UNSEEN, OfHost
from _engine.model.container.spec import ContainerSpec
from _engine.model.engine.layout import Layout
from _engine.model.engine.record import ContainerRecord, ImageRecord, LayerRecord
from _engine.model.values.times import parse_rfc3339
from _engine.model.volume.spec import VolumeRecord, VolumeSpec

NAME = "localhost/app:1"
LAYOUT = Layout("/ROOT", "/RUN")
#: Those that the tests name: for others podman mounts files of its own.
ACCOUNTS = {
    "etc/passwd": b"root:x:0:0::/root:/bin/sh\nuser:x:5:5::/home:/bin/sh\n",
    "etc/group": b"root:x:0:\nuser:x:5:\nsix:x:6:\nseven:x:7:\n",
}
CONFIG = {
    "architecture": "amd64",
    "os": "linux",
    "created": "2024-02-03T04:05:06.789Z",
    "author": "me",
    "config": {
        "Env": ["PATH=/bin", "A=1"],
        "Entrypoint": ["/bin/sh"],
        "Cmd": ["-c", "exit 3"],
        "WorkingDir": "/data",
        "User": "0:0",
        "Labels": {"a": "b"},
        "Volumes": {"/data": {}},
        "ExposedPorts": {"80/tcp": {}},
        "StopSignal": "SIGINT",
        "Healthcheck": {"Test": ["CMD", "/bin/true"], "Interval": 30_000_000_000},
    },
    "history": [
        {"created": "2024-02-03T04:05:06.789Z", "created_by": "one"},
        {"created": "2024-02-03T04:05:07Z", "created_by": "none", "empty_layer": True},
        {"created": "2024-02-03T04:05:08Z", "created_by": "two", "comment": "the end"},
    ],
}

#: Of this process: each worker of the tests has a podman of its own, and removes what it has made.
CGROUP = f"/slipway-podman-{os.getpid()}"
#: For all containers: podman would raise limits, which not every host allows.
COMMON = f"--ulimit nofile=64:64 --ulimit nproc=64:64 --cgroup-parent {CGROUP}".split()


@dataclass(frozen=True)
class Podman:
    """Podman with all its files below one directory."""

    top: Path
    runtime: str

    def run(self, *arguments: str, check: bool = True) -> str:
        """Run podman and return what it says."""
        argv = ["podman", f"--root={self.top}/r", f"--runroot={self.top}/o", f"--tmpdir={self.top}/t"]
        argv += ["--storage-driver=vfs", "--cgroup-manager=cgroupfs", "--events-backend=none"]
        argv += ["--runtime", self.runtime, *arguments]
        done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0 or not check, done.stderr
        return done.stdout.strip()

    def create(self, name: str, options: list[str], *command: str) -> dict:
        """Create a container of the image and tell it."""
        self.run("create", "--name", name, *options, *COMMON, NAME, *command)
        return self.inspect(name)

    def inspect(self, name: str, kind: str = "container") -> dict:
        """Return what podman tells."""
        (found,) = json.loads(self.run(kind, "inspect", name))
        return found


def layers() -> list[bytes]:
    """Return the tars of the image's two layers."""
    busybox = Path(shutil.which("busybox")).read_bytes()
    return [
        tar({"bin": None, "bin/sh": busybox, "data": None}),
        tar({"etc": None, "etc/note": b"x", **ACCOUNTS}),
    ]


def image_config() -> bytes:
    """Return the image's configuration."""
    digests = [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers()]
    return json.dumps({**CONFIG, "rootfs": {"type": "layers", "diff_ids": digests}}).encode()


def docker_archive() -> bytes:
    """Return the image as docker-archive."""
    files = {f"{number}.tar": layer for number, layer in enumerate(layers())}
    entry = {"Config": "config.json", "RepoTags": [NAME], "Layers": list(files)}
    return tar({"manifest.json": json.dumps([entry]).encode(), "config.json": image_config(), **files})


def tar(members: dict[str, bytes | None]) -> bytes:
    """Return a tar of programs and (None) directories."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
            entry.size, entry.mode = len(content or b""), 0o755
            archive.addfile(entry, io.BytesIO(content or b""))
    return buffer.getvalue()


def our_image(digest: str | None = None) -> ImageRecord:
    """Return our record of the image; ``digest`` as podman has made it while loading."""
    config = image_config()
    rows = tuple(
        LayerRecord(hashlib.sha256(layer).hexdigest(), f"sha256:{hashlib.sha256(layer).hexdigest()}", 1)
        for layer in layers()
    )
    return ImageRecord(hashlib.sha256(config).hexdigest(), config, 1, digest, (NAME,), rows)


def ours(theirs: dict, raw: dict, *, host: OfHost = UNSEEN, **fields: object) -> dict:
    """Tell our container of the same options, under podman's ids."""
    spec = ContainerSpec.parse({"name": theirs["Name"], "image": NAME, **raw})
    volumes = {item["Destination"]: item["Name"] for item in theirs["Mounts"] if item["Type"] == "volume"}
    record = ContainerRecord(
        theirs["Id"],
        spec,
        parse_rfc3339(theirs["Created"]),
        image_id=theirs["Image"],
        volumes=volumes,
        **fields,
    )
    known = {name: VolumeRecord(VolumeSpec(name), 1) for name in volumes.values()}
    return container_shape(
        record,
        our_image(theirs["ImageDigest"]),
        LAYOUT,
        volumes=known,
        host=host,
        host_name=socket.gethostname(),
    )


#: Mappings whose keys are the user's, or (the image's health check) nobody's in particular.
OPEN = {
    "Labels",
    "Annotations",
    "Tmpfs",
    "Sysctls",
    "Ports",
    "PortBindings",
    "Volumes",
    "ExposedPorts",
    "Options",
}


def kinds(value: object, path: str = "") -> dict[str, set[str]]:
    """Return the JSON types of each place of a document; all items of a list are one place."""
    found = {path: {type(value).__name__}}
    below = {}
    if isinstance(value, dict) and path.rpartition(".")[2] not in OPEN:
        below = {f"{path}.{key}": [item] for key, item in value.items()}
    if isinstance(value, list):
        below = {f"{path}[]": value}
    for place, items in below.items():
        for item in items:
            merge(found, kinds(item, place))
    return found


def merge(into: dict[str, set[str]], found: dict[str, set[str]]) -> None:
    """Add the types found to those known."""
    for place, types in found.items():
        into.setdefault(place, set()).update(types)


def unlike(mine: dict[str, set[str]], theirs: dict[str, set[str]], null: set[str]) -> dict[str, set[str]]:
    """Return each place of ours that podman does not have, or has with another type; some may be null."""
    wrong = {}
    for place, types in mine.items():
        allowed = theirs.get(place, set()) | ({"NoneType"} if place in null else set())
        if types - allowed:
            wrong[place] = types - allowed
    return wrong
