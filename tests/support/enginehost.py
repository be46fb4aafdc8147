# SPDX-License-Identifier: GPL-3.0-or-later
"""Drive one engine as tasks do, opened anew for each, and see what it has on disk and in the kernel."""

from __future__ import annotations

import hashlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from _engine.agent.install import exit_command
from _engine.errors import EngineError
from _engine.frozen import fields, replace
from _engine.kernel import mountinfo
from _engine.kernel.cgroup import cgroups
from _engine.kernel.net import links, nft
from _engine.kernel.net.netlink import Netlink
from _engine.lifecycle.converge.container import converge
from _engine.lifecycle.converge.request import Request
from _engine.lifecycle.converge.volume import converge_volume
from _engine.lifecycle.core.engine import Engine
from _engine.lifecycle.core.outcome import Outcome
from _engine.lifecycle.host.opening import open_engine
from _engine.lifecycle.image.load import load
from _engine.lifecycle.image.remove import remove_image
from _engine.lifecycle.info import info
from _engine.lifecycle.network.converge import AS_USUAL, converge_network
from _engine.model.container.spec import ContainerSpec
from _engine.model.engine.layout import Layout
from _engine.model.engine.record import ContainerRecord
from _engine.model.network import grammar as networkgrammar
from _engine.model.volume import grammar
from _engine.model.volume.spec import VolumeSpec
from _engine.network import rules
from _engine.plan.volume import How
from _engine.runtime import logs
from _engine.state import containers, networks
from _engine.state.database import Database, open_database
from dockerarchive import write_archive

#: All tests that say nothing of it run with this driver: so the whole suite can be tried with each.
STORAGE_DRIVER = os.environ.get("SLIPWAY_TEST_STORAGE")
_REQUEST = frozenset(item.name for item in fields(Request))
#: What the engine keeps on purpose: its program and its database.
_KEPT = ("/root/agent", "/root/state.db")


