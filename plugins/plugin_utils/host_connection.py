# SPDX-License-Identifier: GPL-3.0-or-later
"""Run programs on a host of the inventory, through that host's own connection and become plugins."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, Optional

from ansible import constants
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.playbook.play_context import PlayContext
from ansible.plugins.become import BecomeBase
from ansible.plugins.connection import ConnectionBase
from ansible.plugins.loader import become_loader, connection_loader

#: The variables to connect to the controller.
LOCAL = {"ansible_connection": "local"}


class Answer(NamedTuple):
    """The exit status and output of a program."""

    rc: int
    stdout: bytes
    stderr: bytes


class HostConnection:
    """A host, by its inventory name (``""``: the controller), and the connection to it."""

    def __init__(self, name: str, connection: ConnectionBase, python: str) -> None:
        self.name = name
        #: The Python that runs modules on the host.
        self.python = python
        self._connection = connection

    def run(self, argv: Sequence[str], data: bytes) -> Answer:
        """Run a program with this standard input, which must not be empty: else ssh allocates a terminal.

        Raises AnsibleConnectionFailure if the host cannot be reached, and AnsibleError if become rejects its
        password.
        """
        command, become = f"exec {shlex.join(argv)}", self._connection.become
        if become is not None:
            command = become.build_become_command(command, self._connection._shell)  # noqa: SLF001
        try:
            rc, stdout, stderr = self._connection.exec_command(
                command, in_data=data, sudoable=become is not None
            )
        except AnsibleConnectionFailure as error:
            raise AnsibleConnectionFailure(f"host {self.name or 'localhost'}: {error}") from error
        except Exception:
            raise
        except BaseException:  # the task has timed out or was interrupted
            _end_clients()
            raise
        return Answer(rc, stdout if become is None else _without_mark(become, stdout), stderr)

    def reset(self) -> None:
        """Reset the connection."""
        self._connection.reset()

    def close(self) -> None:
        """Close the connection, but not an ssh control connection shared with others."""
        self._connection.close()


def _end_clients() -> None:
    """Kill the processes that the connection has started; ssh would run until the remote program exits.

    A task's process has no other children. Where there is no such file (macOS), ssh keeps running.
    """
    with suppress(OSError), open("/proc/thread-self/children", encoding="ascii") as file:
        for pid in file.read().split():
            os.kill(int(pid), signal.SIGTERM)


def _without_mark(become: BecomeBase, stdout: bytes) -> bytes:
    """Return the output without become's success marker."""
    mark = become.success.encode()
    before, found, after = stdout.partition(mark)
    return after.lstrip(b"\r").removeprefix(b"\n") if found and not before.strip() else stdout


def reach(
    name: str, variables: Mapping[str, Any], *, context: Optional[PlayContext] = None
) -> HostConnection:
    """Return the host with these variables, which are those of the inventory, templated.

    ``context`` is the play's, for options of the command line (``--timeout``, ``--ask-pass``). Raises
    AnsibleError if there is no such connection plugin.
    """
    kind = variables.get("ansible_connection") or constants.DEFAULT_TRANSPORT
    own = _context(name, variables, context)
    connection = connection_loader.get("ssh" if kind == "smart" else kind, own, "/dev/null")
    if connection is None:
        raise AnsibleError(f"host {name}: there is no connection plugin {kind!r}")
    connection.set_options(task_keys=_task_keys(own), var_options=_options(connection, variables))
    connection.set_option("pipelining", True)  # regardless of the play: there is data for standard input
    _set_options(connection._shell, "shell", variables)  # noqa: SLF001
    if boolean(variables.get("ansible_become", False)):
        connection.set_become_plugin(_become(name, variables))
    own.set_attributes_from_plugin(connection)
    return HostConnection(name, connection, _python(variables) if name else sys.executable)


def _python(variables: Mapping[str, Any]) -> str:
    """Return the host's Python: as its variables set it, as Ansible has discovered it, or ``python3``."""
    said = str(variables.get("ansible_python_interpreter") or "auto")
    found = (variables.get("ansible_facts") or {}).get("discovered_interpreter_python")
    return str(found or "python3") if said.startswith("auto") else said


def _context(name: str, variables: Mapping[str, Any], context: Optional[PlayContext]) -> PlayContext:
    own = PlayContext()
    own.remote_addr = variables.get("ansible_host", name)
    if context is not None:
        own.timeout, own.password = context.timeout, context.password
    return own


def _task_keys(context: PlayContext) -> dict[str, Any]:
    keys = {"timeout": context.timeout, "password": context.password}
    return {name: value for name, value in keys.items() if value}


def _become(name: str, variables: Mapping[str, Any]) -> BecomeBase:
    method = variables.get("ansible_become_method") or constants.DEFAULT_BECOME_METHOD
    become = become_loader.get(method)
    if become is None:
        raise AnsibleError(f"host {name}: there is no become plugin {method!r}")
    _set_options(become, "become", variables)
    return become


def _options(connection: ConnectionBase, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the connection's own options from the variables, as Ansible's executor does."""
    found: dict[str, Any] = connection._resolve_option_variables(variables, _Templated)  # noqa: SLF001
    return found


class _Templated:
    """A stand-in for a templar, for variables that are already templated."""

    @staticmethod
    def template(value: object) -> object:
        """Return the value."""
        return value


def _set_options(plugin: Any, kind: str, variables: Mapping[str, Any]) -> None:
    names = constants.config.get_plugin_vars(kind, plugin._load_name)  # noqa: SLF001
    plugin.set_options(var_options={name: variables[name] for name in names if name in variables})
