# SPDX-License-Identifier: GPL-3.0-or-later
"""Push missing blobs and manifests to a repository; blobs are mounted from a neighbour if possible.

The registry may redirect an upload to another host, which gets no credentials; https is never downgraded to http.
Source: OCI distribution-spec v1.1, "Push".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import urlencode

from ...errors import EngineError, RegistryDenied, RegistryFailed
from .client import PUSH, Manifest, Repository
from .http import Response, is_passing, led

#: The number of neighbours to try for one blob.
_MOST_NEIGHBOURS = 4
_BYTES = "application/octet-stream"
_RANGE = re.compile(r"(?:bytes=)?0-([0-9]{1,18})")
#: The registry has dropped an upload, or has more or less of it than expected.
_BEGIN_AGAIN = (404, 416)

#: An attempt that has sent this many bytes resets the count of attempts.
_PROGRESS = 1 << 20


class Outgoing(NamedTuple):
    """A blob to send; each call of ``read`` streams it from an offset."""

    digest: str
    size: int
    read: Callable[[int], Iterator[bytes]]


def has(repository: Repository, digest: str) -> bool:
    """Return whether the repository has a blob. Raises RegistryDenied, RegistryFailed."""
    response = repository.ask("HEAD", f"blobs/{digest}", {}, actions=PUSH)
    if response.status != 404:
        repository.expect(response, 200, f"{repository.name}: the blob {digest}")
    return response.status == 200


def mounted(repository: Repository, digest: str) -> bool:
    """Mount a blob from a neighbour; return False if none has it, or the user may not read it."""
    for neighbour in repository.neighbours[:_MOST_NEIGHBOURS]:
        query = urlencode({"mount": digest, "from": neighbour})
        try:
            response = repository.ask("POST", f"blobs/uploads/?{query}", {}, actions=PUSH)
        except RegistryDenied:  # the user may not read the neighbour
            continue
        if response.status == 201:
            return True
        if response.status == 202:  # an upload was started instead, which must be cancelled
            _cancel(repository, response)
    return False


def send(repository: Repository, blob: Outgoing, heard: Callable[[int], object]) -> None:
    """Send a blob, resuming where it broke off if the registry can. Raises RegistryDenied, RegistryFailed."""
    tried = 0
    upload: _Upload | None = None
    while True:
        before = upload.offset if upload else 0
        try:
            upload = upload or _Upload(repository, blob)
            upload.go_on(heard)
        except RegistryFailed as error:
            forgotten = upload is not None and error.fields.get("status") in _BEGIN_AGAIN
            tried += 1
            if tried >= repository.tries or not (forgotten or is_passing(error)):
                raise
            repository.pause(tried)
            if has(repository, blob.digest):  # only the response was lost
                return
            if forgotten or (upload and not upload.looked_up()):
                upload = None
            if upload and upload.offset - before >= _PROGRESS:
                tried = 0
        else:
            return


def put_manifest(repository: Repository, reference: str, manifest: Manifest) -> None:
    """Store a manifest under a tag, or only under its digest. Raises RegistryDenied, RegistryFailed."""
    headers = {"Content-Type": manifest.media_type}
    response = repository.ask("PUT", f"manifests/{reference}", headers, actions=PUSH, body=manifest.raw)
    repository.expect(response, 201, f"{repository.name}: the manifest")
    told = response.headers.get("Docker-Content-Digest", manifest.digest)
    if told != manifest.digest:
        raise RegistryFailed(
            f"{repository.name}: the registry stored the manifest {manifest.digest} as {told[:150]}",
            remedy="The stored manifest differs from the sent one: tell the operator of the registry",
            expected=manifest.digest,
            actual=told[:150],
        )


def _cancel(repository: Repository, response: Response) -> None:
    """Cancel an upload; errors are ignored."""
    try:
        location = led(response.url, response.headers.get("Location", ""))
        repository.ask("DELETE", location, {}, actions=PUSH, again=False)
    except EngineError:
        return


class _Upload:
    """An upload of a blob; ``offset`` is the number of bytes that the registry has."""

    def __init__(self, repository: Repository, blob: Outgoing) -> None:
        self._repository, self._blob = repository, blob
        self._what = f"{repository.name}: the blob {blob.digest}"
        self.offset = 0
        response = repository.ask("POST", "blobs/uploads/", {}, actions=PUSH)
        repository.expect(response, 202, self._what)
        self._location = led(response.url, response.headers.get("Location", ""))

    def go_on(self, heard: Callable[[int], object]) -> None:
        """Send the rest, then commit the upload, which makes the registry check the digest."""
        if self.offset < self._blob.size or not self._blob.size:
            self._patch(heard)
        joint = "&" if "?" in self._location else "?"
        url = f"{self._location}{joint}{urlencode({'digest': self._blob.digest})}"
        headers = {"Content-Length": "0", "Content-Type": _BYTES}
        response = self._repository.ask("PUT", url, headers, actions=PUSH, again=False)
        self._repository.expect(response, 201, self._what)

    def looked_up(self) -> bool:
        """Ask the registry for its offset; return False if it does not return one."""
        try:
            response = self._repository.ask("GET", self._location, {}, actions=PUSH, again=False)
            found = _RANGE.fullmatch(response.headers.get("Range", ""))
            # 0-0 is one byte, but many registries mean none.
            if response.status != 204 or not found or not 0 < int(found[1]) < self._blob.size:
                return False
            self._move(response, int(found[1]) + 1)
        except RegistryFailed:
            return False
        return True

    def _patch(self, heard: Callable[[int], object]) -> None:
        headers = {"Content-Type": _BYTES}
        if self.offset:
            headers["Content-Range"] = f"{self.offset}-{self._blob.size - 1}"
        body = _Rest(self._blob, self.offset, heard)
        response = self._repository.ask(
            "PATCH", self._location, headers, actions=PUSH, body=lambda: body, again=False
        )
        self._repository.expect(response, 202, self._what)
        self._move(response, self._blob.size)

    def _move(self, response: Response, offset: int) -> None:
        self._location = led(response.url, response.headers.get("Location") or self._location)
        self.offset = offset


class _Rest:
    """The rest of a blob, as a request body of known length."""

    def __init__(self, blob: Outgoing, offset: int, heard: Callable[[int], object]) -> None:
        self._blob, self._offset, self._heard = blob, offset, heard

    def __len__(self) -> int:
        return self._blob.size - self._offset

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._blob.read(self._offset):
            self._heard(len(chunk))
            yield chunk
