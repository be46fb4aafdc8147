# SPDX-License-Identifier: GPL-3.0-or-later
"""A layer in the store is whole or absent, whatever happens to the process that adds it."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from _engine.errors import NotFound
from _engine.images.layers.store import LayerStore
from _engine.kernel import staging

MODULES = Path(__file__).parents[4] / "plugins/module_utils"

ADD = """
import sys, time
from _engine.images.layers.store import LayerStore
def chunks():
    yield open(sys.argv[3], "rb").read()[:4096]
    print("started", flush=True)
    time.sleep(60)
LayerStore(sys.argv[1] + "/layers", sys.argv[1] + "/staging").add(sys.argv[2], chunks(), lowers=())
"""


@pytest.fixture
def layer(archives):
    """Return a layer's tar and its chain id."""
    data = archives.layer(("./", {}), ("file", {"data": os.urandom(100_000)}))
    return data, hashlib.sha256(data).hexdigest()


def test_add_list_remove(store, layer):
    """An added layer is found and listed; adding it again changes nothing; a removed one is gone."""
    data, chain_id = layer
    assert (store.has(chain_id), store.list()) == (False, ())
    with pytest.raises(NotFound):
        store.diff_path(chain_id)
    content = store.add(chain_id, iter([data]), lowers=())
    assert (content.entries, content.bytes) == (2, 100_000)
    assert store.has(chain_id)
    assert store.list() == (chain_id,)
    assert os.listdir(store.diff_path(chain_id)) == ["file"]
    inode = os.stat(store.diff_path(chain_id)).st_ino
    assert store.add(chain_id, iter([b"not even read"]), lowers=()) is None
    assert os.stat(store.diff_path(chain_id)).st_ino == inode
    store.remove(chain_id)
    store.remove(chain_id)
    assert (store.has(chain_id), store.list()) == (False, ())


@pytest.mark.parametrize("chain_id", ["", ".", "../x", "a" * 63, "A" * 64, f"{'a' * 64}/.."])
def test_strange_chain_id(chain_id, store):
    """An invalid chain id never becomes a path."""
    for act in (store.has, store.diff_path, store.remove):
        with pytest.raises(NotFound):
            act(chain_id)


def test_store_is_private(store, layer, tmp_path):
    """Only root can reach a layer, whose files have their own modes, including set-user-id."""
    data, chain_id = layer
    store.add(chain_id, iter([data]), lowers=())
    assert os.stat(tmp_path / "store/layers").st_mode & 0o777 == 0o700
    assert os.stat(tmp_path / "store/layers" / chain_id).st_mode & 0o777 == 0o700


def test_two_at_once(store, layer):
    """Two processes that add the same layer at the same time both succeed, and it is stored once."""
    data, chain_id = layer
    meet = threading.Barrier(2)
    results = []

    def chunks():
        meet.wait(timeout=30)
        yield data

    def add():
        results.append(store.add(chain_id, chunks(), lowers=()))

    threads = [threading.Thread(target=add) for _number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result.entries for result in results] == [2, 2]
    assert store.list() == (chain_id,)


def test_killed_while_it_adds(store, layer, tmp_path):
    """The unfinished work of a killed process is not a layer, and a sweep removes it; a living one's is kept."""
    data, chain_id = layer
    archive = tmp_path / "layer.tar"
    archive.write_bytes(data)
    command = [sys.executable, "-c", ADD, tmp_path / "store", chain_id, archive]
    environment = {**os.environ, "PYTHONPATH": str(MODULES)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout.readline() == b"started\n"
            (name,) = os.listdir(tmp_path / "store/staging")
            assert staging.sweep(str(tmp_path / "store/staging")) == ()
            assert os.listdir(tmp_path / "store/staging") == [name]
        finally:
            process.send_signal(signal.SIGKILL)
    assert store.list() == ()
    assert staging.sweep(str(tmp_path / "store/staging")) == (name,)
    assert staging.sweep(str(tmp_path / "store/staging")) == ()
    store.add(chain_id, iter([data]), lowers=())
    assert store.list() == (chain_id,)


def test_sweep_beside_work(tmp_path, layer):
    """Continuous sweeps never remove anything that is in use."""
    data, _chain_id = layer
    store = LayerStore(str(tmp_path / "layers"), str(tmp_path / "staging"))
    (tmp_path / "staging").mkdir()
    done = threading.Event()

    def sweep():
        while not done.is_set():
            staging.sweep(str(tmp_path / "staging"))

    sweeper = threading.Thread(target=sweep)
    sweeper.start()
    try:
        for number in range(30):
            store.add(f"{number:064x}", iter([data]), lowers=())
    finally:
        done.set()
        sweeper.join()
    assert len(store.list()) == 30
    assert os.listdir(tmp_path / "staging") == []


def test_swept_before_it_was_locked(store, layer, tmp_path, monkeypatch):
    """A staging directory that a sweep removes before it is locked is created again."""
    real = fcntl.flock
    swept = []

    def flock(fd, operation):
        if not swept:
            swept.extend(os.listdir(tmp_path / "store/staging"))
            os.rmdir(tmp_path / "store/staging" / swept[0])
        real(fd, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    data, chain_id = layer
    store.add(chain_id, iter([data]), lowers=())
    assert len(swept) == 1
    assert store.list() == (chain_id,)


def test_sweep_of_a_locked_directory(store, tmp_path):
    """Only the lock shows that an owner lives."""
    busy = tmp_path / "store/staging/busy"
    busy.mkdir()
    (busy / "file").touch()
    fd = os.open(busy, os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_EX)
    assert staging.sweep(str(tmp_path / "store/staging")) == ()
    os.close(fd)
    assert staging.sweep(str(tmp_path / "store/staging")) == ("busy",)


def test_durable_before_it_is_seen(store, layer, monkeypatch):
    """A layer gets its name only after its files are on the disk."""
    calls = []
    from _engine.kernel import libc

    for name in ("syncfs", "renameat2"):
        real = getattr(libc, name)
        monkeypatch.setattr(
            libc, name, lambda *given, real=real, name=name: (calls.append(name), real(*given))
        )
    data, chain_id = layer
    store.add(chain_id, iter([data]), lowers=())
    assert calls == ["syncfs", "renameat2"]


def test_removal_is_out_of_sight_first(store, archives):
    """A layer that is being removed is not listed while its files are deleted."""
    data = archives.layer(*((f"f{number}", {}) for number in range(3000)))
    chain_id = hashlib.sha256(data).hexdigest()
    store.add(chain_id, iter([data]), lowers=())
    path = store.diff_path(chain_id)
    remover = threading.Thread(target=store.remove, args=(chain_id,))
    remover.start()
    with contextlib.suppress(FileNotFoundError):
        while store.has(chain_id):
            whole = len(os.listdir(path)) == 3000
            assert whole or not store.has(chain_id)  # it was removed during the listing
    remover.join()
    assert store.list() == ()
