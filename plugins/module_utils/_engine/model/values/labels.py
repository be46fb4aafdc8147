# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels that mean something to the engine, and how those are told that what is looked for has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

#: Tells who made a thing, so that he finds all of it again: what is made for a container with this label gets it too.
OWNER = "slipway.oci.owner"


def owner(labels: Mapping[str, str] | None) -> dict[str, str]:
    """Return the part of a container's labels that the volumes have which are made for it."""
    return {OWNER: labels[OWNER]} if labels and OWNER in labels else {}


def match(labels: Mapping[str, str], wanted: Sequence[str]) -> bool:
    """Return whether all labels are there that are wanted, each ``NAME`` or ``NAME=VALUE`` (podman-ps(1), ``--filter label``)."""
    return all(_has(labels, *text.partition("=")) for text in wanted)


def _has(labels: Mapping[str, str], name: str, equals: str, value: str) -> bool:
    return name in labels and (not equals or labels[name] == value)
