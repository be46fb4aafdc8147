# SPDX-License-Identifier: GPL-3.0-or-later
"""The edges at which registries are read: what they answer, what controllers offer, files of registries and of credentials."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import tars
from archives import layer
from edge import Edge
from grafting import grafted

_LAYER = layer(0, 1)
_CONFIGURATION = json.dumps(tars.config(_LAYER)).encode()


def _digest(raw: bytes) -> str:
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


_TYPES = "application/vnd.oci.image."
_MANIFEST: dict[str, Any] = {
    "schemaVersion": 2,
    "mediaType": f"{_TYPES}manifest.v1+json",
    "config": tars.descriptor("config.v1+json", _CONFIGURATION),
    "layers": [tars.descriptor("layer.v1.tar", _LAYER)],
}
_RAW = json.dumps(_MANIFEST).encode()
_INDEX = {
    "schemaVersion": 2,
    "mediaType": f"{_TYPES}index.v1+json",
    "manifests": [
        {
            "mediaType": f"{_TYPES}manifest.v1+json",
            "digest": _digest(_RAW),
            "size": len(_RAW),
            "platform": {"architecture": "amd64", "os": "linux", "variant": ""},
        }
    ],
}
_TOKEN = {"token": "abc", "expires_in": 60, "access_token": "def"}
_TAGS = {"name": "app", "tags": ["1", "2"]}
_ERRORS = {"errors": [{"code": "UNAUTHORIZED", "message": "no", "detail": {"Tag": "1"}}]}
_HEADER = 'Bearer realm="https://tokens.example/token",service="registry",scope="repository:app:pull",error="insufficient_scope"'
_OFFER = {
    "images": [
        {
            "names": ["localhost/app:1"],
            "config": base64.b64encode(_CONFIGURATION).decode(),
            "manifest_digest": _digest(_RAW),
            "digests": ["localhost/app@sha256:1"],
            "layers": [[_digest(_LAYER), f"{_TYPES}layer.v1.tar", len(_LAYER)]],
        }
    ],
    "documents": {_digest(_RAW): base64.b64encode(_RAW).decode()},
    "digest": _digest(_RAW),
    "keeps": True,
}
_REGISTRIES = {
    "unqualified-search-registries": ["docker.io"],
    "registry": [
        {
            "prefix": "docker.io/library",
            "location": "mirror.example:5000/hub",
            "insecure": False,
            "blocked": False,
            "mirror": [{"location": "near.example", "insecure": True, "pull-from-mirror": "digest-only"}],
        },
        {"prefix": "*.example.org", "location": "one.example"},
    ],
}
_AUTH = {
    "auths": {"registry.example/app": {"auth": "YTpi"}, "docker.io": {"identitytoken": "t", "auth": "YTo="}},
    "credHelpers": {"other.example": "nothing-that-is-there"},
}


class _Answer:
    """An answer of a registry, read already."""

    def __init__(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.status, self.body, self.headers, self.url = status, body, headers, "https://registry.example/"

    def close(self) -> None:
        """Do nothing: there is no connection."""


class _Answers:
    """A registry that answers what an input says; everything else is right."""

    verifies, tries = True, 1

    def __init__(self, data: bytes) -> None:
        kind, rest = (data[0] if data else 0), data[1:]
        self._blobs = {_digest(raw): raw for raw in (_CONFIGURATION, _RAW)}
        self._manifest, self._token, self._header = _RAW, json.dumps(_TOKEN).encode(), _HEADER
        self._said, self._status = json.dumps(_ERRORS).encode(), 401
        readers: tuple[Callable[[], None], ...] = (
            lambda: self._is(_manifest=rest),
            lambda: self._is(_manifest=grafted(_MANIFEST, rest)),
            lambda: self._is(_manifest=grafted(_INDEX, rest)),
            lambda: self._config(rest),
            lambda: self._is(_token=rest),
            lambda: self._is(_token=grafted(_TOKEN, rest)),
            lambda: self._is(_header=rest.decode("latin-1")),
            lambda: self._is(_said=grafted(_ERRORS, rest), _status=403),
            lambda: self._is(_said=grafted(_TAGS, rest), _status=404),
        )
        readers[kind % len(readers)]()

    def _is(self, **parts: object) -> None:
        vars(self).update(parts)

    def _config(self, raw: bytes) -> None:
        """Name this configuration in the manifest."""
        manifest = {**_MANIFEST, "config": tars.descriptor("config.v1+json", raw)}
        self._manifest = json.dumps(manifest).encode()
        self._blobs[_digest(raw)] = raw

    def fetch(self, _method: str, url: str, headers: Mapping[str, str], **_how: object) -> _Answer:
        """Answer; the first request without a token is asked for one."""
        status, body, said = self._answer(url, authorized="Authorization" in headers)
        return _Answer(status, body, said)

    def _answer(self, url: str, *, authorized: bool) -> tuple[int, bytes, Mapping[str, str]]:
        challenge = {"WWW-Authenticate": self._header}
        digest = url.rpartition("/")[2]
        if "tokens.example" in url or "v2" not in url:
            return 200, self._token, {}
        if self._status == 403 or (self._status == 401 and not authorized):
            return 403 if authorized else 401, self._said, challenge
        if self._status == 404:
            return 200 if "tags/list" in url else 404, self._said, {}
        return 200, self._blobs.get(digest, self._manifest), {"Content-Type": "text/html"}

    send = fetch


def _registry(_work: Path) -> Callable[[bytes], None]:
    """Resolve a name with what a registry answers."""
    from _engine.errors import EngineError
    from _engine.images.archive.platform import Platform
    from _engine.images.registry.client import Repository
    from _engine.images.registry.configuration import Place
    from _engine.images.registry.credentials import Credentials
    from _engine.images.registry.resolve import resolve

    def read(data: bytes) -> None:
        there = Repository(
            Place("registry.example", "app"),
            _Answers(data),
            lambda: Credentials("a", "b"),
            name="registry.example/app:1",
        )
        with suppress(EngineError):
            resolve(there, "1", Platform("linux", "amd64", ""), None, names=("registry.example/app:1",))

    return read


def _places(raw: bytes) -> None:
    from _engine.images.registry import configuration

    found = configuration.parse(raw, "/registries.json")
    for registry, path in (("docker.io", "library/app"), ("a.example.org", "b")):
        for place in found.places(registry, path, by_digest=True):
            str(place)


def _users(raw: bytes) -> None:
    from _engine.images.registry import credentials

    file = credentials.parse(raw, "/auth.json")
    credentials.of_file(file, "registry.example", "app/more")
    credentials.of_file(file, "docker.io", "library/app")


def _offered(raw: bytes) -> None:
    from _engine.images import offer
    from _engine.model.values import jsontext

    with suppress(ValueError):  # no JSON: Ansible has read it before
        data = jsontext.parse(grafted(_OFFER, raw))
        offer.decode(data)


def _named(raw: bytes) -> None:
    from _engine.images.archive import reference

    reference.parse(raw.decode(errors="replace"))
    reference.candidates(raw.decode(errors="replace"))


def _headers(raw: bytes) -> None:
    from _engine.images.registry import challenge

    challenge.challenges(raw.decode("latin-1"))
    challenge.wait_of(raw.decode("latin-1"))
    challenge.said(raw)


def _settings(_work: Path) -> Callable[[bytes], None]:
    """Read the files that say where registries are and who may use them, names of images, headers, and offers."""
    from _engine.errors import EngineError

    readers: tuple[Callable[[bytes], None], ...] = (
        _places,
        lambda data: _places(grafted(_REGISTRIES, data)),
        _users,
        lambda data: _users(grafted(_AUTH, data)),
        _offered,
        _named,
        _headers,
    )

    def read(data: bytes) -> None:
        with suppress(EngineError):
            readers[(data[0] if data else 0) % len(readers)](data[1:])

    return read


def _seeds() -> list[bytes]:
    wholes = (_MANIFEST, _INDEX, json.loads(_CONFIGURATION), _TOKEN, _ERRORS, _TAGS)
    raw = [bytes([kind]) + json.dumps(whole).encode() for kind, whole in zip((0, 0, 3, 4, 7, 8), wholes)]
    return [*raw, *(bytes([kind]) + b"\x01\x02abc" for kind in (1, 2, 5, 7, 8)), b"\x06" + _HEADER.encode()]


def _setting_seeds() -> list[bytes]:
    wholes = ((0, _REGISTRIES), (2, _AUTH))
    raw = [bytes([kind]) + json.dumps(whole).encode() for kind, whole in wholes]
    names = [b"docker.io/library/app:1", b"a/b@sha256:" + b"0" * 64, b"[::1]:5000/a"]
    more = [b"\x05" + name for name in names]
    return [
        *raw,
        *more,
        b"\x01\x01abc",
        b"\x03\x01abc",
        b"\x04\x01abc",
        b"\x06" + _HEADER.encode(),
        b"\x0612",
    ]


EDGES = (Edge("registry", _registry, _seeds), Edge("settings", _settings, _setting_seeds))
