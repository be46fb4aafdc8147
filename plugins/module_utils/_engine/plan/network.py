# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide which actions a task takes on a network; pure.

Labels are changed live. Any other change recreates the network, which without ``recreate`` requires that no container is
attached.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ..errors import InUse, NameInUse, Setting, Words
from ..frozen import replace
from ..model.container.option import LIVE, RECREATE
from ..model.network.driver_options import UNMANAGED
from ..model.network.grammar import HOST_LOCAL, Asked
from ..model.network.interfaces import derived
from ..model.network.spec import BRIDGE, NetworkRecord, NetworkSpec, Subnet
from ..model.network.whole import check_routes, missing_versions, whole
from .container import ABSENT, PRESENT, Action
from .diff import Difference, text_differences
from .subnets import Taken, choose

STATES = (PRESENT, ABSENT)

#: The actions of a plan; lifecycle/network/converge.py performs them.
DETACH = "detach"
REMOVE = "remove"
CREATE = "create"
UPDATE = "update"
ATTACH = "attach"

#: The default network, for containers whose tasks name none.
DEFAULT_NAME, DEFAULT_SUBNET, DEFAULT_INTERFACE = "slipway", Subnet("10.88.0.0/16"), "slipway0"


class How(NamedTuple):
    """Options of a task: ``recreate`` recreates unconditionally, ``force`` removes a network with attached containers."""

    recreate: bool = False
    force: bool = False


class Birth(NamedTuple):
    """Inputs for a new network: its ID (64 hex digits), time of creation (nanoseconds since the epoch), what is taken."""

    id: str
    created: int
    taken: Taken


class Now(NamedTuple):
    """The current state: the network's record, None if there is none; the names of the attached containers."""

    record: NetworkRecord | None = None
    users: tuple[str, ...] = ()


class NetworkPlan(NamedTuple):
    """The actions, in order; ``record`` is the resulting network, None if it is removed. ``cost``: "", "live" or "recreate"."""

    actions: tuple[Action, ...] = ()
    record: NetworkRecord | None = None
    differences: tuple[Difference, ...] = ()
    cost: str = ""


def decide(asked: Asked, state: str, how: How, now: Now, birth: Birth) -> NetworkPlan:
    """Return the plan. Raises InUse, naming the attached containers, InvalidOption, NameInUse or SubnetInUse."""
    record = now.record
    if state == ABSENT:
        return NetworkPlan(_removal(record, how, now.users)) if record else NetworkPlan()
    if record is None or record.removing:
        taken = birth.taken if record is None else birth.taken.without(record)
        new = fresh(whole(asked.spec), birth._replace(taken=taken))
        return NetworkPlan((_action(CREATE, "created", new.name),), new)
    spec = whole(merged(record.spec, asked))
    found = tuple(_differences(record, spec))
    remade = [one.option for one in found if one.change == RECREATE]
    if remade and now.users and not how.recreate:
        raise _needs_recreate(record.name, remade, now.users)
    if remade or how.recreate:
        new = remade_as(record, spec, birth) if now.users else _anew(record, spec, birth)
        return NetworkPlan(_remake(record.name, now.users), new, found, RECREATE if found else "")
    if found:
        after = replace(record, spec=replace(record.spec, labels=spec.labels))
        return NetworkPlan((_action(UPDATE, "updated", record.name),), after, found, LIVE)
    return NetworkPlan(record=record)


def merged(before: NetworkSpec, asked: Asked) -> NetworkSpec:
    """Return the requested spec, with unset fields taken from the existing network."""
    return replace(asked.spec, **{name: getattr(before, name) for name in asked.unset})


def remade_as(record: NetworkRecord, spec: NetworkSpec, birth: Birth) -> NetworkRecord:
    """Return a network recreated with containers attached: it keeps its ID, because their records refer to it."""
    return _anew(
        record, spec, birth._replace(id=record.id), interface="" if spec.interface else record.interface
    )


def _anew(record: NetworkRecord, spec: NetworkSpec, birth: Birth, *, interface: str = "") -> NetworkRecord:
    birth = birth._replace(taken=birth.taken.without(record))
    return fresh(spec, birth, prefer=record.subnets, interface=interface)


def fresh(
    spec: NetworkSpec, birth: Birth, *, prefer: Sequence[Subnet] = (), interface: str = ""
) -> NetworkRecord:
    """Return a new network with its subnets and interface; ``prefer`` and ``interface`` are used if they are free.

    Raises SubnetInUse, NameInUse (of the interface) or InvalidOption (a route whose gateway is not in the chosen subnets).
    """
    subnets = choose(spec, birth.id, birth.taken, prefer=prefer)
    check_routes(spec, subnets)
    return NetworkRecord(birth.id, spec, _interface(spec, birth, interface), subnets, birth.created)


