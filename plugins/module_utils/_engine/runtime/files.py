# SPDX-License-Identifier: GPL-3.0-or-later
"""The content of the small files that the engine provides in a container: hosts, resolv.conf, hostname.

Pure: the caller passes in the host's files. Sources: hosts(5), resolv.conf(5), hostname(5), podman-run(1).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

_LOCALHOST = (("127.0.0.1", ("localhost",)), ("::1", ("localhost", "ip6-localhost", "ip6-loopback")))
_RESOLVER_WORDS = frozenset({"nameserver", "search", "domain", "options", "sortlist"})


def hosts(base: str, entries: Sequence[tuple[str, Sequence[str]]] = ()) -> str:
    """Return /etc/hosts: the host's entries first, then the container's own ``(address, names)``.

    As in podman, comments are omitted and each line has one tab. An entry for localhost is always present.
    """
    known = list(_host_entries(base))
    named = {name for _address, names in known for name in names}
    lines = [entry for entry in _LOCALHOST if "localhost" not in named] + known + list(entries)
    return "".join(f"{address}\t{' '.join(names)}\n" for address, names in lines)


def _host_entries(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if len(words) > 1:
            yield words[0], tuple(words[1:])


def resolv_conf(base: str) -> str:
    """Return /etc/resolv.conf for the host's network: the lines that the resolver reads, without comments."""
    lines = (line.split() for line in base.splitlines())
    return "".join(" ".join(words) + "\n" for words in lines if words and words[0] in _RESOLVER_WORDS)


def hostname(name: str) -> str:
    """Return /etc/hostname."""
    return f"{name}\n"


def containerenv(*, privileged: bool, name: str, container_id: str, image: str, image_id: str) -> str:
    """Return /run/.containerenv: empty unless the container is privileged (podman-run(1))."""
    if not privileged:
        return ""
    fields = {"engine": "slipway", "name": name, "id": container_id, "image": image, "imageid": image_id}
    return "".join(f'{key}="{value}"\n' for key, value in fields.items()) + "rootless=0\n"


def environment(text: str, host: dict[str, str] | None = None) -> dict[str, str]:
    """Parse an ``env_file``: lines of ``NAME=VALUE``; a lone ``NAME`` takes the host's value, if any."""
    result = {}
    for line in text.splitlines():
        name, equals, value = line.lstrip().partition("=")
        name = name.rstrip()
        if not name or name.startswith("#"):
            continue
        if equals:
            result[name] = value
        elif host is not None and name in host:
            result[name] = host[name]
    return result
