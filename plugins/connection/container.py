# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connection plugin: run tasks in a container, on the controller or on any host that Ansible reaches."""

from __future__ import annotations

DOCUMENTATION = r"""
name: container
short_description: Run tasks in a container, on the controller or on any other host
version_added: 0.1.0
author:
  - Slipway authors (@slipway)
description:
  - Runs commands in a running container of slipway.oci, and copies files into and out of it.
  - The container is on the controller or, with O(host), on any host of the inventory. That host is reached with its own
    connection plugin, variables and become. The container needs neither sshd nor any part of this collection. If the
    host lacks the engine, it is installed there, which requires Python on the host.
  - The host reads and writes files inside the container's root and its volumes, so transfers need no C(tar), C(dd) or
    shell in the image. Modules need Python in the image. M(ansible.builtin.raw) needs a shell.
options:
  container:
    description: Name or ID of the container.
    type: str
    default: inventory_hostname
    vars:
      - name: inventory_hostname
      - name: ansible_host
  host:
    description:
      - Inventory name of the host that the container is on. Its own variables (C(ansible_connection), C(ansible_host),
        C(ansible_user), C(ansible_become) and so on) determine how it is reached.
      - The default is the controller.
    type: str
    vars:
      - name: ansible_slipway_host
    env:
      - name: ANSIBLE_SLIPWAY_HOST
    ini:
      - section: slipway_connection
        key: host
  root:
    description: State directory of the engine on the host.
    type: path
    vars:
      - name: ansible_slipway_root
    env:
      - name: ANSIBLE_SLIPWAY_ROOT
    ini:
      - section: slipway_connection
        key: root
  run_root:
    description: Volatile directory of the engine on the host. The default is the one that the engine was set up with.
    type: path
    vars:
      - name: ansible_slipway_run_root
    env:
      - name: ANSIBLE_SLIPWAY_RUN_ROOT
    ini:
      - section: slipway_connection
        key: run_root
  agent:
    description: Path of the engine's program on the host. The default is the one below O(root).
    type: path
    vars:
      - name: ansible_slipway_agent
    env:
      - name: ANSIBLE_SLIPWAY_AGENT
    ini:
      - section: slipway_connection
        key: agent
  remote_user:
    description:
      - User in the container, by name or number, with or without a group (C(user:group)).
      - The default is the container's user.
    type: str
    vars:
      - name: ansible_user
      - name: ansible_slipway_user
    env:
      - name: ANSIBLE_REMOTE_USER
      - name: ANSIBLE_SLIPWAY_USER
    ini:
      - section: defaults
        key: remote_user
      - section: slipway_connection
        key: user
    keyword:
      - name: remote_user
    cli:
      - name: user
        option: --user
  workdir:
    description: Working directory of commands in the container. The default is the container's working directory.
    type: path
    vars:
      - name: ansible_slipway_workdir
    env:
      - name: ANSIBLE_SLIPWAY_WORKDIR
    ini:
      - section: slipway_connection
        key: workdir
  env:
    description: Environment variables for all commands, added to the container's own.
    type: dict
    default: {}
    vars:
      - name: ansible_slipway_env
  pipelining:
    description:
      - Pass modules to Python in the container through standard input, without writing them to a file first.
      - Unlike in other connection plugins, this is enabled by default.
    type: bool
    default: true
    vars:
      - name: ansible_pipelining
      - name: ansible_slipway_pipelining
    env:
      - name: ANSIBLE_SLIPWAY_PIPELINING
    ini:
      - section: slipway_connection
        key: pipelining
"""

EXAMPLES = r"""
- name: Run tasks in a container of web1, which Ansible reaches by ssh
  hosts: app
  gather_facts: false
  vars:
    ansible_connection: slipway.oci.container
    ansible_slipway_host: web1
  tasks:
    - name: Read a file in the container
      ansible.builtin.command: cat /etc/os-release
      changed_when: false
"""

import os
import shlex
import stat
from collections.abc import Sequence
from typing import Any, Optional

