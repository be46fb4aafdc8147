# SPDX-License-Identifier: GPL-3.0-or-later
"""An sshd on loopback with keys, configuration and port of its own: the machine as a host that Ansible reaches by SSH."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from enginehost import eventually

#: A user who can log in where ``sshd`` is asked for one, and may do all by sudo, with this password.
USER, PASSWORD = "slipway-login", "login's own words"
#: Its hash, as crypt(3) has it, which newer Pythons lack; and an id that no user of a distribution has.
_HASH = "$6$slipway$UNUmwS8qW1LG22DZjgD9d9wJS/qFxSRomcNIy/vf712VsVUCRW/yMnXVmyPWgmUQcUphcHPGnpp7CTQIIUr8x/"
_UID = 61234
#: A fresh password each time, and neither a note of it nor of a lecture on the machine.
_SUDOERS = f"Defaults:{USER} timestamp_timeout=0, !lecture\n{USER} ALL=(ALL) ALL\n"
_CONFIG = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {top}/host
AuthorizedKeysFile {top}/key.pub
PidFile none
# The directory is below /tmp, which others may write to.
StrictModes no
UsePAM no
UseDNS no
PasswordAuthentication no
KbdInteractiveAuthentication no
Subsystem sftp internal-sftp
# As many plays at once as tests run; the sessions of one connection stay at the default of 10.
MaxStartups 100
"""


class SshHost:
    """A running sshd; ``top`` is the directory of its keys and of the clients' sockets, ``user`` who logs in."""

    def __init__(self, top: str, port: int, user: str) -> None:
        self.top, self.port, self.user = top, port, user

    @property
    def variables(self) -> dict[str, Any]:
        """Return what Ansible needs to know to reach it."""
        options = f"-F none -o ControlMaster=auto -o ControlPersist=60s -o UserKnownHostsFile={self.top}/known_hosts"
        return {
            "ansible_connection": "ssh",
            "ansible_host": "127.0.0.1",
            "ansible_port": self.port,
            "ansible_user": self.user,
            "ansible_ssh_private_key_file": f"{self.top}/key",
            "ansible_ssh_args": options,
            "ansible_control_path_dir": f"{self.top}/cp",
        }

    def hang_up(self) -> None:
        """End the connections that clients keep."""
        for path in Path(self.top, "cp").glob("*"):
            subprocess.run(
                ["ssh", "-F", "none", "-O", "exit", "-o", f"ControlPath={path}", "127.0.0.1"],
                check=False,
                capture_output=True,
            )


@contextmanager
def sshd(user: str = "root") -> Iterator[SshHost]:
    """Run an sshd that lets ``user`` in, root or USER; connections that clients keep end with it, and nothing stays.

    USER is known to this sshd alone, in a mount namespace with files of its own below /etc. What the machine mounts later is not
    seen there, so containers have to run before.
    """
    # Short, since clients make sockets below it.
    top = tempfile.mkdtemp(prefix="slipway-ssh-", dir="/tmp")
    try:
        host = SshHost(top, _free_port(), user)
        _furnish(host)
        with _listening(host):
            yield host
    finally:
        shutil.rmtree(top)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def _furnish(host: SshHost) -> None:
    """Make keys, configuration, and the files of /etc that know USER."""
    top = Path(host.top)
    top.chmod(0o711)
    for name in ("host", "key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", top / name], check=True)
    (top / "config").write_text(_CONFIG.format(top=top, port=host.port))
    (top / "known_hosts").write_text(f"[127.0.0.1]:{host.port} {(top / 'host.pub').read_text()}")
    for name, mode in (("cp", 0o700), ("home", 0o700), ("etc", 0o700), ("etc/sudoers.d", 0o755)):
        (top / name).mkdir(mode)
    os.chown(top / "home", _UID, _UID)
    lines = {
        "passwd": f"{USER}:x:{_UID}:{_UID}::{top}/home:/bin/sh\n",
        "group": f"{USER}:x:{_UID}:\n",
        "shadow": f"{USER}:{_HASH}:20000:0:99999:7:::\n",
    }
    for name, line in lines.items():
        (top / "etc" / name).write_text(Path("/etc", name).read_text() + line)
    (top / "etc/shadow").chmod(0o600)
    (top / "etc/sudoers.d/tests").write_text(_SUDOERS)


@contextmanager
def _listening(host: SshHost) -> Iterator[None]:
    """Run the daemon until the caller is done, and wait until its sessions have ended as well."""
    Path("/run/sshd").mkdir(exist_ok=True)  # Debian's sshd wants it; it is the package's own, and stays
    # sshd starts itself anew for each connection, so it wants its full path.
    daemon = [shutil.which("sshd"), "-D", "-f", f"{host.top}/config", "-E", f"{host.top}/log"]
    with subprocess.Popen([*_before(host), *daemon], stdin=subprocess.DEVNULL) as process:
        try:
            eventually(lambda: _answers(host.port), "sshd listens")
            yield
        finally:
            host.hang_up()
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
            eventually(lambda: not children.read_text(), "all sessions have ended")
            process.terminate()


def _before(host: SshHost) -> list[str]:
    """Return the words before the daemon's that lay files of USER's over those in /etc."""
    if host.user == "root":
        return []
    names = ("passwd", "group", "shadow", "sudoers.d")
    binds = " && ".join(f'mount --bind "$0/{name}" /etc/{name}' for name in names)
    return ["unshare", "--mount", "sh", "-c", f'{binds} && exec "$@"', f"{host.top}/etc"]


def _answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
