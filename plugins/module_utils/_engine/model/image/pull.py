# SPDX-License-Identifier: GPL-3.0-or-later
"""When an image is pulled, for which platform, and how the registry is reached: what tasks say of it; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import InvalidOption
from ...frozen import dataclass, replace

HOST, CONTROLLER, AUTO = "host", "controller", "auto"
MISSING, NEWER, ALWAYS, NEVER = "missing", "newer", "always", "never"
#: podman-pull(1), --policy.
POLICIES = (MISSING, NEWER, ALWAYS, NEVER)
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


@dataclass(frozen=True)
class Access:
    """How registries are reached. ``password`` is in no text that is ever shown.

    ``auth_file``, ``cert_dir``, ``registries_conf``: None for the host's own. ``verify`` None: as the file of registries says.
    ``retry``: tries after the first; ``retry_delay`` in seconds, None: longer each time.
    """

    username: str = ""
    password: str = ""
    auth_file: str | None = None
    cert_dir: str | None = None
    verify: bool | None = None
    registries_conf: str | None = None
    retry: int = 3
    retry_delay: float | None = None

    def __repr__(self) -> str:
        return f"Access({self.username!r}, ...)"

    def trying(self, most: int) -> Access:
        """Return it with so many tries after the first at most."""
        return replace(self, retry=min(self.retry, most))


@dataclass(frozen=True)
class Pull:
    """An image that a task wants: its name, when it is asked for anew, and for which platform ("" for the host's parts).

    ``pull_on``: who asks the registry; with ``auto`` the controller where the host can't. ``offer`` is what the controller has to
    give (images/offer.py, in its JSON form; {}: nothing newer), None before it was asked; ``place``: where the blobs were sent.
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
        """Return whether the task asks for a platform at all."""
        return bool(self.os or self.architecture or self.variant)


def policy(value: object, *, true: str, false: str, option: str = "pull") -> str:
    """Read a policy; a boolean is what the peer's module means by it. Raises InvalidOption."""
    text = str(value).lower()
    if text in POLICIES:
        return text
    if text in _TRUE or text in _FALSE:
        return true if text in _TRUE else false
    raise InvalidOption(option, value, f"is none of {', '.join(POLICIES)}")


def platform_parts(
    platform: str | None, os: str | None, architecture: str | None, variant: str | None
) -> tuple[str, str, str]:
    """Return os, architecture and variant of the options; ``platform`` is ``OS/ARCH[/VARIANT]``. Raises InvalidOption."""
    if not platform:
        return os or "", architecture or "", variant or ""
    if os or architecture or variant:
        raise InvalidOption(
            "platform", platform, "says what arch, os and variant say too", remedy="Write either"
        )
    parts = platform.split("/")
    if len(parts) not in (1, 2, 3) or not all(parts):
        raise InvalidOption("platform", platform, "is not OS/ARCH[/VARIANT], as in linux/arm64/v8")
    first, second, third = (*parts, "", "")[:3]
    return first, second, third
