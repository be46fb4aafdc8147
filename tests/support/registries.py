# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's docker-registry on loopback, with a port of the kernel's choice.

Configuration, storage and log are in a directory of the caller's. The program is not installed: tests/setup_unpacked.yml
unpacks it into the tree, so that its package starts no service.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from certificates import Certificate
from enginehost import eventually
from tokenserver import TokenServer

_UNPACKED = Path(__file__).parents[2] / ".build/unpacked"
_PROGRAM, _HTPASSWD = _UNPACKED / "usr/bin/docker-registry", _UNPACKED / "usr/bin/htpasswd"
_LISTENING = re.compile(r'msg="listening on 127\.0\.0\.1:(\d+)')
_LINE = re.compile(r'^\S+ - \S+ \[[^]]*\] "(\S+) (\S+) [^"]*" (\d+) (\d+) ', re.MULTILINE)
#: bcrypt's least: the registry counts it out anew at each request.
_COST = "4"

Users = Mapping[str, str]


class Seen(NamedTuple):
    """A request that the registry has answered; ``size`` is the number of bytes of the answer's body."""

    method: str
    path: str
    status: int
    size: int


class Registry:
    """A running registry; ``address`` is what stands before a repository in the name of an image."""

    def __init__(self, top: Path, process: subprocess.Popen[bytes], how: _How) -> None:
        self.top, self.process, self._how = top, process, how
        self.port = eventually(self._port, "the registry listens")
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"{'https' if how.tls else 'http'}://{self.address}"

    def _port(self) -> int | None:
        said = (self.top / "errors").read_text()
        assert self.process.poll() is None, f"the registry has ended:\n{said}"
        found = _LISTENING.search(said)
        return int(found[1]) if found else None

    def requests(self) -> list[Seen]:
        """Return all that it has answered so far, in the order of the answers' ends."""
        mark = f"/v2/?until={os.urandom(8).hex()}"
        self.curl(mark, "--output", "/dev/null")
        log = self.top / "requests"
        text = eventually(
            lambda: mark in log.read_text() and log.read_text(), "the registry has noted a request"
        )
        lines = (Seen(line[1], line[2], int(line[3]), int(line[4])) for line in _LINE.finditer(text))
        return [line for line in lines if "?until=" not in line.path]

    def curl(self, path: str, *words: str | Path) -> str:
        """Ask it for a path with curl, and return what comes out; what is to be trusted, is."""
        argv = [
            "curl",
            "--silent",
            "--show-error",
            "--max-time",
            "30",
            *self._trusting(),
            *words,
            f"{self.url}{path}",
        ]
        return subprocess.run(argv, capture_output=True, check=True, text=True).stdout

    def _trusting(self) -> list[str | Path]:
        trust = self._how.trust
        if not trust:
            return []
        known = ("--cert", trust / "client.cert", "--key", trust / "client.key")
        return ["--cacert", trust / "ca.crt", *(known if (trust / "client.key").exists() else ())]

    def push(self, source: str, name: str, *words: str) -> str:
        """Copy an image into it by skopeo ("oci-archive:PATH" to "REPOSITORY:TAG"); return the digest of its manifest."""
        return push(source, f"{self.address}/{name}", *self.skopeo("dest-"), *words, note=self.top / "digest")

    def skopeo(self, prefix: str = "") -> list[str]:
        """Return the options by which skopeo reaches it; ``prefix`` is "src-" or "dest-" where it has two images."""
        trust = self._how.trust
        return [f"--{prefix}cert-dir={trust}" if trust else f"--{prefix}tls-verify=false"]

    def blob(self, digest: str) -> Path:
        """Return where it keeps a blob, so that a test can look at it, or damage it."""
        algorithm, _colon, digits = digest.partition(":")
        return self.top / "storage/docker/registry/v2/blobs" / algorithm / digits[:2] / digits / "data"


class _How(NamedTuple):
    """How a registry can be reached."""

    tls: Certificate | None
    trust: Path | None


def is_there() -> bool:
    """Tell whether the programs are in the tree."""
    return (_UNPACKED / "complete").exists()


@contextmanager
def registry(
    top: Path,
    *,
    tls: Certificate | None = None,
    trust: Path | None = None,
    users: Users | None = None,
    tokens: TokenServer | None = None,
    clients_of: Path | None = None,
) -> Iterator[Registry]:
    """Run a registry in the directory ``top``, which is made.

    ``tls`` is what it shows, and ``trust`` the directory by which it can be reached then (``Authority.directory``); ``users``
    with their passwords may do all (htpasswd); ``tokens`` gives out what it wants to see; ``clients_of``: the authority by
    whom clients have to be known.
    """
    top.mkdir(parents=True)
    config = _config(top, tls, clients_of)
    if users:
        config["auth"] = {"htpasswd": {"realm": "tests", "path": str(_htpasswd(top, users))}}
    if tokens:
        config["auth"] = {"token": tokens.configuration}
    (top / "config.yml").write_text(json.dumps(config))  # JSON is YAML as well
    # It ends with us, whatever ends us.
    argv = ["setpriv", "--pdeathsig", "KILL", _PROGRAM, "serve", top / "config.yml"]
    with (top / "requests").open("wb") as log, (top / "errors").open("wb") as errors:
        # It would take what is meant for podman (REGISTRY_AUTH_FILE) for a part of its configuration.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")}
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=errors, env=environment)
    try:
        yield Registry(top, process, _How(tls, trust))
    finally:
        process.kill()
        process.wait()


def _config(top: Path, tls: Certificate | None, clients_of: Path | None) -> dict[str, Any]:
    http: dict[str, Any] = {"addr": "127.0.0.1:0", "secret": "of the tests"}
    if tls:
        http["tls"] = {"certificate": str(tls.certificate), "key": str(tls.key)}
        if clients_of:
            http["tls"]["clientcas"] = [str(clients_of)]
    return {
        "version": "0.1",
        "log": {"level": "info"},
        "storage": {
            "filesystem": {"rootdirectory": str(top / "storage")},
            "delete": {"enabled": True},
            "maintenance": {"uploadpurging": {"enabled": False}},
        },
        "http": http,
    }


def _htpasswd(top: Path, users: Users) -> Path:
    path = top / "htpasswd"
    [libraries] = _UNPACKED.glob("usr/lib/*-linux-gnu*/")
    for user, password in users.items():
        argv = [_HTPASSWD, "-niB", "-C", _COST, user]
        made = subprocess.run(
            argv,
            input=password.encode(),
            capture_output=True,
            check=True,
            env={"LD_LIBRARY_PATH": str(libraries)},
        )
        with path.open("ab") as file:
            file.write(made.stdout.strip() + b"\n")
    return path


def push(source: str, reference: str, *words: str, note: Path) -> str:
    """Copy an image by skopeo to ``reference``; return the digest of its manifest, for which ``note`` is a file to use."""
    run(["skopeo", "copy", "--quiet", "--digestfile", str(note), *words, source, f"docker://{reference}"])
    return note.read_text().strip()


def run(argv: Sequence[str | Path], **options: Any) -> str:
    """Run a program and return its output; fail with what it says."""
    done = subprocess.run(argv, capture_output=True, check=False, text=True, **options)
    assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
    return done.stdout


def digest_of(data: bytes) -> str:
    """Return the digest of some bytes, as registries write it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
