# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's file of a time zone (tzfile(5)), for a container's /etc/localtime."""

from __future__ import annotations

from ..errors import Missing
from ..kernel import untrusted_files
from ..model.container.tuning import LOCAL

ZONES = "/usr/share/zoneinfo"
_LOCALTIME = "/etc/localtime"
#: In bytes; the largest zone file has 4 KB.
_LIMIT = 1024 * 1024


def content(zone: str) -> bytes:
    """Return the zone file's content; raises Missing for a zone that is unknown on this host."""
    root, path = ("/", _LOCALTIME) if zone == LOCAL else (ZONES, zone)
    try:
        found = untrusted_files.read_file(root, path, limit=_LIMIT)
    except OSError:
        found = None
    if found is None or not found.startswith(b"TZif"):
        raise Missing(
            "timezone",
            zone,
            "is unknown on this host",
            remedy=f"Use a name from {ZONES}, or install the package tzdata",
        )
    return found
