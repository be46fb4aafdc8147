# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide which interfaces of a container that runs go, come, or get other routes when its networks change; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..frozen import replace
from ..model.network.spec import NetworkRecord
from ..model.network.wiring import Attachment

#: An interface as it is, or is to be, with its network.
Plug = tuple[NetworkRecord, Attachment]


class Rewiring(NamedTuple):
    """What is done, in order: ``gone`` are taken off, ``new`` are made, of ``rerouted`` only routes change (before, after).

    An interface that changes otherwise is gone and new. What is in none of these is not touched.
    """

    gone: tuple[Plug, ...] = ()
    new: tuple[Plug, ...] = ()
    rerouted: tuple[tuple[Attachment, Attachment], ...] = ()


def rewiring(before: Sequence[Plug], after: Sequence[Plug]) -> Rewiring:
    """Return what leads from one wiring to the other."""
    old, new = ({network.id: (network, plug) for network, plug in plugs} for plugs in (before, after))
    kept = {key for key in old.keys() & new.keys() if _is_same(old[key], new[key])}
    return Rewiring(
        tuple(plug for key, plug in old.items() if key not in kept),
        tuple(plug for key, plug in new.items() if key not in kept),
        tuple((old[key][1], new[key][1]) for key in new if key in kept and old[key][1] != new[key][1]),
    )


def _is_same(one: Plug, other: Plug) -> bool:
    """Return whether two differ in routes, or in labels of the network, at most."""
    (network, plug), (other_network, other_plug) = one, other
    plain = [replace(each, spec=replace(each.spec, labels={})) for each in (network, other_network)]
    return plain[0] == plain[1] and _unrouted(plug) == _unrouted(other_plug)


def _unrouted(plug: Attachment) -> Attachment:
    return plug._replace(gateways=(), routes=(), metric=0)