from ansible.errors import AnsibleConnectionFailure, AnsibleError, AnsibleFileNotFound
from ansible.module_utils.common.text.converters import to_bytes
from ansible.plugins.connection import ConnectionBase, ensure_connect
from ansible.utils.display import Display
from ansible_collections.slipway.oci.plugins.plugin_utils.agent_client import Program, path_of
from ansible_collections.slipway.oci.plugins.plugin_utils.host_connection import (
    LOCAL,
    Answer,
    HostConnection,
    reach,
)

# Ansible compiles a collection's plugins again in each task's process, so rarely needed modules are imported
# where used.
display = Display()


class Connection(ConnectionBase):
    """The connection to one container."""

    transport = "slipway.oci.container"
    has_pipelining = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._hosts: Any = {}
        self._reached: Optional[HostConnection] = None
        self._program: Optional[Program] = None

    def _resolve_option_variables(self, variables: Any, templar: Any) -> dict[str, Any]:
        """Save a reference to all hosts' variables; as an option, they would be templated in each task."""
        self._hosts = variables.get("hostvars") or {}
        resolved: dict[str, Any] = super()._resolve_option_variables(variables, templar)
        return resolved

    def _connect(self) -> Connection:
        if self._program is None:
            self._reached = self._reach(self.get_option("host"))
            agent, root = self.get_option("agent"), self.get_option("root")
            self._program = Program(self._reached, path_of(agent, root), None if agent else self._bring)
            self._connected = True
        return self

    def _bring(self, argv: Sequence[str], data: bytes) -> Answer:
        """Run the engine's program on a host that lacks it; install it unless in check mode."""
        from ansible_collections.slipway.oci.plugins.plugin_utils.agent_delivery import Engine

        places = self.get_option("root"), self.get_option("run_root")
        checks = getattr(self._play_context, "check_mode", False)
        return Engine(self._reached, *places, installs=not checks).run(argv, data)

    def _reach(self, name: Optional[str]) -> HostConnection:
        if not name:
            return reach("", LOCAL, context=self._play_context)
        if name not in self._hosts:
            raise AnsibleConnectionFailure(
                f"ansible_slipway_host: {name!r} is not in the inventory. Use the host's inventory name"
            )
        return reach(name, self._hosts[name], context=self._play_context)

    @ensure_connect
    def exec_command(
        self,
        cmd: str,
        in_data: Optional[bytes] = None,
        sudoable: bool = True,  # noqa: FBT001, FBT002
    ) -> tuple[int, bytes, bytes]:
        """Run a command with the container's shell; return its exit status, stdout and stderr.

        Raises AnsibleConnectionFailure if the container cannot be reached.
        """
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        display.vvv(f"EXEC {cmd}", host=self.get_option("container"))
        answer = self._ask(cmd, in_data, sudoable=sudoable)
        return answer if answer[0] == 0 else self._ask_elsewhere(cmd, in_data, sudoable=sudoable) or answer

    def _ask_elsewhere(
        self, cmd: str, in_data: Optional[bytes], *, sudoable: bool
    ) -> Optional[tuple[int, bytes, bytes]]:
        """Retry to create Ansible's temporary directory in the system's; return None if that fails too."""
        from ansible_collections.slipway.oci.plugins.plugin_utils.tmpdirs import elsewhere

        answers = (self._ask(each, in_data, sudoable=sudoable) for each in elsewhere(cmd, self._shell))
        return next((answer for answer in answers if answer[0] == 0), None)

    def _ask(self, cmd: str, in_data: Optional[bytes], *, sudoable: bool) -> tuple[int, bytes, bytes]:
        shell = getattr(self._shell, "executable", None) or "/bin/sh"
        request = self._request(
            "exec",
            argv=_words(cmd, shell),
            env=self._env(),
            workdir=self.get_option("workdir"),
            become=self._talk() if sudoable else None,
        )
        answer, failure = self._program.connect(request, in_data or b"")
        if failure is None:
            self._check_become(answer)
            return answer.rc, answer.stdout, answer.stderr
        if failure.code == "runtime_failed":  # no such program or directory: report it as a shell would
            return failure.fields["rc"], answer.stdout, failure.message.encode()
        raise AnsibleError(failure.message)

    def _check_become(self, answer: Answer) -> None:
        """Raise AnsibleError if become failed for lack of a password; its prompt is not output of the module."""
        if self.become is None or answer.rc == 0 or self.become.success.encode() in answer.stdout:
            return
        if self.become.check_missing_password(answer.stderr):
            raise AnsibleError(f"{self.become.name} requires a password: set ansible_become_password")

    def _talk(self) -> Optional[dict[str, Any]]:
        if self.become is None:
            return None
        from ansible_collections.slipway.oci.plugins.plugin_utils.passwords import talk_of

        return talk_of(self.become)

    def _env(self) -> dict[str, str]:
        return {str(name): str(value) for name, value in (self.get_option("env") or {}).items()}

    def _request(self, verb: str, **rest: Any) -> dict[str, Any]:
        return {
            "verb": verb,
            "name": self.get_option("container"),
            "user": self.get_option("remote_user"),
            "run_root": self.get_option("run_root"),
            **rest,
        }

    @ensure_connect
    def put_file(self, in_path: str, out_path: str) -> None:
        """Copy a file to the container; a new file gets the user as owner, and the mode of the original."""
        super().put_file(in_path, out_path)
        from ansible_collections.slipway.oci.plugins.plugin_utils.file_chunks import pieces

        display.vvv(f"PUT {in_path} TO {out_path}", host=self.get_option("container"))
        try:
            file = open(to_bytes(in_path, errors="surrogate_or_strict"), "rb")  # noqa: SIM115
        except FileNotFoundError as error:
            raise AnsibleFileNotFound(f"{in_path} does not exist") from error
        with file:
            info = os.fstat(file.fileno())
            request = self._request("put", path=out_path, mode=stat.S_IMODE(info.st_mode), file=None)
            for piece in pieces(file, info.st_size):
                request.update(segments=piece.segments, size=piece.size)
                request["file"] = self._program.pass_file(request, piece.data)[0]["file"]

    @ensure_connect
    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Copy a file from the container to the controller."""
        super().fetch_file(in_path, out_path)
        from ansible_collections.slipway.oci.plugins.plugin_utils.file_chunks import MOST, put_together

        display.vvv(f"FETCH {in_path} TO {out_path}", host=self.get_option("container"))
        request = self._request("fetch", path=in_path, most=MOST, file=None, offset=0)
        with open(to_bytes(out_path, errors="surrogate_or_strict"), "wb") as file:
            while request["offset"] is not None:
                told, data = self._program.pass_file(request)
                put_together(file, told["segments"], data)
                request.update(offset=told["next"], file=told["file"])
            file.truncate(told["size"])

    def reset(self) -> None:
        """Reset the connection to the host."""
        self._connect()
        if self._reached is not None:
            self._reached.reset()
        self.close()

    def close(self) -> None:
        """Close the connection to the host."""
        if self._reached is not None:
            self._reached.close()
        self._reached = self._program = None
        self._connected = False


def _words(command: str, shell: str) -> list[str]:
    """Return the argv to run a command with the shell, which is not nested if the command starts it too."""
    before, _dash, quoted = command.partition(" -c ")
    words = shlex.split(quoted) if before == shell else []
    if len(words) == 1 and quoted == shlex.quote(words[0]):
        command = words[0]
    return [shell, "-c", command if _is_utf8(command) else _spelled(command)]


def _is_utf8(command: str) -> bool:
    try:
        command.encode()
    except UnicodeEncodeError:  # names that are not UTF-8, decoded by os.fsdecode()
        return False
    return True


def _spelled(command: str) -> str:
    """Return a UTF-8 command that runs one that is not UTF-8: the OCI runtime reads JSON."""
    spelled = "".join(_SPELLED.get(byte) or chr(byte) for byte in os.fsencode(command))
    return f"""eval "$(printf '{spelled}')\""""


#: Escapes of bytes for printf(1) within single quotes.
_SPELLED = {
    **{byte: f"\\{byte:o}" for byte in (*range(0x80, 0x100), ord("'"))},
    ord("\\"): "\\\\",
    ord("%"): "%%",
}
