# SPDX-License-Identifier: GPL-3.0-or-later
"""A row of the table of a container's options (options.py): all that the engine and its modules know of one option."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ...frozen import field
from .kinds import Argument, Kind, of_type

#: What an alteration needs: none but of the record and of the limits of what runs (live), or a new container.
LIVE = "live"
RECREATE = "recreate"

#: Where an option takes effect, unless its row names the engine's module that reads it: in the bundle's config.json, or in
#: the task, which puts what the option names into other options.
CONFIG = "config.json"
TASK = "task"

#: The cgroups that an option needs: of any version, or of this one alone.
ANY_VERSION, V1, V2 = "any", "v1", "v2"


class Option(NamedTuple):
    """A row of the table.

    ``arguments``: the module's options that make the value, each as an argument spec has it; mostly one, with the row's name.
    ``compared`` False: not compared as text but by what it stands for (the image, by its id).
    ``applied``: CONFIG, TASK, or the module of the engine that reads the option, as in ``plan.restart``.
    ``cgroup``: ANY_VERSION, V1 or V2 for what takes effect in the container's cgroup, else "".
    ``shown``: the key of ``HostConfig`` (``podman inspect``) that shows the value as it is stored, and what it shows for unset.
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
        """Tell whether a spec says something else than leaving the option out does."""
        return bool(getattr(spec, self.name) != self.default)

    def fits(self, cgroup_version: str) -> bool:
        """Tell whether the option can take effect on a host with these cgroups; a hybrid host has the limits of v1."""
        return self.cgroup not in (V1, V2) or (self.cgroup == V2) == (cgroup_version == V2)


class Refused:
    """An option that is not built yet; ``remedy``: what to do instead, where something can be done."""

    def __init__(self, argument: Argument, remedy: str, shown: tuple[str, Any] | None) -> None:
        self.argument = argument
        self.remedy = remedy
        self.shown = shown


def refused(kind: str, remedy: str = "", *, shown: tuple[str, Any] | None = None, **more: Any) -> Refused:
    """Return an option that is refused, of this type."""
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
    """Return the field of a dataclass that is this row; ``aliases``, ``required`` and ``elements`` are of its one argument."""
    own = {
        **kind.argument,
        **({"elements": elements} if elements else {}),
        **({"aliases": [*aliases]} if aliases else {}),
        **({"required": True} if required else {}),
    }
    found = Option("", kind, change, default, arguments or {"": own}, compared, applied, cgroup, shown)
    # A row of the class there; pylint looks for the class around the call.
    return field(default=default, metadata={"row": found})  # pylint: disable=invalid-field-call


def named(name: str, found: Option) -> Option:
    """Return the row of the field that has this name."""
    arguments = {own or name: argument for own, argument in found.arguments.items()}
    return found._replace(name=name, arguments=arguments)
