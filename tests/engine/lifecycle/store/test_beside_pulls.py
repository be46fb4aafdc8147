# SPDX-License-Identifier: GPL-3.0-or-later
"""A pull survives concurrent removals, and resumes where a kill stopped it."""

from __future__ import annotations

import json
import os
import random
import time
from pathlib import Path

import pytest

from _engine.images.blobs import BlobStore
from _engine.lifecycle.image.remove import remove_image
from _engine.lifecycle.store.prune import prune
from _engine.lifecycle.store.repair import check
from _engine.model.engine.prune import ImagePrune, Prune
from dockerarchive import layer
from enginehost import eventually
from faultproxy import fault_proxy, slow

pytestmark = pytest.mark.parametrize("runtime", ["runc"], indirect=True)

#: A script that pulls as a task does.
PULL = """
import sys
from _engine.lifecycle.host.opening import open_engine
from _engine.lifecycle.image.pull import pull
from _engine.model.image.pull import Access, Pull
with open_engine(sys.argv[1], sys.argv[2]) as engine:
    pull(engine, Pull(sys.argv[3], "always", access=Access(verify=False, retry_delay=0.05)))
"""
KILLS = 20
SHARED = {"shared": b"s" * 3000}


def noise(seed: int, size: int) -> bytes:
    """Return incompressible bytes."""
    return random.Random(seed).randbytes(size)


@pytest.fixture
def pulling(store, python_child):
    """Return a function that starts a pull in its own process."""
    layout = store.host.layout
    return lambda name: python_child(PULL, layout.root, layout.run_root, name)


def digests(registry, image):
    """Return the digests of an image's layers, as the registry has them."""
    told = registry.curl(
        f"/v2/{image.partition(':')[0]}/manifests/{image.partition(':')[2]}", "--header", ACCEPT
    )
    return [one["digest"] for one in json.loads(told)["layers"]]


ACCEPT = (
    "Accept: application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
)


@pytest.mark.parametrize("origin", ["pulled", "loaded"])
def test_removal_and_prune_beside_a_pull(store, registry, pulling, origin):
    """A slow pull completes even if the image that its layers came with is removed meanwhile."""
    name = store.publish(registry, "team/app:1", SHARED, {"big": noise(1, 400_000)})
    if origin == "pulled":
        old = store.pull(store.publish(registry, "team/old:1", SHARED, {"x": b"x"})).names[0]
    else:
        old = store.host.build("localhost/old:1", layer(SHARED), layer({"x": b"x"}))
    big = digests(registry, "team/app:1")[1]
    with fault_proxy(registry.port) as proxy:
        proxy.when(slow(200_000), path=big)
        child = pulling(name.replace(registry.address, proxy.address))
        partial = Path(store.host.layout.blobs, "partial", big.replace(":", "-"))
        eventually(lambda: partial.exists() and partial.stat().st_size, "the blob begins to come")
        with store.host.open() as engine:
            remove_image(engine, old)
            prune(engine, Prune((), (), (), ImagePrune(all=True)))
            assert check(engine, repair=True).result["faults"] == []
        assert child.poll() is None
        child.communicate()
    assert child.returncode == 0
    with store.host.open() as engine:
        assert check(engine).result["faults"] == []
    assert len(os.listdir(store.host.layout.layers)) == 2


def test_killed_at_any_instant(store, registry, pulling):
    """The next pull after a kill completes the image, and downloads no complete blob again."""
    parts = [{str(number): noise(number, 60_000)} for number in range(5)]
    name = store.publish(registry, "team/app:1", *parts)
    layers = digests(registry, "team/app:1")
    with fault_proxy(registry.port) as proxy:
        proxy.when(slow(300_000), path="/blobs/")
        reached = name.replace(registry.address, proxy.address)
        begin = time.monotonic()
        assert pulling(reached).wait(60) == 0
        whole, instants = time.monotonic() - begin, random.Random(os.getpid())
        interrupted = 0
        for _kill in range(KILLS):
            with store.host.open() as engine:
                remove_image(engine, reached)
            assert BlobStore(store.host.layout.blobs).list() == ()
            child = pulling(reached)
            time.sleep(instants.uniform(0.2, 1) * whole)
            child.kill()
            child.wait()
            finished = {*store.blobs.list()}
            interrupted += 0 < len(finished & {*layers}) < len(layers)
            before = len(proxy.passed)
            store.pull(reached, "always")
            fetched = {one.path.rpartition("/")[2] for one in proxy.passed[before:] if "/blobs/" in one.path}
            assert fetched & finished == set()
            assert {*layers} <= {*store.blobs.list()}
            with store.host.open() as engine:
                assert check(engine).result["faults"] == []
        assert interrupted > 0


def test_an_old_partial_blob_goes(store):
    """A broken pull's partial blob is kept for a week; then the next removal deletes it, unless in use."""
    wanted = [f"sha256:{digit * 64}" for digit in "abc"]
    for digest in wanted:
        with store.blobs.partial(digest) as partial:
            partial.write(b"half")
    left = Path(store.host.layout.blobs, "partial")
    for digest, days in zip(wanted, (6, 8, 8)):
        then = time.time() - days * 86400
        os.utime(left / digest.replace(":", "-"), (then, then))
    store.host.build("localhost/x:1", layer({"x": b"x"}))
    with store.host.open() as engine, store.blobs.partial(wanted[2]):
        remove_image(engine, "localhost/x:1")
    assert sorted(os.listdir(left)) == [f"sha256-{digit * 64}" for digit in "ac"]
    for path in left.iterdir():
        path.unlink()
