# SPDX-License-Identifier: GPL-3.0-or-later
"""Platforms of images: this host's in OCI's notation, and the best match among several.

Source: OCI image-spec v1.1, image-index.md, "Platform Variants".
"""

from __future__ import annotations

import platform
from collections.abc import Sequence

from ...frozen import dataclass

_ARCHITECTURES = {
    "x86_64": ("amd64", ""),
    "aarch64": ("arm64", "v8"),
    "armv8l": ("arm", "v7"),
    "armv7l": ("arm", "v7"),
    "armv6l": ("arm", "v6"),
    "armv5tel": ("arm", "v5"),
    "i386": ("386", ""),
    "i486": ("386", ""),
    "i586": ("386", ""),
    "i686": ("386", ""),
    "loongarch64": ("loong64", ""),
}


#: The variants that an architecture without one means (containerd's platforms.Normalize).
_DEFAULT_VARIANTS = {"arm64": "v8", "arm": "v7"}


@dataclass(frozen=True)
class Platform:
    """Operating system, processor architecture and its variant, as Go names them."""

    os: str = ""
    architecture: str = ""
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


def of_host() -> Platform:
    """Return this host's platform; an architecture that Go does not rename keeps its name."""
    machine = platform.machine()
    architecture, variant = _ARCHITECTURES.get(machine, (machine, ""))
    return Platform("linux", architecture, variant)


def best(offered: Sequence[Platform], host: Platform) -> int | None:
    """Return the index of the platform that fits the host best, None if none does."""
    ranked = [(_rank(one, host), -index) for index, one in enumerate(offered)]
    rank, index = max(ranked, default=(None, 0), key=lambda pair: (pair[0] or 0, pair[1]))
    return None if rank is None else -index


def _rank(one: Platform, host: Platform) -> int | None:
    """Rank a platform: the host's own variant, then none, then older ones; None if the host cannot run it."""
    if (one.os, one.architecture) != (host.os, host.architecture):
        return None
    wanted = host.variant or _DEFAULT_VARIANTS.get(host.architecture, "")
    if one.variant == wanted:
        return 100
    if not one.variant:
        return 99
    if one.variant > wanted or not wanted:
        return None  # amd64's v2, v3: it is unknown here whether the CPU supports them
    return int("".join(digit for digit in one.variant if digit.isdigit()) or 0) + 1
