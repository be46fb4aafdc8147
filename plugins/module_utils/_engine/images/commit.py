# SPDX-License-Identifier: GPL-3.0-or-later
"""The image that a commit creates: the parent's configuration with changes, and one more layer."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from typing import Any

from ..errors import NotFound
from ..frozen import dataclass
from ..model.engine.record import LayerRecord
from ..model.image import config as imageconfig
from ..model.values import jsontext
from .archive.image import ArchivedImage, ArchivedLayer, chain_ids
from .changes import RunConfig
from .tar import streams

#: Keys that docker wrote about the container from which an image was created.
_OF_OTHERS = ("container", "container_config", "docker_version", "id", "parent", "parent_id")
_LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"


class CommittedImage:
    """An image with its top layer in a file, and the interface of an Archive; ``path`` "": no layer is new."""

    def __init__(self, image: ArchivedImage, path: str) -> None:
        self.images = (image,)
        self._path = path

    @property
    def image(self) -> ArchivedImage:
        """The image."""
        return self.images[0]

    def layer(self, layer: ArchivedLayer) -> AbstractContextManager[Iterator[bytes]]:
        """Stream the layer's plain tar; raises NotFound for a layer of the parent, which has been removed."""
        if not self._path or layer != self.image.layers[-1]:
            raise NotFound(
                "layer", layer.chain_id, remedy="The parent image was removed meanwhile; pull it again"
            )
        return closing(_read(self._path, layer.diff_id))

    def check(self, layer: ArchivedLayer) -> None:
        """Do nothing: the digest was computed from the file a moment ago."""

    def wait(self, layer: ArchivedLayer) -> None:
        """Do nothing: the layer is local."""


def _read(path: str, diff_id: str) -> Generator[bytes, None, None]:
    with open(path, "rb") as file:
        yield from streams.verified(
            streams.section(file.fileno(), 0), what="the layer", digest=diff_id, diff_id=diff_id
        )


@dataclass(frozen=True)
class Words:
    """Metadata of an image that is not part of its content; ``by`` is the history's created_by."""

    by: str
    author: str = ""
    comment: str = ""


def run_config(parent: bytes) -> RunConfig:
    """Return the run configuration of an image."""
    return {**(jsontext.parse_object(parent).get("config") or {})}


def configuration(
    parent: bytes, run: RunConfig, words: Words, *, diff_id: str | None, squash: bool = False
) -> dict[str, Any]:
    """Return a configuration without times: the parent's, with another run configuration and one more step.

    ``diff_id`` is the new layer's, None if there is none. ``squash``: the new layer is the whole image.
    """
    top = {key: value for key, value in jsontext.parse_object(parent).items() if key not in _OF_OTHERS}
    below = [] if squash else list((top.get("rootfs") or {}).get("diff_ids") or ())
    step = {
        "created_by": words.by,
        **({"author": words.author} if words.author else {}),
        **({"comment": words.comment} if words.comment else {}),
        **({} if diff_id else {"empty_layer": True}),
    }
    return {
        **{key: value for key, value in top.items() if key != "created"},
        **({"author": words.author} if words.author else {}),
        "config": {key: value for key, value in run.items() if value not in (None, "", [], {})},
        "rootfs": {"type": "layers", "diff_ids": [*below, *([diff_id] if diff_id else [])]},
        "history": [*(() if squash else imageconfig.parse(parent).history), step],
    }


def timeless(config: bytes) -> dict[str, Any]:
    """Return an image's configuration without its time and that of its last step, for comparison."""
    top = jsontext.parse_object(config)
    top.pop("created", None)
    history = top.get("history")
    if isinstance(history, list) and history and isinstance(history[-1], dict):
        last = {key: value for key, value in history[-1].items() if key != "created"}
        top["history"] = [*history[:-1], last]
    return top


def dated(config: Mapping[str, Any], created: int) -> bytes:
    """Return the JSON text of a configuration with this time, in seconds since the epoch."""
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(created))
    *before, last = config["history"]
    whole = {**config, "created": when, "history": [*before, {"created": when, **last}]}
    return json.dumps(whole, sort_keys=True, separators=(",", ":")).encode()


def image(config: bytes, below: Sequence[LayerRecord], diff_id: str | None, size: int) -> ArchivedImage:
    """Return the image of this configuration; ``below`` are the existing layers, ``diff_id`` the new one."""
    diff_ids = (*(layer.diff_id for layer in below), *([diff_id] if diff_id else []))
    sizes = (*(None for _layer in below), size)
    layers = (
        ArchivedLayer(each, chain_id, each, _LAYER_TYPE, bytes_, "layer")
        for each, chain_id, bytes_ in zip(diff_ids, chain_ids(diff_ids), sizes)
    )
    return ArchivedImage(hashlib.sha256(config).hexdigest(), (), config, None, tuple(layers))
