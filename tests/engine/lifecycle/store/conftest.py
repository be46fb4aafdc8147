# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared fixtures of the store's tests: an engine with images of a registry."""

from __future__ import annotations

import shutil

import pytest

import registries
from _engine.images.blobs import BlobStore
from _engine.kernel.files import make_private
from _engine.lifecycle.image.pull import pull
from _engine.model.image.pull import Access, Pull
from _engine.state import images
from dockerarchive import layer, write_archive
from enginehost import Host
from netlab import own_network

PLAIN = Access(verify=False, retry_delay=0.05)


@pytest.fixture
def apart():
    """Run the test in its own network namespace."""
    with own_network():
        yield


@pytest.fixture
def registry(need, tmp_path_factory):
    """Return a registry on the loopback interface."""
    need(
        registries.is_there() and shutil.which("skopeo"),
        "docker-registry, unpacked by tests/setup.yml, and skopeo",
    )
    with registries.registry(tmp_path_factory.mktemp("registry") / "top") as found:
        yield found


class Store:
    """An engine, and what tests read of its images."""

    def __init__(self, host: Host, top) -> None:
        self.host, self.top = host, top

    def publish(self, registry, name, *layers):
        """Push an image of these layers, each a mapping of path to content, and return its full name."""
        archive = write_archive(self.top / "push.tar", "localhost/push:1", [layer(one) for one in layers])
        registry.push(f"docker-archive:{archive}", name)
        return f"{registry.address}/{name}"

    def pull(self, name, policy="missing"):
        """Pull an image, and return its record."""
        with self.host.open() as engine:
            pull(engine, Pull(name, policy, access=PLAIN))
        return self.image(name)

    def image(self, name):
        """Return the record of an image, None when it does not exist."""
        with self.host.open(read_only=True) as engine, engine.database.reading() as connection:
            return images.by_name(connection, name)

    def names(self):
        """Return the names of all images, and the ids of those without one."""
        with self.host.open(read_only=True) as engine, engine.database.reading() as connection:
            return sorted(name for one in images.all(connection) for name in (one.names or (one.id[:12],)))

    @property
    def blobs(self):
        """Return the blob store."""
        return BlobStore(self.host.layout.blobs)

    def execute(self, statement, *values):
        """Change the database as no task does."""
        with self.host.open() as engine, engine.database.transaction() as connection:
            connection.execute(statement, values)


@pytest.fixture
def store(runtime, keep_clean, tmp_path, tmp_path_factory):
    """Return an engine without images; remove its content at the end, and check that nothing else is left."""
    host = Host(tmp_path, runtime, "localhost/box:1")
    with host.open():
        for name in ("partial", "sha256"):
            make_private(f"{host.layout.blobs}/{name}")
    for clean in keep_clean(host, images=True):
        yield Store(clean, tmp_path_factory.mktemp("push"))
