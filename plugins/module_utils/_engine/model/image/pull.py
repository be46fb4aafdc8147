# SPDX-License-Identifier: GPL-3.0-or-later
"""A task's request to pull an image: policy, platform, and access to the registry; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import InvalidOption
from ...frozen import dataclass

HOST, CONTROLLER, AUTO = "host", "controller", "auto"
MISSING, NEWER, ALWAYS, NEVER = "missing", "newer", "always", "never"
#: podman-pull(1), --policy.
POLICIES = (MISSING, NEWER, ALWAYS, NEVER)
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


@dataclass(frozen=True)
class Access:
    """Access to registries. ``password`` is never shown.

    ``auth_file``, ``cert_dir``, ``registries_conf``: None for the host's. ``verify`` None: as configured in ``registries_conf``.
    ``retry``: attempts after the first; ``retry_delay`` in seconds, None: exponential back-off. Not ``waits``: a registry that
    is unreachable is tried twice at most, because another machine can be asked.
    """

    username: str = ""
    password: str = ""
    auth_file: str | None = None
    cert_dir: str | None = None
    verify: bool | None = None
    registries_conf: str | None = None
    retry: int = 3
    retry_delay: float | None = None
    waits: bool = True

    def __repr__(self) -> str:
        return f"Access({self.username!r}, ...)"


@dataclass(frozen=True)
class Pull:
    """An image that a task requests: its name, the policy, and the platform (each part "" for the host's).

    ``pull_on``: the machine that pulls; ``auto`` uses the controller if the host cannot. ``offer`` is the controller's offer
    (images/offer.py, in JSON form; {}: nothing newer), None before the controller was asked; ``place``: where it sent the blobs.
    """

    name: str
    policy: str = MISSING
    os: str = ""
    architecture: str = ""
    variant: str = ""
    access: Access = Access()
    pull_on: str = HOST
    offer: Mapping[str, Any] | None = None
    place: str | None = None

    @property
    def has_platform(self) -> bool:
        """Return whether the task names any part of the platform."""
        return bool(self.os or self.architecture or self.variant)


def policy(value: object, *, true: str, false: str, option: str = "pull") -> str:
    """Parse a policy; booleans have the meaning given by the caller. Raises InvalidOption."""
    text = str(value).lower()
    if text in POLICIES:
        return text
    if text in _TRUE or text in _FALSE:
        return true if text in _TRUE else false
    raise InvalidOption(option, value, f"is not one of {', '.join(POLICIES)}")


def platform_parts(
    platform: str | None, os: str | None, architecture: str | None, variant: str | None
) -> tuple[str, str, str]:
    """Return os, architecture and variant from the options; ``platform`` is ``OS/ARCH[/VARIANT]``. Raises InvalidOption."""
    if not platform:
        return os or "", architecture or "", variant or ""
    if os or architecture or variant:
        raise InvalidOption(
            "platform", platform, "conflicts with arch, os and variant", remedy="Keep one of the two"
        )
    parts = platform.split("/")
    if len(parts) not in (1, 2, 3) or not all(parts):
        raise InvalidOption("platform", platform, "is not OS/ARCH[/VARIANT], as in linux/arm64/v8")
    first, second, third = (*parts, "", "")[:3]
    return first, second, third
