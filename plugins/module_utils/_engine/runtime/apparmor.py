# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at which AppArmor profiles the kernel has."""

from __future__ import annotations

from ..errors import InvalidOption, Missing

#: Each line is a name and, in brackets, a mode.
_PROFILES = "/sys/kernel/security/apparmor/profiles"


def check(profile: str) -> None:
    """Raise InvalidOption for a profile that is not loaded: the runtime would fail at the start, and name no profile."""
    if profile.startswith(":"):  # of another policy namespace, which has a list of its own
        return
    asked = f"apparmor={profile}"
    try:
        with open(_PROFILES, encoding="utf-8", errors="replace") as stream:
            loaded = {line.rstrip("\n").rpartition(" (")[0] for line in stream}
    except FileNotFoundError:
        raise InvalidOption("security_opt", asked, "can't be used: this host has no AppArmor") from None
    if profile not in loaded:
        raise Missing(
            "security_opt",
            asked,
            "names a profile that is not loaded on this host",
            remedy="Load it first, with apparmor_parser",
        )
