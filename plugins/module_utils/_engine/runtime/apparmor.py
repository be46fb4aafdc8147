# SPDX-License-Identifier: GPL-3.0-or-later
"""AppArmor: look up this host's profiles, and load the containers' default profile.

Sources: apparmor.d(5), apparmor_parser(8); the default profile denies what podman's and docker's deny.
"""

from __future__ import annotations

from ..errors import CommandFailed, HostLacks, InvalidOption, Missing, Setting, Words
from ..kernel import command

#: Raise the number whenever the rules change, so that running containers keep their profile.
DEFAULT = "slipway-default-1"
_ENABLED = "/sys/module/apparmor/parameters/enabled"
#: Each line is a name, followed by a mode in parentheses.
_PROFILES = "/sys/kernel/security/apparmor/profiles"
_PARSER = "apparmor_parser"
_PARSER_SECONDS = 60.0
_LONGEST_NAME = 4096

#: The profile allows everything except mounting, tracing or signalling processes outside, and writing to the
#: host's parts of /proc and /sys: ways in which a container with extra capabilities or fewer read-only paths
#: could harm the host. It includes no file of the distribution, because a host may have only the parser. The
#: patterns exempt /proc/PID, /proc/sys/kernel/shm* and the cgroups.
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
    """Return whether AppArmor is enabled and its profiles are visible; in many containers they are not."""
    try:
        with open(_ENABLED, encoding="ascii") as stream, open(_PROFILES, encoding="ascii"):
            return stream.read(1) == "Y"
    except OSError:
        return False


def default() -> str:
    """Return the containers' default profile; "" if AppArmor is disabled or its parser is not installed."""
    if not is_enabled():
        return ""
    return DEFAULT if DEFAULT in _loaded() or command.find_program(_PARSER) else ""


def load_default() -> None:
    """Load the default profile unless it is loaded; raises HostLacks if it can't be loaded."""
    if DEFAULT in _loaded():
        return
    try:
        command.run([_PARSER, "--replace", "--skip-cache"], stdin=_TEXT.encode(), timeout=_PARSER_SECONDS)
    except CommandFailed as error:
        raise HostLacks(
            f"the AppArmor profile {DEFAULT} can't be loaded: {error.message}",
            remedy=Words(
                "Install a working apparmor_parser, or set ",
                Setting("security_opt", "[apparmor=unconfined]"),
            ),
            missing=_PARSER,
        ) from error


def check(profile: str) -> None:
    """Check that the profile is loaded; raises InvalidOption.

    Otherwise the runtime would fail at the start without naming the profile.
    """
    if profile.startswith(":"):  # in another policy namespace, which has its own list
        return
    asked = f"apparmor={profile}"
    if not is_enabled():
        raise InvalidOption("security_opt", asked, "can't be used: this host has no AppArmor")
    if profile not in _loaded():
        raise Missing(
            "security_opt",
            asked,
            "names a profile that is not loaded on this host",
            remedy="Load it first with apparmor_parser",
        )


def _loaded() -> set[str]:
    with open(_PROFILES, encoding="utf-8", errors="replace") as stream:
        return {line.rstrip("\n").rpartition(" (")[0] for line in stream}


def confinement(pid: int) -> str:
    """Return the profile that confines a process; "" for none and for a process that has exited."""
    try:
        with open(f"/proc/{pid}/attr/current", encoding="utf-8", errors="replace") as stream:
            return stream.read(_LONGEST_NAME).strip().rpartition(" (")[0]
    except OSError:
        return ""
