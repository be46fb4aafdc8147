# SPDX-License-Identifier: GPL-3.0-or-later
"""A database, records for it, and other processes that use it."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager

import pytest

from _engine.model.container.spec import ContainerSpec
from _engine.model.engine.record import ContainerRecord, ImageRecord, LayerRecord
from _engine.model.network.spec import NetworkRecord, NetworkSpec
from _engine.model.volume.spec import VolumeRecord, VolumeSpec
from _engine.state.database import open_database


@pytest.fixture
def path(tmp_path):
    """Return the path of the database, alone in its directory."""
    directory = tmp_path / "root"
    directory.mkdir()
    return str(directory / "state.db")


@pytest.fixture
def connection(path):
    """Yield a connection in a transaction on a fresh database."""
    with open_database(path) as database, database.transaction() as connection:
        yield connection


@pytest.fixture
def container():
    """Return a function that creates records whose ID is a letter, 64 times."""

    def make(letter, *, name="web", **fields):
        spec = ContainerSpec(name=name, image="localhost/app:1", network=("host",), env={"MODE": "a"})
        return ContainerRecord(**{"id": letter * 64, "spec": spec, "created": 1, **fields})

    return make


@pytest.fixture
def volume():
    """Return a function that creates records from a name."""
    return lambda name, **fields: VolumeRecord(**{"spec": VolumeSpec(name), "created": 1, **fields})


@pytest.fixture
def network():
    """Return a function that creates records whose ID is a letter, 64 times, and whose name is that letter."""

    def make(letter, **fields):
        whole = {"spec": NetworkSpec(letter), "interface": f"sw-{letter}", "subnets": (), "created": 1}
        return NetworkRecord(**{"id": letter * 64, **whole, **fields})

    return make


@pytest.fixture
def image():
    """Return a function that creates records whose ID and layers are letters."""

    def make(letter, names=(), layers="", **fields):
        rows = tuple(LayerRecord(layer * 64, f"sha256:{layer * 64}", 7) for layer in layers)
        whole = {"config": b"{}", "created": 1, "names": tuple(names), "layers": rows, **fields}
        return ImageRecord(id=f"sha256:{letter * 64}", **whole)

    return make


@pytest.fixture
def process(path):
    """Return a function that runs Python code in another process, with ``path`` and ``wait()`` defined.

    It is given back once the code has called ``wait()``, and ends when its stdin is closed or it is killed.
    """
    prelude = (
        "import sys, os, time\nfrom _engine.state.database import open_database\n"
        f"path = {path!r}\ndef wait(): print(flush=True); sys.stdin.read()\n"
    )
    engine = os.path.dirname(os.path.dirname(os.path.dirname(sys.modules["_engine.state"].__file__)))

    @contextmanager
    def running(code):
        with subprocess.Popen(
            [sys.executable, "-B", "-c", prelude + code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PYTHONPATH": engine},
        ) as child:
            assert child.stdout.readline() == b"\n"
            try:
                yield child
            finally:
                child.kill()

    with ExitStack() as stack:
        yield lambda code: stack.enter_context(running(code))
