# SPDX-License-Identifier: GPL-3.0-or-later
"""Access to registries, if this host can reach them."""

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

#: The package that provides Python's requests.
REQUESTS = "python3-requests"


def registries(access: Access) -> Registries:
    """Read registries.conf. Raises InvalidOption."""
    from ...images.registry import configuration

    return configuration.read(access.registries_conf)


def repositories(access: Access, name: Parts) -> Iterator[Repository]:
    """Return the repositories that may have an image, mirrors first.

    Raises HostLacks without Python's requests, EngineError for a blocked registry, InvalidOption for registries.conf.
    """
    _need_requests(", or write ", Setting("pull_on", "controller"))
    from ...images.registry import access as reached

    return reached.repositories(access, registries(access), name)


def target(access: Access, name: Parts) -> Repository:
    """Return the repository that a name is pushed to. Raises as ``repositories`` does."""
    _need_requests()
    from ...images.registry import access as reached

    return reached.target(access, registries(access), name)


def log_in(access: Access, registry: str, known: Credentials) -> bool:
    """Verify credentials with a registry; return whether it asked for any.

    Raises RegistryDenied, RegistryFailed, and as ``repositories`` does.
    """
    _need_requests()
    from ...images.registry import access as reached

    return reached.log_in(access, registries(access), registry, known)


def _need_requests(*otherwise: str | Setting) -> None:
    """Check that this Python has requests. Raises HostLacks, whose remedy ends with ``otherwise``."""
    from ...images.registry.library import MISSING

    if MISSING:
        raise HostLacks(
            "Python's requests is not installed on this host",
            remedy=Words(f"Run the role slipway.oci.host, which installs it ({REQUESTS})", *otherwise),
            program=REQUESTS,
        )
