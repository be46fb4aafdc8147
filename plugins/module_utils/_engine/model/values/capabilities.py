# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of Linux capabilities (capabilities(7)) and the set that a container gets by default."""

from __future__ import annotations

from ...errors import InvalidOption

ALL = "ALL"

#: In the kernel's order: the position is the capability's number (include/uapi/linux/capability.h).
CAPABILITIES: tuple[str, ...] = tuple(
    f"CAP_{name}"
    for name in (
        "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE"
        " NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT"
        " SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP"
        " MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"
    ).split()
)

#: Podman 4's default set (containers.conf(5), ``default_capabilities``).
DEFAULT: frozenset[str] = frozenset(
    f"CAP_{name}"
    for name in (
        "CHOWN DAC_OVERRIDE FOWNER FSETID KILL NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT"
    ).split()
)


def canonical_capability(option: str, value: object) -> str:
    """Return ``CAP_NET_ADMIN`` for ``net_admin``, and ``ALL`` for ``all``."""
    name = str(value).strip().upper()
    if name == ALL:
        return ALL
    name = name if name.startswith("CAP_") else f"CAP_{name}"
    if name not in CAPABILITIES:
        raise InvalidOption(
            option, value, "is not a capability", remedy="Write a name from capabilities(7), as in NET_ADMIN"
        )
    return name
