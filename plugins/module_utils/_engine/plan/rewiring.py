# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide which interfaces of a running container to remove, add or reroute when its networks change; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..frozen import replace
from ..model.network.spec import NetworkRecord
from ..model.network.wiring import Attachment

#: An interface, existing or planned, with its network.
Plug = tuple[NetworkRecord, Attachment]


class Rewiring(NamedTuple):
    """The changes, in order: ``gone`` are removed, ``new`` are created, ``rerouted`` (before, after) only get new routes.

    An interface with any other change is in both ``gone`` and ``new``. All others are not touched.
    """

    gone: tuple[Plug, ...] = ()
    new: tuple[Plug, ...] = ()
    rerouted: tuple[tuple[Attachment, Attachment], ...] = ()


def rewiring(before: Sequence[Plug], after: Sequence[Plug]) -> Rewiring:
    """Return the changes that lead from one set of interfaces to the other."""
    old, new = ({network.id: (network, plug) for network, plug in plugs} for plugs in (before, after))
    kept = {key for key in old.keys() & new.keys() if _is_same(old[key], new[key])}
    return Rewiring(
        tuple(plug for key, plug in old.items() if key not in kept),
        tuple(plug for key, plug in new.items() if key not in kept),
        tuple((old[key][1], new[key][1]) for key in new if key in kept and old[key][1] != new[key][1]),
    )


def _is_same(one: Plug, other: Plug) -> bool:
    """Return whether two interfaces differ at most in routes and in labels of the network."""
    (network, plug), (other_network, other_plug) = one, other
    plain = [replace(each, spec=replace(each.spec, labels={})) for each in (network, other_network)]
    return plain[0] == plain[1] and _unrouted(plug) == _unrouted(other_plug)


def _unrouted(plug: Attachment) -> Attachment:
    return plug._replace(gateways=(), routes=(), metric=0)
