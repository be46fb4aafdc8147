# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse a container's namespaces, and find the containers that it requires for them.

The canonical form is podman's: ``host``, ``private``, ``none``, ``container:NAME``, ``ns:/PATH``; unset is the
default, mostly a private namespace. Sources: podman-run(1) ``--network``, ``--ipc``, ``--pid``, ``--uts``,
``--cgroupns``, ``--userns``; namespaces(7); seed: hasNamespace.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...errors import InvalidOption
from ...frozen import replace
from ..values.names import check_name
from ..values.text import absolute_path, plain_text

HOST = "host"
PRIVATE = "private"
NONE = "none"

#: The option of the spec, by the namespace's name in the OCI runtime-spec (config-linux.md "Namespaces").
OPTIONS: Mapping[str, str] = {
    "network": "network",
    "ipc": "ipc",
    "pid": "pid",
    "uts": "uts",
    "cgroup": "cgroupns",
    "user": "userns",
}
_CONTAINER = "container:"
_PATH = "ns:"
#: Modes of podman for pods and rootless containers, each with the reason why it is refused here.
REFUSED = {
    "pod": "requires pods, which are not implemented",
    "slirp4netns": "is for rootless podman",
    "pasta": "is for rootless podman",
    "keep-id": "is for rootless podman: root has no ID to keep",
    "nomap": "is for rootless podman: root has no ID to hide",
}


def parser(*words: str, unset: str = "") -> Callable[[str, Any], str]:
    """Return a parser of an option with these modes, ``container:NAME`` and ``ns:PATH``.

    ``unset`` is the default mode; it becomes "".
    """

    def parse(option: str, value: Any) -> str:
        text = plain_text(option, value)
        if text in ("", unset):
            return ""
        return text if text in words else joined(option, text, words)

    return parse


def joined(option: str, text: str, words: tuple[str, ...]) -> str:
    """Parse ``container:NAME`` or ``ns:PATH``; ``words`` are the option's other modes, for the error."""
    if text.startswith(_CONTAINER):
        return _CONTAINER + check_name(option, text[len(_CONTAINER) :])
    if text.startswith(_PATH):
        return _PATH + absolute_path(option, text[len(_PATH) :])
    why = REFUSED.get(text.partition(":")[0], "is not a namespace")
    known = ", ".join((*words, "container:NAME", "ns:PATH"))
    raise InvalidOption(option, text, why, remedy=f"Known: {known}")


def of(spec: Any, kind: str) -> str:
    """Return the spec's mode for a kind of namespace; "" is unset. A ContainerSpec, whose rows import this module."""
    value = getattr(spec, OPTIONS[kind])
    if kind == "network":
        return str(value[0]) if value else ""
    return str(value.mode) if kind == "user" and value else value or ""


def container(text: str) -> str | None:
    """Return the NAME of ``container:NAME``, else None."""
    return text[len(_CONTAINER) :] if text.startswith(_CONTAINER) else None


def path(text: str) -> str | None:
    """Return the PATH of ``ns:PATH``, else None."""
    return text[len(_PATH) :] if text.startswith(_PATH) else None


def is_own(text: str) -> bool:
    """Return whether a mode gives the container its own namespace, not the host's or another container's."""
    return text != HOST and container(text) is None and path(text) is None


def uses_host_network(spec: Any) -> bool:
    """Return whether the container uses the host's network namespace."""
    return bool(spec.network == (HOST,))


def hostname_of(spec: Any, container_id: str, host: str) -> str:
    """Return the host name in a container whose UTS namespace is its own or the host's (podman-run(1)).

    It is the requested one, otherwise the ``host``'s with ``uts: host`` or ``network: host``, otherwise the short ID.
    """
    if spec.hostname is not None:
        return str(spec.hostname)
    return host if spec.uts == HOST or uses_host_network(spec) else container_id[:12]


def needs(spec: Any) -> tuple[tuple[str, str], ...]:
    """Return (option, name) of each container whose namespace the spec joins; a name may be an ID."""
    found = ((option, container(of(spec, kind))) for kind, option in OPTIONS.items())
    return tuple((option, name) for option, name in found if name is not None)


def with_names(spec: Any, names: Mapping[str, str]) -> Any:
    """Return the spec with IDs of other containers replaced by names; ``names`` maps each text to the name."""
    changed: dict[str, Any] = {}
    for kind, option in OPTIONS.items():
        name = container(of(spec, kind))
        if name is not None and names.get(name, name) != name:
            changed[option] = _renamed(getattr(spec, option), kind, _CONTAINER + names[name])
    return replace(spec, **changed) if changed else spec


def _renamed(value: Any, kind: str, text: str) -> Any:
    """Return an option's value with another mode, in the option's own form."""
    if kind == "network":
        return (text,)
    return replace(value, mode=text) if kind == "user" else text


def check(spec: Any, *, usual_shm_size: int) -> None:
    """Check that no option changes a namespace that is not the container's own. Raises InvalidOption."""
    if spec.hostname is not None and not is_own(spec.uts or ""):
        raise InvalidOption(
            "hostname",
            spec.hostname,
            f"cannot be set with uts: {spec.uts}",
            remedy="Leave out one of the two",
        )
    of_ipc = [key for key in spec.sysctl or () if key.startswith(("kernel", "fs")) and spec.ipc == HOST]
    if of_ipc:
        raise InvalidOption(
            "sysctl",
            of_ipc[0],
            "is the host's with ipc: host",
            remedy="Set it on the host, for example with ansible.posix.sysctl",
        )
    if spec.shm_size != usual_shm_size and (not is_own(spec.ipc or "") or spec.ipc == NONE):
        raise InvalidOption(
            "shm_size",
            spec.shm_size,
            f"cannot be set with ipc: {spec.ipc}, where the container has no own /dev/shm",
            remedy="Leave it out",
        )
