# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels with a meaning for the engine, and matching of labels by filters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

#: Names the owner of an object, so that the owner can find all of them: objects created for a labelled container inherit it.
OWNER = "slipway.oci.owner"


def owner(labels: Mapping[str, str] | None) -> dict[str, str]:
    """Return those of a container's labels that volumes created for it inherit."""
    return {OWNER: labels[OWNER]} if labels and OWNER in labels else {}


def match(labels: Mapping[str, str], wanted: Sequence[str]) -> bool:
    """Return whether the labels match all filters, each ``NAME`` or ``NAME=VALUE`` (podman-ps(1), ``--filter label``)."""
    return all(_has(labels, *text.partition("=")) for text in wanted)


def _has(labels: Mapping[str, str], name: str, equals: str, value: str) -> bool:
    return name in labels and (not equals or labels[name] == value)
