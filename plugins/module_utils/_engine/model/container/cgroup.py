# SPDX-License-Identifier: GPL-3.0-or-later
"""The paths of containers' cgroups, and how they are passed to the OCI runtime; pure.

Sources: systemd.slice(5), runc's docs/systemd.md (``slice:prefix:name``), podman-run(1) ``--cgroup-parent``, ``--cgroups``.
"""

from __future__ import annotations

import re

from ...errors import InvalidOption
from ..values.text import normal_path, plain_text

CGROUPFS, SYSTEMD = "cgroupfs", "systemd"
MANAGERS = (CGROUPFS, SYSTEMD)

#: Values of option ``cgroups``: a cgroup for container and monitor, none for the monitor, none for either.
ENABLED, NO_MONITOR, DISABLED = USES = ("enabled", "no-conmon", "disabled")

#: The default parent of scopes. Unlike a slice that systemd creates implicitly, it is not stopped at shutdown, so systemd does
#: not kill containers before the boot unit stops them with their own signals.
DEFAULT_SLICE = "system.slice"
_PREFIX = "slipway"
_SUFFIX = ".scope"
#: systemd.slice(5): words joined by "-"; each is a slice within the previous one.
_SLICE = re.compile(r"[A-Za-z0-9:_.\\]+(?:-[A-Za-z0-9:_.\\]+)*\.slice")


def parse_use(option: str, value: object) -> str:
    """Return the canonical value of option ``cgroups``."""
    if value not in USES:
        raise InvalidOption(
            option, value, "is not known", remedy=f"Write {ENABLED}, {NO_MONITOR} or {DISABLED}"
        )
    return str(value)


def parse_parent(option: str, value: object) -> str:
    """Parse the absolute path of a cgroup, or the name of a slice. The manager decides which of them is valid."""
    text = plain_text(option, value)
    if "/" not in text and text.endswith(".slice"):
        if not _SLICE.fullmatch(text):
            raise InvalidOption(option, value, "is not a slice name", remedy="Write it as in web-shop.slice")
        return text
    path = normal_path(text)
    if not text or path == "/" or ".." in text.split("/") or "\n" in text:
        raise InvalidOption(
            option, value, "is not a cgroup below the root", remedy="Write a path, as in /shop/web"
        )
    return path


def is_slice(parent: str) -> bool:
    """Return whether a parent is the name of a slice, and not a path."""
    return not parent.startswith("/")


def slice_path(name: str) -> str:
    """Return the cgroup of a slice: ``/web.slice/web-shop.slice`` for ``web-shop.slice``."""
    words = name[: -len(".slice")].split("-")
    parts = ["-".join(words[: count + 1]) for count in range(len(words))]
    return "".join(f"/{part}.slice" for part in parts)


def scope_path(slice_: str, container_id: str) -> str:
    """Return the cgroup of the scope that systemd creates for a container at the runtime's request."""
    return f"{slice_path(slice_)}/{_PREFIX}-{container_id}{_SUFFIX}"


def monitor_scope(container_id: str, pid: int, what: str = "conmon") -> str:
    """Return the name of the scope of a container's monitor, or of another process of it (``what``).

    The name differs for each start, because the previous scope may still exist.
    """
    return f"{_PREFIX}-{what}-{container_id[:12]}-{pid}{_SUFFIX}"


def names_scope(pid: int) -> str:
    """Return the name of the scope of the DNS server for container names."""
    return f"{_PREFIX}-names-{pid}{_SUFFIX}"


def is_scope(path: str) -> bool:
    """Return whether the cgroup is a scope, which systemd created."""
    return path.endswith(_SUFFIX)


def for_runtime(path: str) -> str:
    """Return ``linux.cgroupsPath``: the path, or ``slice:prefix:name`` for a scope (runtime with --systemd-cgroup)."""
    if not is_scope(path):
        return path
    above, _slash, unit = path.rpartition("/")
    prefix, _dash, name = unit[: -len(_SUFFIX)].partition("-")
    return f"{above.rpartition('/')[2]}:{prefix}:{name}"
