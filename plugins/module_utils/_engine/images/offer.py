# SPDX-License-Identifier: GPL-3.0-or-later
"""A controller's offer of images to a host: their full description, and the file names of their blobs.

It is sent as JSON in a task's options; the answer is the list of blobs that the host lacks. The host trusts none of it: an
image's id is the digest of its configuration, and each layer is checked against the digests in there as it is unpacked.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import InvalidOption
from ..frozen import dataclass
from ..model.image import config as imageconfig
from ..model.values.digests import DIGEST
from .archive.image import ArchivedImage, ArchivedLayer, chain_ids
from .archive.reference import normalize

#: The file name of a blob in transit; it cannot be a path.
_MEMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,200}")
_MOST_IMAGES, _MOST_LAYERS = 1000, 1000


@dataclass(frozen=True)
class Offer:
    """Images that could be sent. ``documents`` are the registry's manifests and configurations, by digest.

    ``digest`` is the digest of the name at the registry, "" for an archive. ``keeps``: blobs are stored unchanged.
    """

    images: tuple[ArchivedImage, ...]
    documents: Mapping[str, bytes]
    digest: str = ""
    keeps: bool = False


def member_of(layer: ArchivedLayer) -> str:
    """Return the name of the file in which a layer's blob is sent."""
    return (layer.digest or layer.diff_id).replace(":", "-", 1)


def encode(offer: Offer) -> dict[str, Any]:
    """Return the JSON form."""
    return {
        "images": [_encoded(image) for image in offer.images],
        "documents": {digest: _text(raw) for digest, raw in offer.documents.items()},
        "digest": offer.digest,
        "keeps": offer.keeps,
    }


def _encoded(image: ArchivedImage) -> dict[str, Any]:
    return {
        "names": [*image.names],
        "config": _text(image.config),
        "manifest_digest": image.manifest_digest,
        "digests": [*image.digests],
        "layers": [[layer.digest, layer.media_type, layer.size] for layer in image.layers],
    }


def decode(data: Any) -> Offer:
    """Parse the JSON form. Raises InvalidOption: only the action plugin writes it."""
    try:
        documents = {_digest(digest): _bytes(text) for digest, text in data["documents"].items()}
        images = tuple(_decoded(one) for one in data["images"][:_MOST_IMAGES])
        digest = _digest(data["digest"]) if data["digest"] else ""
        return Offer(images, documents, digest, bool(data["keeps"]))
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise InvalidOption("offer", None, f"is not what the action plugin sends: {error}") from error


def _decoded(data: Mapping[str, Any]) -> ArchivedImage:
    config = _bytes(data["config"])
    diff_ids = imageconfig.parse(config).diff_ids
    if len(diff_ids) != len(data["layers"]) or len(diff_ids) > _MOST_LAYERS:
        raise ValueError("the number of layers differs from the configuration's")
    layers = tuple(map(_layer, diff_ids, chain_ids(diff_ids), data["layers"]))
    manifest = data["manifest_digest"]
    return ArchivedImage(
        hashlib.sha256(config).hexdigest(),
        tuple(normalize(name) for name in data["names"]),
        config,
        None if manifest is None else _digest(manifest),
        layers,
        digests=tuple(str(one) for one in data["digests"]),
    )


def _layer(diff_id: str, chain_id: str, told: Sequence[Any]) -> ArchivedLayer:
    digest, media_type, size = told
    if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 0):
        raise ValueError("a size must be a number of bytes")
    layer = ArchivedLayer(
        diff_id, chain_id, None if digest is None else _digest(digest), str(media_type), size, ""
    )
    member = member_of(layer)
    if not _MEMBER.fullmatch(member):
        raise ValueError("a blob's name is not a file name")
    return ArchivedLayer(diff_id, chain_id, layer.digest, layer.media_type, size, member)


def _digest(value: object) -> str:
    if not isinstance(value, str) or not DIGEST.fullmatch(value):
        raise ValueError(f"{str(value)[:100]!r} is not a digest")
    return value


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
