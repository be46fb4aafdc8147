# SPDX-License-Identifier: GPL-3.0-or-later
"""The repositories that may have an image, as a task reaches them: registry, certificates, credentials."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.image.pull import Access
from ..archive.reference import Parts
from . import credentials
from .client import Repository
from .configuration import Place, Registries
from .credentials import Credentials
from .http import Http, Transfer


def repositories(access: Access, registries: Registries, name: Parts) -> Iterator[Repository]:
    """Yield each repository that may have an image, mirrors first. Raises EngineError if it is blocked."""
    for place in registries.places(name.registry, name.path, by_digest=name.suffix.startswith("@")):
        yield repository(access, place, name)


def target(access: Access, registries: Registries, name: Parts) -> Repository:
    """Return the repository to push a name to, never a mirror. Raises EngineError if it is blocked."""
    *_mirrors, place = registries.places(name.registry, name.path, by_digest=False)
    return repository(access, place, name)


def log_in(access: Access, registries: Registries, registry: str, known: Credentials) -> bool:
    """Log in to a registry; return whether it required credentials. Raises RegistryDenied, RegistryFailed."""
    place = Place(registry, "", registries.is_insecure(registry))
    transfer = Transfer(access.retry, access.retry_delay, access.verify, access.cert_dir, access.waits)
    http = Http(transfer, registry, insecure=place.insecure)
    return Repository(place, http, lambda: known, name=registry).log_in()


def repository(access: Access, place: Place, name: Parts) -> Repository:
    """Return the repository at a place. The task's credentials are for the name's registry, not for mirrors."""
    transfer = Transfer(access.retry, access.retry_delay, access.verify, access.cert_dir, access.waits)
    http = Http(transfer, place.registry, insecure=place.insecure)
    given = (
        Credentials(access.username, access.password)
        if access.username and place.registry == name.registry
        else None
    )
    return Repository(
        place,
        http,
        lambda: given or credentials.find(place.registry, place.repository, access.auth_file),
        name=name.text,
    )
