# SPDX-License-Identifier: GPL-3.0-or-later
"""The database, its write-ahead log and what lies beside it: whatever is in them, each verb works or says what is wrong.

The first byte of an input says how the engine's files are damaged, the second which verbs come upon them, the rest with what.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

from edge import Edge, Fault
from grafting import grafted

from _engine.frozen import replace

_ID, _OTHER, _CHAIN = "a" * 64, "b" * 64, "c" * 64
_COLUMNS = (
    (
        "containers",
        "name id status intent spec pid pid_start monitor_pid created started finished exit_code oom_killed",
    ),
    (
        "containers",
        "restart_count restart_at error runtime cgroup mapping checkpointed implied images given driver image_id",
    ),
    ("volumes", "name labels driver options created anonymous needs_copy_up populated removing mounted"),
    ("images", "id config manifest_digest created"),
    ("image_names", "name image_id"),
    ("layers", "chain_id diff_id size"),
    ("image_layers", "image_id position chain_id"),
    ("container_volumes", "container_id destination volume"),
    ("container_dependencies", "container_id via needs"),
    ("exec_sessions", "id container_id request pid created exit_code"),
    ("events", "at kind action id name attributes"),
    ("meta", "key value"),
    ("networks", "id name spec interface subnets created removing"),
    ("attachments", "container_id network_id interface mac"),
    ("leases", "network_id address container_id"),
)
_PLACES = tuple((table, column) for table, names in _COLUMNS for column in names.split())
#: Columns that hold JSON, with a good one.
_JSON = (
    ("containers", "spec"),
    ("containers", "implied"),
    ("containers", "images"),
    ("containers", "mapping"),
    ("volumes", "options"),
    ("volumes", "populated"),
    ("images", "config"),
    ("exec_sessions", "request"),
    ("events", "attributes"),
    ("meta", "value"),
    ("networks", "spec"),
    ("networks", "subnets"),
)


def _prepare(work: Path) -> Callable[[bytes], None]:
    from _engine.errors import EngineError

    top = work / "engine"
    good = _Good(top)

    def read(data: bytes) -> None:
        mode, verbs, rest = *(*data[:2], 0, 0)[:2], data[2:]
        good.put_back()
        with contextlib.suppress(sqlite3.Error):  # there are values that a column can't be given
            _DAMAGES[mode % len(_DAMAGES)](good, rest)
        good.age()
        for position in range(3):
            act = _VERBS[(verbs + 5 * position) % len(_VERBS)]
            with contextlib.suppress(EngineError):
                act(good)

    return read


class _Good:
    """An engine with a row of each kind, none of which lives, and a copy of its files."""

    def __init__(self, top: Path) -> None:
        from _engine.model.engine.layout import Layout

        self.layout = Layout(str(top / "root"), str(top / "run"))
        self.top = top
        _fill(self.layout)
        self.files = {path.name: path.read_bytes() for path in (top / "root").iterdir() if path.is_file()}
        self.wal = _log(self.layout, self.files["state.db"])
        self.beside = {
            path: path.read_bytes()
            for path in (
                *Path(self.layout.root).glob("*/*/container.json"),
                *Path(self.layout.images).iterdir(),
                *Path(self.layout.volume_notes).iterdir(),
            )
        }
        self.values = {place: _value(self.layout, *place) for place in _JSON}

    @property
    def database(self) -> Path:
        return Path(self.layout.database)

    def put_back(self) -> None:
        """Make all as it was before the last input."""
        for path in Path(self.layout.root).glob("state.db*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for name, content in self.files.items():
            Path(self.layout.root, name).write_bytes(content)
        for path, content in self.beside.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        for name in ("box", "data"):
            Path(self.layout.volume_data(name if name == "data" else "other")).mkdir(
                parents=True, exist_ok=True
            )

    def age(self) -> None:
        """Give the files a time of some seconds ago: a copy of what was changed just now waits for the clock's next tick."""
        for path in Path(self.layout.root).glob("state.db*"):
            os.utime(path, (1, 1), follow_symlinks=False)


