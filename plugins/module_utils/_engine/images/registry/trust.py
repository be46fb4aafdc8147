# SPDX-License-Identifier: GPL-3.0-or-later
"""The TLS context for a registry: trusted authorities and client certificates (containers-certs.d(5))."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator

from ...errors import InvalidOption
from .library import IS_OLD

#: Variables that replace the system's certificates, as for other programs of the host.
_BUNDLES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")


def context(host: str, cert_dir: str | None, *, verifies: bool) -> ssl.SSLContext:
    """Return the TLS context for a registry. Raises InvalidOption for an unusable certificate directory."""
    bundle = next((os.environ[name] for name in _BUNDLES if os.environ.get(name)), None)
    made = ssl.create_default_context(cafile=bundle)
    if IS_OLD:
        # This urllib3 compares the names itself. OpenSSL could not check IP addresses, because it is not given them.
        made.check_hostname = False
    if not verifies:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    for directory in [cert_dir] if cert_dir else _certificate_directories(host):
        _load(made, directory, named=cert_dir is not None)
    return made


def _certificate_directories(host: str) -> Iterator[str]:
    """Yield the existing directories of a registry's certificates (containers-certs.d(5))."""
    tops = ["/etc/containers/certs.d", "/etc/docker/certs.d"]
    if os.environ.get("HOME"):
        tops.insert(0, f"{os.environ['HOME']}/.config/containers/certs.d")
    for top in tops:
        # The host comes from a reference, whose grammar excludes slashes and "..".
        if os.path.isdir(f"{top}/{host}"):
            yield f"{top}/{host}"


def _load(context: ssl.SSLContext, directory: str, *, named: bool) -> None:
    try:
        names = sorted(os.listdir(directory))
    except OSError as error:
        if named:
            raise InvalidOption("ca_cert_dir", directory, f"cannot be read: {error.strerror}") from error
        return
    for name in names:
        path = f"{directory}/{name}"
        try:
            if name.endswith(".crt"):
                context.load_verify_locations(cafile=path)
            elif name.endswith(".cert"):
                context.load_cert_chain(path, f"{path[: -len('.cert')]}.key")
        except (OSError, ssl.SSLError) as error:
            why = f"has {name}, which cannot be used: {error.strerror or error}"
            raise InvalidOption("ca_cert_dir", directory, why) from error
