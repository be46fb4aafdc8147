# SPDX-License-Identifier: GPL-3.0-or-later
"""Offers of registry images that the controller can send; each registry is queried once in a task."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from ansible import constants
from ansible_collections.slipway.oci.plugins.module_utils._engine import progress
from ansible_collections.slipway.oci.plugins.module_utils._engine.errors import EngineError
from ansible_collections.slipway.oci.plugins.module_utils._engine.images import offer as offers
from ansible_collections.slipway.oci.plugins.module_utils._engine.images.archive import reference
from ansible_collections.slipway.oci.plugins.module_utils._engine.images.archive.image import ArchivedLayer
from ansible_collections.slipway.oci.plugins.module_utils._engine.images.archive.platform import Platform
from ansible_collections.slipway.oci.plugins.module_utils._engine.images.blobs import BlobStore
from ansible_collections.slipway.oci.plugins.module_utils._engine.images.offer import Offer
from ansible_collections.slipway.oci.plugins.module_utils._engine.images.registry import configuration
from ansible_collections.slipway.oci.plugins.module_utils._engine.model.image.pull import NEWER, Access

from .image_cache import cache, touch


class Wanted(NamedTuple):
    """The image that a host requests: its name in the task, its platform, and its digests on the host.

    ``task`` is unique to a task and the same for all of its hosts: a tag may have moved by the next task.
    """

    name: str
    policy: str
    platform: Sequence[str]
    digests: Sequence[str]
    task: str


def from_registry(wanted: Wanted, access: Access) -> dict[str, Any]:
    """Return the offer of a registry's image, {} if the host already has it. Raises EngineError.

    All hosts of a task get the reply to the first one, so that they get the same image.
    """
    with _once(wanted, access) as note:
        if note.found is None:
            note.keep(offers.encode(_resolve(wanted, access)))
    offered: dict[str, Any] = note.found or {}
    return {} if wanted.policy == NEWER and offered["digest"] in wanted.digests else offered


def fetch(offered: Offer, access: Access, members: Sequence[str], name: str) -> None:
    """Download the blobs of these members to the cache; ``name`` is the image's, for the progress. Raises EngineError."""
    from ansible_collections.slipway.oci.plugins.module_utils._engine.images.registry.download import Blob

    blobs = [Blob(layer.digest, layer.size or 0) for layer in chosen(offered, members) if layer.digest]
    with cache() as store:
        missing = [blob for blob in blobs if not store.has(blob.digest)]
        for blob in blobs:
            touch(store, blob.digest)
        if not missing:
            return
        total = sum(blob.size for blob in missing)
        with progress.operation(f"fetching {name}", total=total) as fetching:
            _from_any(
                offered,
                access,
                lambda repository: _download(repository, store, missing, fetching.advance),
            )


def _from_any(offered: Offer, access: Access, act: Callable[[Any], object]) -> None:
    """Act on the first repository of an image with which that succeeds."""
    errors: list[EngineError] = []
    for repository in _repositories(access, reference.parse(offered.images[0].names[0])):
        try:
            act(repository)
        except EngineError as error:  # noqa: PERF203  (each repository is tried separately)
            errors.append(error)
        else:
            return
    raise errors[-1]


def _download(
    repository: Any, store: BlobStore, blobs: Sequence[Any], arrived: Callable[[int], object]
) -> None:
    from ansible_collections.slipway.oci.plugins.module_utils._engine.images.registry.download import (
        Downloads,
    )

    with Downloads(repository, store, blobs, arrived=arrived) as downloads:
        for blob in blobs:
            downloads.wait(blob.digest)


def chosen(offered: Offer, members: Sequence[str]) -> tuple[ArchivedLayer, ...]:
    """Return the layers of these names, each once."""
    layers = {layer.member: layer for image in offered.images for layer in image.layers}
    return tuple(layers[member] for member in members if member in layers)


# -- registries ------------------------------------------------------------------------------------


def _resolve(wanted: Wanted, access: Access) -> Offer:
    """Query the registries in a host's order; return the offer of the first one that has the image."""
    from ansible_collections.slipway.oci.plugins.module_utils._engine.images.registry.resolve import resolve

    errors: list[EngineError] = []
    with cache() as store:
        for name in configuration.read(access.registries_conf).names(wanted.name):
            for repository in _repositories(access, name):
                try:
                    found = resolve(
                        repository, name.reference, Platform(*wanted.platform), store, names=(name.text,)
                    )
                except EngineError as error:
                    errors.append(error)
                    continue
                return Offer((found.image,), found.documents, found.digest, keeps=True)
    raise errors[-1]


def _repositories(access: Access, name: reference.Parts) -> Iterator[Any]:
    from ansible_collections.slipway.oci.plugins.module_utils._engine.images.registry import library
    from ansible_collections.slipway.oci.plugins.module_utils._engine.images.registry.access import (
        repositories,
    )

    if library.MISSING:
        raise EngineError(
            "the controller's Python lacks the package requests", remedy="Install it on the controller"
        )
    return repositories(access, configuration.read(access.registries_conf), name)


class _Note:
    """The reply to the first host of a task, in a file that is read for the others."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        raw = os.pread(fd, 1 << 26, 0)
        self.found: dict[str, Any] | None = json.loads(raw) if raw else None

    def keep(self, found: Mapping[str, Any]) -> None:
        """Store the reply."""
        self.found = dict(found)
        os.pwrite(self._fd, json.dumps(self.found).encode(), 0)


@contextmanager
def _once(wanted: Wanted, access: Access) -> Iterator[_Note]:
    """Lock the note of a request, and yield it; other processes wait for the lock.

    The file is in Ansible's private directory for this run, and is named by a digest of everything that the
    reply depends on.
    """
    about = (
        wanted.task,
        wanted.name,
        *wanted.platform,
        access.username,
        access.password,
        access.auth_file,
        access.cert_dir,
    )
    more = (access.verify, access.registries_conf)
    key = hashlib.sha256(json.dumps([*about, *more]).encode()).hexdigest()
    fd = os.open(
        os.path.join(constants.DEFAULT_LOCAL_TMP, f"slipway-image-{key}"),
        os.O_RDWR | os.O_CREAT | os.O_CLOEXEC,
        0o600,
    )
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield _Note(fd)
    finally:
        os.close(fd)