def _fill(layout) -> None:
    from _engine.lifecycle.core import sidecars
    from _engine.lifecycle.host.opening import open_engine
    from _engine.model.container.spec import ContainerSpec
    from _engine.model.engine.exec_session import ExecSession
    from _engine.model.engine.record import ContainerRecord, Event, ImageRecord, LayerRecord, ProcessId
    from _engine.model.network.spec import NetworkRecord, NetworkSpec, Subnet
    from _engine.model.volume.spec import Populated, VolumeRecord, VolumeSpec
    from _engine.state import containers, dependencies, events, execs, images, networks, volumes

    config = json.dumps(
        {"architecture": "amd64", "os": "linux", "config": {"Env": ["A=1"], "Volumes": {"/v": {}}}}
    ).encode()
    import hashlib

    image = ImageRecord(
        hashlib.sha256(config).hexdigest(),
        config,
        1,
        "sha256:" + "d" * 64,
        ("localhost/x:1",),
        (LayerRecord(_CHAIN, "sha256:" + "e" * 64, 5),),
    )
    raw = {
        "image": "localhost/x:1",
        "network": ["none"],
        "volume": ["data:/data"],
        "command": ["true"],
        "env": {"A": "b"},
        "label": {"l": "m"},
        "restart_policy": "on-failure:3",
        "healthcheck": {"test": ["CMD", "true"]},
        "tmpfs": {"/t": "size=5m"},
    }
    box = ContainerRecord(
        _ID,
        ContainerSpec.parse(
            {"name": "box", **{key: value for key, value in raw.items() if key != "healthcheck"}}
        ),
        2,
        image.id,
        "running",
        process=ProcessId(2**22 - 1, 5),
        started=3,
        volumes={"/data": "data"},
        cgroup=layout.cgroup(_ID),
    )
    other = replace(
        box, id=_OTHER, spec=replace(box.spec, name="other"), status="exited", process=None, cgroup=""
    )
    with open_engine(layout.root, layout.run_root) as engine:
        with engine.database.transaction() as connection:
            images.insert(connection, image)
            filled = Populated(image.id, "/data", 1, 1, 1)
            volumes.insert(
                connection,
                VolumeRecord(VolumeSpec("data", {"l": "m"}, options={"o": "nosuid"}), 1, populated=filled),
            )
            for record in (box, other):
                containers.insert(connection, record)
            spec = NetworkSpec("net", options={"mtu": "1400"}, labels={"l": "m"})
            subnets = (Subnet("10.89.0.0/24", "10.89.0.1"), Subnet("fd00::/64"))
            networks.insert(connection, NetworkRecord(_ID, spec, "sw-aaaaaaaa", subnets, 1))
            connection.execute(f"INSERT INTO attachments VALUES ('{_OTHER}', 0, '{_ID}', 'eth0', '', '{{}}')")
            connection.execute(f"INSERT INTO leases VALUES ('{_ID}', '10.89.0.2', '{_OTHER}')")
            dependencies.write(connection, _OTHER, [("requires", _ID)])
            execs.insert(connection, ExecSession("f" * 64, _ID, ("true",), None, detached=False, created=1))
            events.add(connection, Event(1, "container", "create", _ID, "box", {"a": "b"}))
        for path in (layout.layer_diff(_CHAIN), layout.volume_data("data"), layout.volume_data("other")):
            os.makedirs(path, exist_ok=True)
        for record in (box, other):
            os.makedirs(layout.container(record.id).static)
            sidecars.keep_container(engine, record)
        sidecars.keep_volume(engine, "data")
        sidecars.keep_images(engine)


