# SPDX-License-Identifier: GPL-3.0-or-later
"""Convert the options of modules ``prune`` and ``image_prune`` into the engine's request; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..._engine.errors import InvalidOption, Setting, Words
from ..._engine.model.engine.prune import Filters, ImagePrune, Prune
from ..._engine.model.values.moments import moment
from ..options import ArgumentSpec

_FLAG = {"type": "bool", "default": False}
IMAGE_ARGUMENTS: ArgumentSpec = {
    "all": _FLAG,
    "filters": {"type": "dict"},
    "until": {"type": "str"},
    "label": {"type": "list", "elements": "str", "aliases": ["labels"]},
    "keep_last": {"type": "int"},
    "blobs": _FLAG,
}
_KINDS = ("container", "image", "network", "volume")
ARGUMENTS: ArgumentSpec = {
    **dict.fromkeys(_KINDS, _FLAG),
    **{f"{kind}_filters": {"type": "dict"} for kind in _KINDS},
    "image_keep_last": {"type": "int"},
    "image_blobs": _FLAG,
    "system": _FLAG,
    "system_all": _FLAG,
    "system_volumes": _FLAG,
}


def to_image_prune(params: Mapping[str, Any]) -> Prune:
    """Return the request of an ``image_prune`` task. Raises InvalidOption."""
    pairs = [*_pairs("filters", params["filters"])]
    pairs += [("label", text) for text in params["label"] or ()]
    if params["until"]:
        moment("until", params["until"], now=0)  # so that an error names this option
        pairs.append(("until", params["until"]))
    count = _count("keep_last", params["keep_last"])
    return Prune(images=ImagePrune(params["all"], tuple(pairs), count, params["blobs"]))


def to_prune(params: Mapping[str, Any]) -> Prune:
    """Return the request of a ``prune`` task. Raises InvalidOption, for example if it selects nothing."""
    system = params["system"]
    if not system and not any(params[kind] for kind in _KINDS):
        raise InvalidOption(
            "container",
            None,
            "nothing is selected for removal",
            remedy=Words(
                "Set some of container, image, network, volume to true, or ", Setting("system", True)
            ),
        )
    wanted = {
        "container": params["container"] or system,
        "network": params["network"] or system,
        "volume": params["volume"] or (system and params["system_volumes"]),
    }
    filters = {kind: _filters(params, kind) if is_wanted else None for kind, is_wanted in wanted.items()}
    images = _images(params) if params["image"] or system else None
    return Prune(filters["container"], filters["volume"], filters["network"], images)


def _filters(params: Mapping[str, Any], kind: str) -> Filters:
    return tuple(_pairs(f"{kind}_filters", params[f"{kind}_filters"]))


def _images(params: Mapping[str, Any]) -> ImagePrune:
    given = dict(params["image_filters"] or {})
    # Other settings that podman_prune has among the filters.
    named = str(given.pop("dangling_only", True)).lower() in ("false", "no", "0")
    given.pop("external", None)
    return ImagePrune(
        named or params["system_all"],
        tuple(_pairs("image_filters", given)),
        _count("image_keep_last", params["image_keep_last"]),
        params["image_blobs"],
    )


def _pairs(option: str, given: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    """Yield key and value of each filter; a value may be a list, and that of ``label`` a mapping."""
    for key, value in (given or {}).items():
        if isinstance(value, Mapping):
            yield from ((key, f"{name}={text}") for name, text in value.items())
        elif isinstance(value, list):
            yield from ((key, _text(option, key, one)) for one in value)
        else:
            yield key, _text(option, key, value)


def _text(option: str, key: str, value: object) -> str:
    if value is None or isinstance(value, (list, Mapping)):
        raise InvalidOption(
            option, value, f"is not a valid value of {key}", remedy="Write a string or a list of strings"
        )
    return str(value).lower() if isinstance(value, bool) else str(value)


def _count(option: str, value: int | None) -> int | None:
    if value is not None and value < 0:
        raise InvalidOption(option, value, "is not a number of images", remedy="Write 0 or more")
    return value