def default_spec() -> NetworkSpec:
    """Return the spec of the default network."""
    return whole(NetworkSpec(DEFAULT_NAME))


def _interface(spec: NetworkSpec, birth: Birth, wish: str) -> str:
    """Return the name of the network's own interface on the host, "" if the driver has none."""
    if spec.driver != BRIDGE:
        return ""
    taken = {*birth.taken.interfaces, *(record.interface for record in birth.taken.networks)}
    if spec.interface:
        _refuse_taken(spec, birth.taken)
        return spec.interface
    names = [wish] if wish else []
    names += [derived(birth.id, digits) for digits in range(8, 13)]
    return next(name for name in names if name not in taken)


def _refuse_taken(spec: NetworkSpec, taken: Taken) -> None:
    owner = next((record.name for record in taken.networks if record.interface == spec.interface), None)
    if owner is not None:
        raise NameInUse(
            f"the interface {spec.interface} belongs to network {owner}",
            remedy=Words("Choose another ", Setting("interface_name")),
            name=spec.interface,
            owner=owner,
        )
    if spec.interface in taken.interfaces and spec.options.get("mode") != UNMANAGED:
        raise NameInUse(
            f"the interface {spec.interface} exists on the host, and was not created by slipway",
            remedy=Words(
                "Choose another ",
                Setting("interface_name"),
                ", or use the existing bridge with mode=unmanaged in ",
                Setting("opt"),
            ),
            name=spec.interface,
        )


# -- actions ---------------------------------------------------------------------------------------


def _action(verb: str, word: str, name: str) -> Action:
    return Action(verb, name, f"{word} network {name}")


def _removal(record: NetworkRecord, how: How, users: Sequence[str]) -> tuple[Action, ...]:
    name = record.name
    if users and not how.force:
        raise InUse(
            f"network {name} is used by {', '.join(users)}",
            remedy=Words(
                "Remove these containers first, or write ", Setting("force", True), ", which detaches them"
            ),
            name=name,
            users=[*users],
        )
    return (*_detach(name, users), _action(REMOVE, "removed", name))


def _remake(name: str, users: Sequence[str]) -> tuple[Action, ...]:
    attach = (Action(ATTACH, user, f"attached {user} to network {name}") for user in users)
    anew = (_action(REMOVE, "removed", name), _action(CREATE, "created", name))
    return (*_detach(name, users), *anew, *attach)


def _detach(name: str, users: Sequence[str]) -> tuple[Action, ...]:
    return tuple(Action(DETACH, user, f"detached {user} from network {name}") for user in users)


def _needs_recreate(name: str, changed: Sequence[str], users: Sequence[str]) -> InUse:
    options = [*dict.fromkeys("subnet" if one.startswith("subnet.") else one for one in changed)]
    return InUse(
        f"network {name} must be recreated to change {', '.join(options)}, but is used by {', '.join(users)}",
        remedy=Words(
            "Write ", Setting("recreate", True), ", which temporarily detaches them while they keep running"
        ),
        name=name,
        users=[*users],
        options=options,
    )


# -- differences -----------------------------------------------------------------------------------


def _differences(record: NetworkRecord, spec: NetworkSpec) -> Iterator[Difference]:
    """Yield the differences by option name; subnets and interface are compared with those in use, requested or chosen."""
    named = replace(record.spec, interface=record.interface if spec.interface else record.spec.interface)
    before = {**_compared(named), "subnet": _shown(record.subnets)}
    after = {**_compared(spec), "subnet": _shown(_aim(spec, record))}
    for one in text_differences(before, after):
        yield one if one.option.startswith("labels.") else one._replace(change=RECREATE)


def _compared(spec: NetworkSpec) -> dict[str, Any]:
    return {
        "driver": spec.driver,
        "interface_name": spec.interface,
        "internal": spec.internal,
        "disable_dns": not spec.dns,
        "dns": [*spec.dns_servers],
        "route": [",".join(map(str, route)) for route in spec.routes],
        "ipam_driver": spec.ipam_driver or HOST_LOCAL,
        "opt": dict(spec.options),
        "labels": dict(spec.labels),
    }


def _aim(spec: NetworkSpec, record: NetworkRecord) -> tuple[Subnet, ...]:
    """Return the subnets that the network should have; for an IP version that the engine chooses, the existing one."""
    asked = {subnet.subnet for subnet in spec.subnets}
    found = []
    for version in missing_versions(spec):
        there = (one for one in record.subnets if one.version == version and one.subnet not in asked)
        found.append(next(there, Subnet(f"one of IPv{version}")))
    return (*spec.subnets, *found)


def _shown(subnets: Sequence[Subnet]) -> dict[str, Any]:
    return {
        one.subnet: {name: text for name, text in one._asdict().items() if name != "subnet" and text}
        for one in subnets
    }
