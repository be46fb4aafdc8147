# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the text of the small files that a container gets from its engine: hosts, resolv.conf, hostname.

Pure: the host's own files are handed in. Sources: hosts(5), resolv.conf(5), hostname(5), podman-run(1).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

_LOCALHOST = (("127.0.0.1", ("localhost",)), ("::1", ("localhost", "ip6-localhost", "ip6-loopback")))
_RESOLVER_WORDS = frozenset({"nameserver", "search", "domain", "options", "sortlist"})


def hosts(base: str, entries: Sequence[tuple[str, Sequence[str]]] = ()) -> str:
    """Return /etc/hosts: the host's entries first, then the container's own ``(address, names)``.

    Comments are left out and each line is written with one tab, as podman does; localhost is always there.
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
    """Return /etc/resolv.conf for the host's network: what the resolver reads, without comments."""
    lines = (line.split() for line in base.splitlines())
    return "".join(" ".join(words) + "\n" for words in lines if words and words[0] in _RESOLVER_WORDS)


def hostname(name: str) -> str:
    """Return /etc/hostname."""
    return f"{name}\n"


def containerenv(*, privileged: bool, name: str, container_id: str, image: str, image_id: str) -> str:
    """Return /run/.containerenv: empty, and only for a privileged container what it is (podman-run(1))."""
    if not privileged:
        return ""
    fields = {"engine": "slipway", "name": name, "id": container_id, "image": image, "imageid": image_id}
    return "".join(f'{key}="{value}"\n' for key, value in fields.items()) + "rootless=0\n"


def environment(text: str, host: dict[str, str] | None = None) -> dict[str, str]:
    """Read an ``env_file``: lines ``NAME=VALUE``; a lone ``NAME`` takes the host's value if it has one."""
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
