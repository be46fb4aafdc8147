# SPDX-License-Identifier: GPL-3.0-or-later
"""Look up the AppArmor profiles of this host, and load the one that containers get by default.

Sources: apparmor.d(5), apparmor_parser(8); what the default denies is what podman's and docker's deny.
"""

from __future__ import annotations

from ..errors import CommandFailed, HostLacks, InvalidOption, Missing, Setting, Words
from ..kernel import command

#: A profile with other rules gets another number, so that containers that run keep theirs.
DEFAULT = "slipway-default-1"
_ENABLED = "/sys/module/apparmor/parameters/enabled"
#: Each line is a name and, in brackets, a mode.
_PROFILES = "/sys/kernel/security/apparmor/profiles"
_PARSER = "apparmor_parser"
_PARSER_SECONDS = 60.0
_LONGEST_NAME = 4096

#: All is allowed but to mount, to trace or signal what is outside, and to write to the parts of /proc and /sys that are the
#: host's: what a container with more capabilities or fewer read-only paths than usual could harm it by. It includes no file of
#: the distribution, since a host may have the program alone. The patterns leave out /proc/PID, /proc/sys/kernel/shm* and
#: the cgroups.
_TEXT = f"""\
profile {DEFAULT} flags=(attach_disconnected,mediate_deleted) {{
  file,
  capability,
  network,
  unix,
  umount,
  deny mount,
  signal (receive) peer=unconfined,
  signal (receive) peer={{/usr/bin/,/usr/sbin/,}}{{crun,runc}},
  signal (send, receive) peer={DEFAULT},
  ptrace (trace, read, tracedby, readby) peer={DEFAULT},
  deny /proc/* w,
  deny /proc/{{[^1-9],[^1-9][^0-9],[^1-9s][^0-9y][^0-9s],[^1-9][^0-9][^0-9][^0-9]*}}/** w,
  deny /proc/sys/[^k]** w,
  deny /proc/sys/kernel/{{?,??,[^s][^h][^m]**}} w,
  deny /proc/sysrq-trigger rwklx,
  deny /proc/kcore rwklx,
  deny /sys/[^f]*/** wklx,
  deny /sys/f[^s]*/** wklx,
  deny /sys/fs/[^c]*/** wklx,
  deny /sys/fs/c[^g]*/** wklx,
  deny /sys/fs/cg[^r]*/** wklx,
  deny /sys/firmware/** rwklx,
  deny /sys/kernel/security/** rwklx,
}}
"""


def is_enabled() -> bool:
    """Tell whether the kernel has AppArmor enabled, and shows us its profiles: in many a container it does not."""
    try:
        with open(_ENABLED, encoding="ascii") as stream, open(_PROFILES, encoding="ascii"):
            return stream.read(1) == "Y"
    except OSError:
        return False


def default() -> str:
    """Return the profile of containers that ask for none; "" where AppArmor is not enabled or its program is not installed."""
    if not is_enabled():
        return ""
    return DEFAULT if DEFAULT in _loaded() or command.find_program(_PARSER) else ""


def load_default() -> None:
    """Load the default profile unless the kernel has it; raises HostLacks where it can't be loaded."""
    if DEFAULT in _loaded():
        return
    try:
        command.run([_PARSER, "--replace", "--skip-cache"], stdin=_TEXT.encode(), timeout=_PARSER_SECONDS)
    except CommandFailed as error:
        raise HostLacks(
            f"the AppArmor profile {DEFAULT} can't be loaded: {error.message}",
            remedy=Words(
                "Install a working apparmor_parser, or write ",
                Setting("security_opt", "[apparmor=unconfined]"),
            ),
            missing=_PARSER,
        ) from error


def check(profile: str) -> None:
    """Raise InvalidOption for a profile that is not loaded: the runtime would fail at the start, and name no profile."""
    if profile.startswith(":"):  # of another policy namespace, which has a list of its own
        return
    asked = f"apparmor={profile}"
    if not is_enabled():
        raise InvalidOption("security_opt", asked, "can't be used: this host has no AppArmor")
    if profile not in _loaded():
        raise Missing(
            "security_opt",
            asked,
            "names a profile that is not loaded on this host",
            remedy="Load it first, with apparmor_parser",
        )


def _loaded() -> set[str]:
    with open(_PROFILES, encoding="utf-8", errors="replace") as stream:
        return {line.rstrip("\n").rpartition(" (")[0] for line in stream}


def confinement(pid: int) -> str:
    """Return the profile that confines a process, "" for none and for a process that has ended."""
    try:
        with open(f"/proc/{pid}/attr/current", encoding="utf-8", errors="replace") as stream:
            return stream.read(_LONGEST_NAME).strip().rpartition(" (")[0]
    except OSError:
        return ""