def eventually(condition: Callable[[], Any], what: str, timeout: float = 30.0) -> Any:
    """Wait until the condition is true and return its value; fail with ``what`` after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what}, not within {timeout:.0f} s"
        time.sleep(0.01)
    return value


def failing_hook(directory: Path) -> list[str]:
    """Return ``hooks_dir`` with a hook that fails when the runtime has mounted all: nobody can foresee it."""
    hook = '{"version": "1.0.0", "hook": {"path": "/bin/false"}, "when": {"always": true}, "stages": ["createRuntime"]}'
    directory.joinpath("hook.json").write_text(hook)
    return [str(directory)]


class Host:
    """One engine's directories, below ``top``, with one OCI runtime."""

    def __init__(self, top: Path, runtime: str, image: str) -> None:
        self.top = str(top)
        self.layout = Layout(f"{self.top}/root", f"{self.top}/run")
        self.runtime = runtime
        self.image = image
        self.storage_driver = STORAGE_DRIVER

    # -- what tasks do -------------------------------------------------------------------------

    def open(self, **settings: Any) -> AbstractContextManager[Engine]:
        """Open the engine."""
        own = {"runtime": self.runtime, "storage_driver": self.storage_driver, **settings}
        return open_engine(self.layout.root, self.layout.run_root, **own)

    def database(self) -> Database:
        """Open the database alone, whatever boot it is of."""
        return open_database(self.layout.database)

    def load(self, path: Path) -> Outcome:
        """Load an archive."""
        with self.open() as engine:
            return load(engine, str(path))

    def build(self, name: str, *layers: bytes, **config: object) -> str:
        """Make an image of these layers, lowest first, and return its name."""
        archive = write_archive(Path(self.top, "image.tar"), name, layers, **config)
        try:
            self.load(archive)
        finally:
            archive.unlink()
        return name

    def spec(self, *command: str, name: str = "box", **options: Any) -> ContainerSpec:
        """Return the spec of a container that runs the command, without network."""
        raw = {"name": name, "image": self.image, "network": ["none"], **options}
        return ContainerSpec.parse({**raw, **({"command": list(command)} if command else {})})

    def want(
        self, state: str, *command: str, settings: dict[str, Any] | None = None, **options: Any
    ) -> Outcome:
        """Converge a container to the state; ``options`` are of the request and the spec, ``settings`` of the engine."""
        asked = {key: options.pop(key) for key in _REQUEST - {"name"} & options.keys()}
        spec = self.spec(*command, **options)
        with self.open(**(settings or {})) as engine:
            return converge(engine, Request(spec.name, state, spec, **asked), exit_command)

    def foreseen(
        self, state: str, *command: str, settings: dict[str, Any] | None = None, **options: Any
    ) -> str:
        """Return what check mode says against a task: the error, or the notes where an earlier task could help."""
        with self.open(**(settings or {}), read_only=True) as engine:
            try:
                converge(engine, Request("box", state, self.spec(*command, **options)), None)
            except EngineError as error:
                return str(error)
            return " ".join(map(str, engine.tolerated))

    def start(self, *command: str, **options: Any) -> dict[str, Any]:
        """Have a container that runs the command, and return its shape."""
        return self.want("started", *command, **options).result["container"]

    def bring(self, name: str, state: str, **request: Any) -> Outcome:
        """Converge a container that is there to the state, whatever its spec."""
        with self.open() as engine:
            return converge(engine, Request(name, state, **request), exit_command)

    def agent(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run ``slipway`` with these words."""
        with self.open() as engine:
            exit_command(engine, keep=False)
        return subprocess.run(
            [self.layout.agent_program, *words], check=False, capture_output=True, text=True, timeout=120
        )

    def volume(self, name: str, state: str = "present", *options: str, **how: Any) -> Outcome:
        """Converge a volume; ``options`` are those of its driver, ``how`` is as the engine takes it, with ``labels``."""
        spec = VolumeSpec(name, how.pop("labels", {}), options=grammar.parse(options).encode())
        with self.open(read_only=how.pop("check", False)) as engine:
            return converge_volume(engine, spec, state, How(**how))

    def network(
        self, name: str, state: str = "present", *, labels: dict[str, str] | None = None, **options: Any
    ) -> Outcome:
        """Converge a network; ``options`` are those of module network, ``how`` is as the engine takes it."""
        how = options.pop("how", AS_USUAL)
        asked = networkgrammar.parse({"name": name, **options})
        asked = asked._replace(spec=replace(asked.spec, labels=labels or {}))
        with self.open() as engine:
            return converge_network(engine, asked, state, how)

    def foreseen_volume(self, name: str, state: str, *options: str) -> str:
        """Return what check mode says against a volume's task, as ``foreseen`` does."""
        with self.open(read_only=True) as engine:
            try:
                spec = VolumeSpec(name, {}, options=grammar.parse(options).encode())
                converge_volume(engine, spec, state)
            except EngineError as error:
                return str(error)
            return " ".join(map(str, engine.tolerated))

    # -- what is there -------------------------------------------------------------------------

    def inspect(self, name: str = "box") -> dict[str, Any]:
        """Return a container's shape by the facts of now, {} when it is not there."""
        with self.open(read_only=True) as engine:
            found = info.containers(engine, [name]).result["containers"]
        return found[0] if found else {}

    def volumes(self) -> list[str]:
        """Return the names of all volumes."""
        with self.open(read_only=True) as engine:
            return [shape["Name"] for shape in info.volumes(engine).result["volumes"]]

    def networks(self) -> list[str]:
        """Return the names of all networks."""
        with self.open(read_only=True) as engine, engine.database.reading() as connection:
            return [one.name for one in networks.all(connection)]

    def record(self, name: str = "box") -> ContainerRecord | None:
        """Return a container's row."""
        with self.open(read_only=True) as engine, engine.database.reading() as connection:
            return containers.by_name(connection, name)

    def ended(self, name: str = "box") -> dict[str, Any]:
        """Wait until the container has ended and was cleaned up, and return its shape."""
        eventually(lambda: self.inspect(name)["State"]["Status"] == "exited", f"{name} exited")
        return self.inspect(name)

    def events(self, name: str = "box") -> list[str]:
        """Return the actions of all events of a container, oldest first."""
        from _engine.state import events

        with self.open(read_only=True) as engine, engine.database.reading() as connection:
            return [event.action for event in events.read(connection) if event.name == name]

    def log(self, name: str = "box") -> tuple[str, str]:
        """Return what a container wrote, to stdout and to stderr."""
        return logs.streams(self.inspect(name)["HostConfig"]["LogConfig"]["Path"])

    def said(self, line: str, name: str = "box") -> None:
        """Wait until the container has written the line, and fail if it never does."""
        eventually(lambda: line in self.log(name)[0].splitlines(), f"{name} said {line!r}")

    def data(self, volume: str) -> Path:
        """Return where a volume's content lies."""
        return Path(self.layout.volume_data(volume))

    # -- what is left --------------------------------------------------------------------------

    def clear(self, images: bool = False) -> None:  # noqa: FBT001, FBT002
        """Remove all containers, all volumes, all networks and, if asked, all images."""
        with self.open() as engine:
            shapes = info.containers(engine).result["containers"]
            known = [image["Id"] for image in info.images(engine).result["images"]]
        for shape in shapes:
            self.bring(shape["Name"], "absent", stop_time=0, delete_volumes=True, delete_depend=True)
        for name in self.volumes():
            self.volume(name, "absent")
        for name in self.networks():
            self.network(name, "absent")
        with self.open() as engine:
            for image in known if images else ():
                remove_image(engine, image, force=True)

    def mounts(self) -> list[str]:
        """Name every mount below the engine's directories."""
        return [f"mount {entry.target}" for entry in mountinfo.below(self.top)]

    def processes(self) -> list[str]:
        """Name every process that was told of the engine's directories, or is in its cgroup."""
        signs = (os.fsencode(f"{self.top}/"), os.fsencode(f"{self.layout.cgroup_parent}/"))
        pids = (int(name) for name in os.listdir("/proc") if name.isdigit())
        texts = ((pid, _read(f"/proc/{pid}/cmdline") + _read(f"/proc/{pid}/cgroup")) for pid in pids)
        return [f"process {pid} {text!r}" for pid, text in texts if any(sign in text for sign in signs)]

    def cgroups(self) -> list[str]:
        """Name the engine's cgroup if it is there."""
        return [f"cgroup {self.layout.cgroup_parent}"] * cgroups.exists(self.layout.cgroup_parent)

    def rows(self) -> list[str]:
        """Name every row of what can be left."""
        tables = (
            "containers container_volumes container_dependencies exec_sessions volumes images image_names layers"
            " networks attachments leases ports"
        )
        with self.open(read_only=True) as engine, engine.database.reading() as connection:
            return [
                f"{table} {tuple(row)}"
                for table in tables.split()
                for row in connection.execute(f"SELECT * FROM {table}")
            ]

    def files(self) -> list[str]:
        """Name every file and directory that the engine has, apart from what it keeps on purpose."""
        return [path for path in _walk(self.top) if not path.removeprefix(self.top).startswith(_KEPT)]

    def links(self) -> list[str]:
        """Name every interface of this network namespace that an engine makes, and the engine's table of rules."""
        with Netlink() as netlink:
            names = [link.name for link in links.listed(netlink) if link.name.startswith(("sw", "slipway"))]
        table = rules.table_of(self.layout.root)
        return [f"link {name}" for name in names] + [f"table {table}"] * nft.has_table("inet", table)

    def leftovers(self) -> list[str]:
        """Name all that a container or volume could leave, with what is there anyway."""
        return [*self.mounts(), *self.processes(), *self.cgroups(), *self.rows(), *self.files()]

    def picture(self) -> dict[str, Any]:
        """Return all that a verb could change: rows, events, files with their times and content, mounts, processes."""
        # What is looked at may be staged for a moment; what stays there is seen by its own name.
        left_out = f"{self.layout.root}/state.db", self.layout.staging
        paths = [
            path
            for path in _walk(self.layout.root)
            if not path.startswith(left_out[0]) and path != left_out[1]
        ]
        files = {path: _describe(path) for path in paths}
        kernel = [*self.mounts(), *self.processes(), *self.cgroups()]
        with self.open(read_only=True) as engine, engine.database.reading() as connection:
            events = connection.execute("SELECT count(*) FROM events").fetchone()[0]
        rows = [*self.rows(), f"{events} events"]
        return {"rows": rows, "files": files, "kernel": kernel, "run": [*_walk(self.layout.run_root)]}


def _walk(top: str) -> Iterator[str]:
    for directory, names, files in os.walk(top):
        names.sort()
        yield from (f"{directory}/{name}" for name in sorted(names + files))


def _describe(path: str) -> tuple[object, ...]:
    seen = os.lstat(path)
    plain = os.path.isfile(path) and not os.path.islink(path)
    content = hashlib.sha256(Path(path).read_bytes()).hexdigest() if plain else None
    return seen.st_mode, seen.st_uid, seen.st_gid, seen.st_size, seen.st_mtime_ns, seen.st_ino, content


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""
