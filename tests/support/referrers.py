# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry in memory that knows referrers, as OCI distribution 1.1 has them and Debian's docker-registry has not.

Source: OCI distribution-spec v1.1, "API"; uploads go on where they broke off.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from httpserving import body_of, serving
from registries import digest_of

_INDEX = "application/vnd.oci.image.index.v1+json"
_ROUTES = (
    (r"/v2/", "root"),
    (r"/v2/(.+)/manifests/([^/]+)", "manifest"),
    (r"/v2/(.+)/blobs/uploads/([^/]*)", "upload"),
    (r"/v2/(.+)/blobs/([^/]+)", "blob"),
    (r"/v2/(.+)/tags/list", "tags"),
    (r"/v2/(.+)/referrers/([^/]+)", "referrers"),
)


class Memory:
    """What the registry holds; ``manifests`` are by repository and digest or tag: type and bytes.

    ``filters``: it leaves out what is not of the ``artifactType`` that is asked for, which a registry need not do.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.blobs: dict[str, bytes] = {}
        self.uploads: dict[str, bytes] = {}
        self.manifests: dict[tuple[str, str], tuple[str, bytes]] = {}
        self.filters = True
        self.asked: list[tuple[str, str]] = []

    def referring(self, repository: str, digest: str) -> list[dict[str, Any]]:
        """Return the descriptors of the manifests whose subject this is."""
        once = {
            digest_of(data): (kind, data)
            for (where, _n), (kind, data) in self.manifests.items()
            if where == repository
        }
        return [
            _descriptor(name, kind, data)
            for name, (kind, data) in once.items()
            if json.loads(data).get("subject", {}).get("digest") == digest
        ]


def _descriptor(digest: str, kind: str, data: bytes) -> dict[str, Any]:
    manifest = json.loads(data)
    told = manifest.get("artifactType") or manifest.get("config", {}).get("mediaType")
    notes = {"annotations": manifest["annotations"]} if "annotations" in manifest else {}
    return {"mediaType": kind, "digest": digest, "size": len(data), "artifactType": told, **notes}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    memory: Memory

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Return what serves a method, whichever it is."""
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _serve(self) -> None:
        self.memory.asked.append((self.command, self.path))
        self._body = b"".join(body_of(self.headers, self.rfile))
        path = urlsplit(self.path)
        self._query = {name: values[0] for name, values in parse_qs(path.query).items()}
        for pattern, name in _ROUTES:
            if found := re.fullmatch(pattern, path.path):
                return getattr(self, f"_{name}")(*found.groups())
        return self._tell(404)

    def _tell(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _root(self) -> None:
        self._tell(200, b"{}")

    def _manifest(self, repository: str, name: str) -> None:
        if self.command == "PUT":
            return self._keep(repository, name)
        found = self.memory.manifests.get((repository, name))
        if found is None:
            return self._tell(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}')
        return self._tell(200, found[1], Content_Type=found[0], Docker_Content_Digest=digest_of(found[1]))

    def _keep(self, repository: str, name: str) -> None:
        digest = digest_of(self._body)
        for known in (name, digest):
            self.memory.manifests[repository, known] = (self.headers["Content-Type"], self._body)
        subject = json.loads(self._body).get("subject")
        told = {"OCI_Subject": subject["digest"]} if subject else {}
        self._tell(201, Location=f"/v2/{repository}/manifests/{digest}", Docker_Content_Digest=digest, **told)

    def _blob(self, _repository: str, digest: str) -> None:
        if digest in self.memory.blobs:
            self._tell(200, self.memory.blobs[digest], Docker_Content_Digest=digest)
        else:
            self._tell(404, b'{"errors":[{"code":"BLOB_UNKNOWN"}]}')

    def _upload(self, repository: str, name: str) -> None:
        uploads, name = self.memory.uploads, name or uuid.uuid4().hex
        uploads[name] = uploads.get(name, b"") + self._body
        place = f"/v2/{repository}/blobs/uploads/{name}"
        if self.command == "GET":
            return self._tell(204, Location=place, Range=f"0-{max(0, len(uploads[name]) - 1)}")
        if "digest" not in self._query:
            return self._tell(202, Location=place, Range=f"0-{max(0, len(uploads[name]) - 1)}")
        data = uploads.pop(name)
        if digest_of(data) != self._query["digest"]:
            return self._tell(400, b'{"errors":[{"code":"DIGEST_INVALID"}]}')
        self.memory.blobs[self._query["digest"]] = data
        return self._tell(201, Location=f"/v2/{repository}/blobs/{self._query['digest']}")

    def _tags(self, repository: str) -> None:
        tags = sorted(
            name for where, name in self.memory.manifests if where == repository and ":" not in name
        )
        last, most = self._query.get("last", ""), int(self._query.get("n", len(tags)))
        rest = [tag for tag in tags if tag > last]
        more = (
            f'</v2/{repository}/tags/list?n={most}&last={rest[most - 1]}>; rel="next"'
            if len(rest) > most
            else None
        )
        body = json.dumps({"name": repository, "tags": rest[:most]}).encode()
        self._tell(200, body, Content_Type="application/json", **({"Link": more} if more else {}))

    def _referrers(self, repository: str, digest: str) -> None:
        found = self.memory.referring(repository, digest)
        wanted = self._query.get("artifactType")
        told = {}
        if wanted and self.memory.filters:
            found = [one for one in found if one["artifactType"] == wanted]
            told = {"OCI_Filters_Applied": "artifactType"}
        index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": found}
        self._tell(200, json.dumps(index).encode(), Content_Type=_INDEX, **told)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name there)
        """Say nothing: ``asked`` tells."""


@contextmanager
def registry_in_memory() -> Iterator[Memory]:
    """Run the registry on loopback until the caller is done."""

    class Handler(_Handler):
        pass

    with serving(Handler) as server:
        Handler.memory = Memory(f"127.0.0.1:{server.server_address[1]}")
        yield Handler.memory
