# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse which namespaces a container shares, and tell whom it therefore needs.

The canonical form is podman's own text: ``host``, ``private``, ``none``, ``container:NAME``, ``ns:/PATH``; unset is the
default, mostly a namespace of its own. Sources: podman-run(1) ``--network``, ``--ipc``, ``--pid``, ``--uts``,
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
#: Words that podman has for containers of a pod, or without root; each with why it can't be had here.
REFUSED = {
    "pod": "needs pods, which this engine has not",
    "slirp4netns": "is for podman without root",
    "pasta": "is for podman without root",
    "keep-id": "is for podman without root: root has no id of its own to keep",
    "nomap": "is for podman without root: root has no id of its own to hide",
}


def parser(*words: str, unset: str = "") -> Callable[[str, Any], str]:
    """Return the parser of an option that takes these words, ``container:NAME`` and ``ns:PATH``.

    ``unset`` is the word that means the same as leaving the option out; it becomes "".
    """

    def parse(option: str, value: Any) -> str:
        text = plain_text(option, value)
        if text in ("", unset):
            return ""
        return text if text in words else joined(option, text, words)

    return parse


def joined(option: str, text: str, words: tuple[str, ...]) -> str:
    """Return the canonical form of ``container:NAME`` and ``ns:PATH``; ``words`` are the option's others, for the error."""
    if text.startswith(_CONTAINER):
        return _CONTAINER + check_name(option, text[len(_CONTAINER) :])
    if text.startswith(_PATH):
        return _PATH + absolute_path(option, text[len(_PATH) :])
    why = REFUSED.get(text.partition(":")[0], "is no namespace")
    known = ", ".join((*words, "container:NAME", "ns:PATH"))
    raise InvalidOption(option, text, why, remedy=f"Known: {known}")


def of(spec: Any, kind: str) -> str:
    """Return how the spec (ContainerSpec, whose rows come from here) has the namespace; "" is unset."""
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
    """Tell whether a namespace is the container's own, neither the host's nor another's."""
    return text != HOST and container(text) is None and path(text) is None


def uses_host_network(spec: Any) -> bool:
    """Tell whether the container is in the host's network."""
    return bool(spec.network == (HOST,))


def hostname_of(spec: Any, container_id: str, host: str) -> str:
    """Return the host name inside a container whose UTS namespace is its own or the host's (podman-run(1)).

    As asked for; with ``uts: host`` or ``network: host`` the ``host``'s name; else the short id.
    """
    if spec.hostname is not None:
        return str(spec.hostname)
    return host if spec.uts == HOST or uses_host_network(spec) else container_id[:12]


def needs(spec: Any) -> tuple[tuple[str, str], ...]:
    """Return (option, name) of the containers whose namespaces it shares; a name may be an id."""
    found = ((option, container(of(spec, kind))) for kind, option in OPTIONS.items())
    return tuple((option, name) for option, name in found if name is not None)


def with_names(spec: Any, names: Mapping[str, str]) -> Any:
    """Return the spec with the names of other containers in the place of their ids; ``names``: what each text means."""
    changed: dict[str, Any] = {}
    for kind, option in OPTIONS.items():
        name = container(of(spec, kind))
        if name is not None and names.get(name, name) != name:
            changed[option] = _renamed(getattr(spec, option), kind, _CONTAINER + names[name])
    return replace(spec, **changed) if changed else spec


def _renamed(value: Any, kind: str, text: str) -> Any:
    """Return an option's value with another text, in the form that the option has."""
    if kind == "network":
        return (text,)
    return replace(value, mode=text) if kind == "user" else text


def check(spec: Any, *, usual_shm_size: int) -> None:
    """Refuse what would change a namespace that is not the container's own."""
    if spec.hostname is not None and not is_own(spec.uts or ""):
        raise InvalidOption(
            "hostname", spec.hostname, f"is another's with uts: {spec.uts}", remedy="Leave one of the two out"
        )
    of_ipc = [key for key in spec.sysctl or () if key.startswith(("kernel", "fs")) and spec.ipc == HOST]
    if of_ipc:
        raise InvalidOption(
            "sysctl",
            of_ipc[0],
            "is the host's with ipc: host",
            remedy="Set it on the host, as with ansible.posix.sysctl",
        )
    if spec.shm_size != usual_shm_size and (not is_own(spec.ipc or "") or spec.ipc == NONE):
        raise InvalidOption(
            "shm_size",
            spec.shm_size,
            f"has no /dev/shm of its own with ipc: {spec.ipc}",
            remedy="Leave it out",
        )
