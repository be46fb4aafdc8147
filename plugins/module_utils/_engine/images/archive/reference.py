# SPDX-License-Identifier: GPL-3.0-or-later
"""Image names: their canonical spelling, and the stored names that a short name may mean.

The grammar is that of the reference package of the OCI distribution project; the defaults for short names
are podman's (``localhost`` for images that are built or loaded locally, then Docker Hub).
"""

from __future__ import annotations

import re

from ...errors import InvalidOption
from ...frozen import dataclass
from ...model.values.digests import DIGEST

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_REGISTRY = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:]+\])(?::[0-9]{{1,5}})?")
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_ID = re.compile(r"(?:sha256:)?[0-9a-f]{12,64}")
#: The grammar's limit for registry and path together.
_LONGEST_NAME = 255


@dataclass(frozen=True)
class Parts:
    """A parsed name: ``registry`` ("" if unset), ``path``, and ``:TAG`` or ``@sha256:...`` as ``suffix``."""

    registry: str
    path: str
    suffix: str

    @property
    def text(self) -> str:
        """The full name."""
        return f"{self.registry}/{self.path}{self.suffix}"

    @property
    def reference(self) -> str:
        """The tag or digest, in the form that registries expect."""
        return self.suffix[1:]


def normalize(name: str) -> str:
    """Return an image name in full: ``app`` becomes ``localhost/app:latest``.

    A name with a tag and a digest keeps only the digest. Raises InvalidOption("image", ...).
    """
    parts = parse(name)
    return Parts(parts.registry or "localhost", parts.path, parts.suffix).text


def candidates(name: str) -> tuple[str, ...]:
    """Return the canonical names that a user's name may mean, the best first. Raises InvalidOption."""
    parts = parse(name)
    if parts.registry:
        return (parts.text,)
    hub = _hub_path(parts.path)
    tries = (("localhost", parts.path), ("docker.io", hub), ("docker.io", parts.path))
    return tuple(dict.fromkeys(Parts(registry, path, parts.suffix).text for registry, path in tries))


def is_id(text: str) -> bool:
    """Return whether the text may be an image id: 12 to 64 hex digits, optionally after ``sha256:``."""
    return _ID.fullmatch(text) is not None


def is_registry(text: str) -> bool:
    """Return whether the text is ``HOST[:PORT]``, optionally with a path of repositories below."""
    host, slash, path = text.partition("/")
    return _REGISTRY.fullmatch(host) is not None and (not slash or _PATH.fullmatch(path) is not None)


def parse(name: str) -> Parts:
    """Parse a name; the tag defaults to ``latest``; a digest drops it. Raises InvalidOption("image", ...)."""
    rest, _at, digest = name.partition("@")
    if _at and not DIGEST.fullmatch(digest):
        raise _invalid(name, "has an invalid digest; the usual form is sha256: and 64 hex digits")
    rest, tag = _cut_tag(rest)
    if tag is not None and not _TAG.fullmatch(tag):
        raise _invalid(name, "has a tag that is not 1 to 128 letters, digits, '_', '.' or '-'")
    registry, path = _cut_registry(rest)
    _check_path(name, registry, path)
    return Parts(registry, path, f"@{digest}" if digest else f":{'latest' if tag is None else tag}")


def _cut_tag(rest: str) -> tuple[str, str | None]:
    # A colon before the last slash belongs to the registry's port.
    head, colon, tag = rest.rpartition(":")
    return (head, tag) if colon and "/" not in tag else (rest, None)


def _cut_registry(rest: str) -> tuple[str, str]:
    # The first part is a host if it looks like one: "foo/app" is a path, "foo.io/app" is not.
    first, slash, path = rest.partition("/")
    if not slash or not (first == "localhost" or any(mark in first for mark in ".:[")):
        return "", rest
    return first, _hub_path(path) if first == "docker.io" else path


def _hub_path(path: str) -> str:
    # Docker Hub has its official images under library/.
    return path if "/" in path else f"library/{path}"


def _check_path(name: str, registry: str, path: str) -> None:
    if registry and not _REGISTRY.fullmatch(registry):
        raise _invalid(name, f"has the registry {registry!r}, which is not HOST or HOST:PORT")
    if path != path.lower():
        raise _invalid(name, "has capital letters", remedy=f"Write {path.lower()!r}")
    if not _PATH.fullmatch(path) or len(registry) + len(path) > _LONGEST_NAME:
        raise _invalid(name, "is not an image name")


def _invalid(name: str, why: str, *, remedy: str = "") -> InvalidOption:
    remedy = remedy or "Write [REGISTRY/]PATH[:TAG] or [REGISTRY/]PATH@sha256:DIGEST"
    return InvalidOption("image", name, why, remedy=remedy)
