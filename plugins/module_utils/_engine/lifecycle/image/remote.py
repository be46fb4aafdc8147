# SPDX-License-Identifier: GPL-3.0-or-later
"""Reach registries, where this host can."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...errors import HostLacks, Setting, Words
from ...images.archive.reference import Parts
from ...model.image.pull import Access

if TYPE_CHECKING:
    from ...images.registry.client import Repository
    from ...images.registry.configuration import Registries
    from ...images.registry.credentials import Credentials

#: The package that brings it.
REQUESTS = "python3-requests"


def registries(access: Access) -> Registries:
    """Read the file of registries. Raises InvalidOption."""
    from ...images.registry import configuration

    return configuration.read(access.registries_conf)


def repositories(access: Access, name: Parts) -> Iterator[Repository]:
    """Return the repository at each place that may have an image, mirrors first.

    Raises HostLacks without Python's requests, EngineError for a registry that is blocked, InvalidOption for its file.
    """
    _need_requests(", or write ", Setting("pull_on", "controller"))
    from ...images.registry import access as reached

    return reached.repositories(access, registries(access), name)


def target(access: Access, name: Parts) -> Repository:
    """Return the repository that a name is pushed to. Raises as ``repositories``."""
    _need_requests()
    from ...images.registry import access as reached

    return reached.target(access, registries(access), name)


def log_in(access: Access, registry: str, known: Credentials) -> bool:
    """Show credentials to a registry; tell whether it has asked for any.

    Raises RegistryDenied, RegistryFailed, and as ``repositories``.
    """
    _need_requests()
    from ...images.registry import access as reached

    return reached.log_in(access, registries(access), registry, known)


def _need_requests(*otherwise: str | Setting) -> None:
    """Raise HostLacks where this Python has no requests; ``otherwise``: what else helps."""
    from ...images.registry.library import MISSING

    if MISSING:
        raise HostLacks(
            "Python's requests is not installed on this host",
            remedy=Words(f"Run the role slipway.oci.host, which installs it ({REQUESTS})", *otherwise),
            program=REQUESTS,
        )
