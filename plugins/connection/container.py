# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run tasks inside a container of this engine, on the controller or on any host that Ansible reaches."""

from __future__ import annotations

DOCUMENTATION = r"""
name: container
short_description: Run tasks in a container, on the controller or on any other host
version_added: 0.1.0
author:
  - Slipway authors (@slipway)
description:
  - Runs commands in a running container of slipway.oci and copies files into it and out of it.
  - The container is one of the controller's own, or with O(host) one of any host in the inventory, which is then reached as
    that host is - with its own connection plugin, variables and become. The container needs neither sshd nor anything else
    of this collection. The engine is brought to the host where it is missing, which needs Python.
  - Files are written and read by the host, inside the container's root with its volumes, so the image needs no C(tar), C(dd)
    or shell for them. Modules need Python in the image. M(ansible.builtin.raw) needs a shell.
options:
  container:
    description: Name or id of the container.
    type: str
    default: inventory_hostname
    vars:
      - name: inventory_hostname
      - name: ansible_host
  host:
    description:
      - Name, in the inventory, of the host that the container is on. Its own variables (C(ansible_connection), C(ansible_host),
        C(ansible_user), C(ansible_become) and so on) tell how to reach it.
      - Unset is the controller itself.
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
    description: Volatile directory of the engine on the host. Unset is the one with which the engine was set up there.
    type: path
    vars:
      - name: ansible_slipway_run_root
    env:
      - name: ANSIBLE_SLIPWAY_RUN_ROOT
    ini:
      - section: slipway_connection
        key: run_root
  agent:
    description: Path of the engine's program on the host. Unset is the one below O(root).
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
      - Unset is the container's own.
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
    description: Directory in the container in which commands begin. Unset is the container's own.
    type: path
    vars:
      - name: ansible_slipway_workdir
    env:
      - name: ANSIBLE_SLIPWAY_WORKDIR
    ini:
      - section: slipway_connection
        key: workdir
  env:
    description: Environment variables for all commands, on top of the container's own.
    type: dict
    default: {}
    vars:
      - name: ansible_slipway_env
  pipelining:
    description:
      - Hand modules to Python in the container by its standard input, without writing them to a file first.
      - Unlike elsewhere this is on by default, since nothing here speaks against it.
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
    - name: Ask it something
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

# Ansible compiles a collection's plugins anew in each task's process: what only some tasks need is imported where it is used.
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
        """Keep the way to other hosts' variables: as an option they would all be templated, at each task."""
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
        """Run the engine's program on a host that lacks it; in check mode it does not stay there."""
        from ansible_collections.slipway.oci.plugins.plugin_utils.agent_delivery import Engine

        places = self.get_option("root"), self.get_option("run_root")
        checks = getattr(self._play_context, "check_mode", False)
        return Engine(self._reached, *places, installs=not checks).run(argv, data)

    def _reach(self, name: Optional[str]) -> HostConnection:
        if not name:
            return reach("", LOCAL, context=self._play_context)
        if name not in self._hosts:
            raise AnsibleConnectionFailure(
                f"ansible_slipway_host: {name!r} is not in the inventory. Name the host as the inventory does"
            )
        return reach(name, self._hosts[name], context=self._play_context)

    @ensure_connect
    def exec_command(
        self,
        cmd: str,
        in_data: Optional[bytes] = None,
        sudoable: bool = True,  # noqa: FBT001, FBT002
    ) -> tuple[int, bytes, bytes]:
        """Run a command by the container's shell; return its exit code and what it said.

        Raises AnsibleConnectionFailure when the container can't be reached.
        """
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        display.vvv(f"EXEC {cmd}", host=self.get_option("container"))
        answer = self._ask(cmd, in_data, sudoable=sudoable)
        return answer if answer[0] == 0 else self._ask_elsewhere(cmd, in_data, sudoable=sudoable) or answer

    def _ask_elsewhere(
        self, cmd: str, in_data: Optional[bytes], *, sudoable: bool
    ) -> Optional[tuple[int, bytes, bytes]]:
        """Run a failed command that makes Ansible's temporary directory at the system's places; None where that fails, too."""
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
        if failure.code == "runtime_failed":  # no such program, no such directory: as a shell would tell it
            return failure.fields["rc"], answer.stdout, failure.message.encode()
        raise AnsibleError(failure.message)

    def _check_become(self, answer: Answer) -> None:
        """Raise AnsibleError where become ended because it had no password to give: else its words are taken for a module's."""
        if self.become is None or answer.rc == 0 or self.become.success.encode() in answer.stdout:
            return
        if self.become.check_missing_password(answer.stderr):
            raise AnsibleError(f"{self.become.name} wants a password: set ansible_become_password")

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
        """Copy a file of the controller into the container; a new one is the user's, with the mode of the file here."""
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
        """Copy a file of the container to the controller."""
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
        """End what the host's own connection keeps open."""
        self._connect()
        if self._reached is not None:
            self._reached.reset()
        self.close()

    def close(self) -> None:
        """Forget the host."""
        if self._reached is not None:
            self._reached.close()
        self._reached = self._program = None
        self._connected = False


def _words(command: str, shell: str) -> list[str]:
    """Return what to run: the command by the shell, or the command itself where that is the same shell's already."""
    before, _dash, quoted = command.partition(" -c ")
    words = shlex.split(quoted) if before == shell else []
    if len(words) == 1 and quoted == shlex.quote(words[0]):
        command = words[0]
    return [shell, "-c", command if _is_utf8(command) else _spelled(command)]


def _is_utf8(command: str) -> bool:
    try:
        command.encode()
    except UnicodeEncodeError:  # names that are no UTF-8, as os.fsdecode() has them
        return False
    return True


def _spelled(command: str) -> str:
    """Return a command that is UTF-8, and runs one that is not: what the OCI runtime is told is JSON."""
    spelled = "".join(_SPELLED.get(byte) or chr(byte) for byte in os.fsencode(command))
    return f"""eval "$(printf '{spelled}')\""""


#: By byte, as printf(1) has them in a text between apostrophes.
_SPELLED = {
    **{byte: f"\\{byte:o}" for byte in (*range(0x80, 0x100), ord("'"))},
    ord("\\"): "\\\\",
    ord("%"): "%%",
}
