# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a registry's certificate may be signed by, and what this host shows of itself (containers-certs.d(5))."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator

from ...errors import InvalidOption
from .library import IS_OLD

#: Read where the system keeps its certificates, as programs of the host do.
_BUNDLES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")


def context(host: str, cert_dir: str | None, *, verifies: bool) -> ssl.SSLContext:
    """Return what connections to a registry are made with. Raises InvalidOption for a directory that can't be used."""
    bundle = next((os.environ[name] for name in _BUNDLES if os.environ.get(name)), None)
    made = ssl.create_default_context(cafile=bundle)
    if IS_OLD:
        # It compares the names itself then. OpenSSL can't for addresses, since it is not told them.
        made.check_hostname = False
    if not verifies:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    for directory in [cert_dir] if cert_dir else _certificate_directories(host):
        _load(made, directory, named=cert_dir is not None)
    return made


def _certificate_directories(host: str) -> Iterator[str]:
    """Yield the directories of a registry's certificates (containers-certs.d(5)) that are there."""
    tops = ["/etc/containers/certs.d", "/etc/docker/certs.d"]
    if os.environ.get("HOME"):
        tops.insert(0, f"{os.environ['HOME']}/.config/containers/certs.d")
    for top in tops:
        # A name from a reference: its grammar has no slash and no dot-dot.
        if os.path.isdir(f"{top}/{host}"):
            yield f"{top}/{host}"


def _load(context: ssl.SSLContext, directory: str, *, named: bool) -> None:
    try:
        names = sorted(os.listdir(directory))
    except OSError as error:
        if named:
            raise InvalidOption("ca_cert_dir", directory, f"can't be read: {error.strerror}") from error
        return
    for name in names:
        path = f"{directory}/{name}"
        try:
            if name.endswith(".crt"):
                context.load_verify_locations(cafile=path)
            elif name.endswith(".cert"):
                context.load_cert_chain(path, f"{path[: -len('.cert')]}.key")
        except (OSError, ssl.SSLError) as error:
            why = f"has {name}, which can't be used: {error.strerror or error}"
            raise InvalidOption("ca_cert_dir", directory, why) from error
