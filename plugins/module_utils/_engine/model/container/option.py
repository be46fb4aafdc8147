# SPDX-License-Identifier: GPL-3.0-or-later
"""A row of the table of a container's options (options.py): everything that the engine and its modules know of an option."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ...frozen import field
from .kinds import Argument, Kind, of_type

#: What changing an option requires: an update of the record and of the running container (live), or a new container.
LIVE = "live"
RECREATE = "recreate"

#: Where an option takes effect, unless its row names the engine's module that reads it: in the bundle's config.json, or in
#: the task, which resolves it into other options.
CONFIG = "config.json"
TASK = "task"

#: The cgroup version that an option requires.
ANY_VERSION, V1, V2 = "any", "v1", "v2"


class Option(NamedTuple):
    """A row of the table.

    ``arguments``: the module's options that make up the value, with their argument specs; mostly one, with the row's name.
    ``compared`` False: compared not as text but by what it refers to (the image, by its ID).
    ``applied``: CONFIG, TASK, or the module of the engine that reads the option, as in ``plan.restart``.
    ``cgroup``: ANY_VERSION, V1 or V2 if the option takes effect in the container's cgroup, else "".
    ``shown``: the key of ``HostConfig`` (``podman inspect``) that shows the stored value, and what it shows for unset.
    """

    name: str
    kind: Kind
    change: str
    default: Any
    arguments: Mapping[str, Argument]
    compared: bool
    applied: str
    cgroup: str
    shown: tuple[str, Any] | None

    def parse(self, raw: Mapping[str, Any]) -> Any:
        """Return the canonical value from the raw module options."""
        if [*self.arguments] != [self.name]:
            value: Any = {name: raw[name] for name in self.arguments if raw.get(name) is not None} or None
        else:
            value = raw.get(self.name)
        if value is None:
            return self.default
        parsed = self.kind.parse(self.name, value)
        return self.default if self.kind.empty_is_unset and not parsed else parsed

    def is_set(self, spec: Any) -> bool:
        """Return whether a spec has a value other than the default."""
        return bool(getattr(spec, self.name) != self.default)

    def fits(self, cgroup_version: str) -> bool:
        """Return whether the option can take effect with this cgroup version; a hybrid host has the limits of v1."""
        return self.cgroup not in (V1, V2) or (self.cgroup == V2) == (cgroup_version == V2)


class Refused:
    """An option that is not implemented; ``remedy``: what to do instead, "" if there is no alternative."""

    def __init__(self, argument: Argument, remedy: str, shown: tuple[str, Any] | None) -> None:
        self.argument = argument
        self.remedy = remedy
        self.shown = shown


def refused(kind: str, remedy: str = "", *, shown: tuple[str, Any] | None = None, **more: Any) -> Refused:
    """Return a refused option of this type."""
    return Refused(of_type(kind, **more), remedy, shown)


def row(
    kind: Kind,
    change: str = RECREATE,
    *,
    default: Any = None,
    aliases: Sequence[str] = (),
    required: bool = False,
    elements: str = "",
    arguments: Mapping[str, Argument] | None = None,
    compared: bool = True,
    applied: str = CONFIG,
    cgroup: str = "",
    shown: tuple[str, Any] | None = None,
) -> Any:
    """Return the dataclass field of a row; ``aliases``, ``required`` and ``elements`` describe its single argument."""
    own = {
        **kind.argument,
        **({"elements": elements} if elements else {}),
        **({"aliases": [*aliases]} if aliases else {}),
        **({"required": True} if required else {}),
    }
    found = Option("", kind, change, default, arguments or {"": own}, compared, applied, cgroup, shown)
    # The class is in options.py; pylint expects it around the call.
    return field(default=default, metadata={"row": found})  # pylint: disable=invalid-field-call


def named(name: str, found: Option) -> Option:
    """Return the row with the name of its field filled in."""
    arguments = {own or name: argument for own, argument in found.arguments.items()}
    return found._replace(name=name, arguments=arguments)