def _log(layout, good: bytes) -> bytes:
    """Return a write-ahead log that goes on from the database."""
    connection = sqlite3.connect(layout.database, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("UPDATE containers SET error = 'of the log'")
    log = Path(f"{layout.database}-wal").read_bytes()
    connection.close()
    for path in Path(layout.root).glob("state.db*"):
        path.unlink()
    Path(layout.database).write_bytes(good)
    return log


def _value(layout, table: str, column: str) -> object:
    connection = sqlite3.connect(layout.database)
    found = connection.execute(f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL").fetchone()
    connection.close()
    with contextlib.suppress(ValueError, TypeError):
        return json.loads(found[0])
    return {}


# -- damages ---------------------------------------------------------------------------------------


def _overwrite(good: _Good, data: bytes) -> None:
    """Put bytes anywhere into the file."""
    content = bytearray(good.files["state.db"])
    for start in range(0, len(data) - 3, 4):
        content[int.from_bytes(data[start : start + 3], "big") % len(content)] = data[start + 3]
    good.database.write_bytes(content)


def _cut(good: _Good, data: bytes) -> None:
    length = int.from_bytes(data[:3], "big") % (len(good.files["state.db"]) + 1)
    good.database.write_bytes(good.files["state.db"][:length] + data[3:])


def _cell(good: _Good, data: bytes) -> None:
    """Put a value of any type into a column."""
    kind, place = (*data[:2], 0, 0)[:2]
    table, column = _PLACES[place % len(_PLACES)]
    rest = data[2:]
    number = int.from_bytes(rest[:8], "big", signed=True)
    value = (rest, rest.decode("latin-1"), number, number / 3, None, str(number))[kind % 6]
    _update(good, table, column, value)


def _text(good: _Good, data: bytes) -> None:
    """Put text that may not be UTF-8 into a column."""
    table, column = _PLACES[(data[0] if data else 0) % len(_PLACES)]
    _execute(good, f"UPDATE {table} SET {column} = CAST(? AS TEXT)", data[1:])


def _json(good: _Good, data: bytes) -> None:
    """Put an odd value into the JSON of a column."""
    place = _JSON[(data[0] if data else 0) % len(_JSON)]
    text = grafted(good.values[place], data[1:13])
    _update(good, *place, text if place[1] == "config" else text.decode())


def _update(good: _Good, table: str, column: str, value: object) -> None:
    _execute(good, f"UPDATE {table} SET {column} = ?", value)


def _execute(good: _Good, statement: str, value: object) -> None:
    connection = sqlite3.connect(good.database, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(statement, (value,))
    finally:
        connection.close()


def _statement(good: _Good, data: bytes) -> None:
    """Take a table or column away, or change the version."""
    kind, place = (*data[:2], 0, 0)[:2]
    table, column = _PLACES[place % len(_PLACES)]
    statements = (
        f"DROP TABLE {table}",
        f"ALTER TABLE {table} RENAME COLUMN {column} TO other",
        f"PRAGMA user_version = {int.from_bytes(data[2:5], 'big', signed=True)}",
        f"DELETE FROM {table}",
        "PRAGMA journal_mode = DELETE",
    )
    connection = sqlite3.connect(good.database, isolation_level=None)
    try:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute(statements[kind % len(statements)])
    finally:
        connection.close()


def _write_log(good: _Good, data: bytes) -> None:
    """Put a damaged log beside the database. Not an odd index of it too: SQLite tries for ten seconds to look into that."""
    log = bytearray(good.wal)
    for start in range(1, len(data) - 3, 4):
        log[int.from_bytes(data[start : start + 3], "big") % len(log)] = data[start + 3]
    kind = data[0] if data else 0
    Path(f"{good.database}-wal").write_bytes(data[1:] if kind & 1 else log)


def _odd_files(good: _Good, data: bytes) -> None:
    """Put what is no database in its place."""
    kind = (data[0] if data else 0) % 5
    good.database.unlink()
    if kind == 0:
        good.database.write_bytes(data[1:])
    elif kind == 1:
        good.database.mkdir()
    elif kind == 2:
        good.database.symlink_to("state.db")
    elif kind == 3:
        Path(f"{good.database}-wal").mkdir()
        good.database.write_bytes(good.files["state.db"])
    else:
        Path(f"{good.database}-shm").write_bytes(data[1:])


def _beside(good: _Good, data: bytes) -> None:
    """Damage what lies beside, and lose the database."""
    paths = sorted(good.beside)
    path = paths[(data[0] if data else 0) % len(paths)]
    path.write_bytes(data[2:] if data[1:2] < b"\x40" else grafted(json.loads(good.beside[path]), data[2:14]))
    good.database.unlink()


_DAMAGES = (_overwrite, _cut, _cell, _json, _text, _statement, _write_log, _odd_files, _beside, _cell, _json)


# -- verbs -----------------------------------------------------------------------------------------


def _opened(good: _Good, *, acts: bool):
    from _engine.lifecycle.host.opening import open_engine

    return open_engine(good.layout.root, good.layout.run_root, read_only=not acts)


def _info(good: _Good) -> None:
    from _engine.lifecycle.info import info
    from _engine.lifecycle.info.explain import explained
    from _engine.lifecycle.network.tell import networks

    with _opened(good, acts=False) as engine:
        shapes = info.containers(engine).result["containers"]
        json.dumps(networks(engine).result)
        json.dumps([shapes, info.volumes(engine).result, info.images(engine).result])
        json.dumps(explained(engine, shapes))


def _events(good: _Good) -> None:
    from _engine.lifecycle.core.events import events
    from _engine.model.engine.event_query import EventQuery

    with _opened(good, acts=False) as engine:
        json.dumps(events(engine, EventQuery()).result)


def _converge(state: str, *, acts: bool) -> Callable[[_Good], None]:
    def act(good: _Good) -> None:
        from _engine.lifecycle.converge.container import converge
        from _engine.lifecycle.converge.request import Request

        with _opened(good, acts=acts) as engine:
            for name in ("box", "other"):
                converge(
                    engine, Request(name, state, delete_depend=True), lambda *_engine, **_keep: ("true",)
                )

    return act


def _volume(state: str, *, acts: bool) -> Callable[[_Good], None]:
    def act(good: _Good) -> None:
        from _engine.lifecycle.converge.volume import converge_volume
        from _engine.model.volume.spec import VolumeSpec

        with _opened(good, acts=acts) as engine:
            converge_volume(engine, VolumeSpec("data"), state)

    return act


def _network(state: str) -> Callable[[_Good], None]:
    def act(good: _Good) -> None:
        from _engine.lifecycle.network.converge import converge_network
        from _engine.model.network.grammar import parse

        with _opened(good, acts=True) as engine:
            converge_network(engine, parse({"name": "net"}), state)

    return act


def _cleanup(good: _Good) -> None:
    from _engine.lifecycle.container.exited import exited

    with _opened(good, acts=True) as engine:
        exited(engine, _ID, ("true",), keep=True)


def _refresh(good: _Good) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(good.layout.boot_marker)
    with _opened(good, acts=True):
        pass


def _connect(good: _Good) -> None:
    from _engine.state.running import find

    for name in ("box", _ID):
        find(good.layout.database, name)


def _rebuild(good: _Good) -> None:
    from _engine.lifecycle.host.rebuild import rebuild

    foreseen = rebuild(good.layout.root, good.layout.run_root, dry_run=True)
    done = rebuild(good.layout.root, good.layout.run_root, dry_run=False)
    if foreseen != done:
        raise Fault(f"{foreseen} was foreseen, and {done} done")
    again = rebuild(good.layout.root, good.layout.run_root, dry_run=True)
    if again.state or again.made:
        raise Fault(f"after a rebuild there is still something to be made: {again}")
    _info(good)


_VERBS: tuple[Callable[[_Good], None], ...] = (
    _info,
    _events,
    _converge("present", acts=False),
    _converge("started", acts=False),
    _converge("absent", acts=False),
    _converge("stopped", acts=True),
    _converge("absent", acts=True),
    _volume("present", acts=True),
    _volume("absent", acts=True),
    _network("present"),
    _network("absent"),
    _cleanup,
    _refresh,
    _connect,
    _rebuild,
)


def _seeds() -> list[bytes]:
    rest = bytes(range(1, 41))
    return [
        bytes((mode, verb)) + rest[mode + verb :]
        for mode in range(len(_DAMAGES))
        for verb in range(0, len(_VERBS), 4)
    ]


EDGES = (Edge("database", _prepare, _seeds),)
