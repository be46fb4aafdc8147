# SPDX-License-Identifier: GPL-3.0-or-later
"""An authority of a test's own, made with the program openssl, and certificates that it gives out."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path
from typing import NamedTuple

_NAMES = ("IP:127.0.0.1", "IP:::1", "DNS:localhost")
_KEY = ("-newkey", "rsa:2048", "-nodes")


class Certificate(NamedTuple):
    """The files of a certificate and its key."""

    certificate: Path
    key: Path


class Authority:
    """An authority that nobody else trusts; ``ca`` is its certificate."""

    def __init__(self, top: Path, name: str = "slipway tests") -> None:
        self.top = top
        top.mkdir(parents=True)
        self.ca, self._key = top / "ca.crt", top / "ca.key"
        openssl(
            "req", "-x509", *_KEY, "-days", "2", "-subj", f"/CN={name}", "-out", self.ca, "-keyout", self._key
        )

    def server(self, name: str = "server", *, names: tuple[str, ...] = _NAMES, days: int = 2) -> Certificate:
        """Give a certificate for these names of a server ("IP:…", "DNS:…"); one of -1 days has expired."""
        return self._signed(name, f"subjectAltName={','.join(names)}\nextendedKeyUsage=serverAuth\n", days)

    def client(self, name: str) -> Certificate:
        """Give a certificate to a client."""
        return self._signed(name, "extendedKeyUsage=clientAuth\n", 2)

    def directory(self, path: Path, client: Certificate | None = None) -> Path:
        """Make a directory as podman's ``--cert-dir`` wants it: the authority, and maybe a client's certificate."""
        path.mkdir()
        shutil.copy(self.ca, path / "ca.crt")
        if client:
            shutil.copy(client.certificate, path / "client.cert")
            shutil.copy(client.key, path / "client.key")
        return path

    def _signed(self, name: str, extensions: str, days: int) -> Certificate:
        made = Certificate(self.top / f"{name}.crt", self.top / f"{name}.key")
        request, lines = self.top / f"{name}.csr", self.top / f"{name}.ext"
        lines.write_text(extensions)
        openssl("req", "-new", *_KEY, "-subj", f"/CN={name}", "-out", request, "-keyout", made.key)
        signing = ("-CA", self.ca, "-CAkey", self._key, "-CAcreateserial", "-extfile", lines)
        openssl("x509", "-req", "-in", request, "-days", str(days), *signing, "-out", made.certificate)
        return made


def served_with(certificate: Certificate) -> ssl.SSLContext:
    """Return the context of a server that shows this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    return context


def openssl(*words: str | Path, given: bytes | None = None) -> bytes:
    """Run openssl and return its output; fail with what it says."""
    done = subprocess.run(["openssl", *words], input=given, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout
