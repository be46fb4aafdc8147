# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers as Ansible hosts: an inventory for each way to reach them, and plays in them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from plays import Play, environment, run_playbook
from sshhost import SshHost

PLAYBOOKS = "tests/integration/connection"
#: On the controller's own host, and on one that is reached by ssh.
WAYS = ("local", "nested")
#: As Ansible has them where nobody has set anything.
SETTINGS = {"ANSIBLE_REMOTE_TEMP": "~/.ansible/tmp", "ANSIBLE_PIPELINING": "false"}
Hosts = Mapping[str, Mapping[str, Any]]


class Inside:
    """The containers of one engine as hosts of an inventory."""

    def __init__(self, node: Any, ssh: SshHost) -> None:
        self.node, self.ssh = node, ssh

    def start(self, name: str, image: str | None = None, **options: Any) -> str:
        """Start a container of the image ``localhost/IMAGE:1``, by default of its own name, and return its name."""
        wanted = {"network": "none", "command": "sleep 100000", "stop_timeout": 0, "hostname": f"{name}-box"}
        wanted |= {"image": f"localhost/{image or name}:1", "volume": [f"{name}-data:/volume"], **options}
        told = self.node.task("container", name=name, **wanted)
        assert "failed" not in told, told
        return name

    def root(self, container: str) -> Path:
        """Return the container's root as the kernel shows it, with all that is mounted there."""
        return Path(f"/proc/{self.node.inspect(container)['State']['Pid']}/root")

    def host(self, container: str, way: str, **more: Any) -> dict[str, Any]:
        """Return the variables of a container that is reached so; ``more`` of them win."""
        if os.environ.get("STANDIN"):
            return {
                "ansible_connection": "standin",
                "ansible_pid": self.node.inspect(container)["State"]["Pid"],
                "ansible_python_interpreter": "/usr/bin/python3",
                **more,
            }
        return {
            "ansible_connection": "slipway.oci.container",
            "ansible_host": container,
            "ansible_python_interpreter": "/usr/bin/python3",
            "ansible_slipway_root": self.node.layout.root,
            "ansible_slipway_run_root": self.node.layout.run_root,
            **({"ansible_slipway_host": "outer"} if way == "nested" else {}),
            **more,
        }

    def play(
        self,
        playbook: str,
        hosts: Hosts,
        *options: str,
        settings: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Play:
        """Run one of the playbooks for these hosts; ``more`` is ``outer`` and variables, as of ``inventory``."""
        tree, top = self.node.tree, self.node.top
        with self.inventory(hosts, **more) as path:
            words = ["-i", path, *options, str(tree / PLAYBOOKS / playbook)]
            return run_playbook(tree, top, *words, settings={**SETTINGS, **(settings or {})})

    @contextmanager
    def started(self, playbook: str, hosts: Hosts, **more: Any) -> Iterator[subprocess.Popen[bytes]]:
        """Start one of the playbooks in a session of its own, and wait for its end after the caller has done what it wants."""
        tree, top = self.node.tree, self.node.top
        with self.inventory(hosts, **more) as path:
            words = ["ansible-playbook", "-i", path, str(tree / PLAYBOOKS / playbook)]
            surroundings = environment(tree, top, SETTINGS)
            with subprocess.Popen(
                words, cwd=top, env=surroundings, start_new_session=True, stdout=subprocess.DEVNULL
            ) as process:
                yield process
        shutil.rmtree(f"{top}/ansible", ignore_errors=True)

    @contextmanager
    def inventory(
        self, hosts: Hosts, *, outer: Mapping[str, Any] | None = None, **variables: Any
    ) -> Iterator[str]:
        """Write an inventory: these hosts as the group ``containers``; ``outer``, which is reached by ssh; and variables."""
        here = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "ansible_remote_tmp": f"{self.node.top}/ansible",
        }
        others = {"localhost": here, "outer": {**self.ssh.variables, **(outer or {})}}
        children = {"containers": {"hosts": dict(hosts)}}
        path = Path(self.node.top, "inventory.json")
        path.write_text(json.dumps({"all": {"hosts": others, "vars": variables, "children": children}}))
        try:
            yield str(path)
        finally:
            path.unlink()
