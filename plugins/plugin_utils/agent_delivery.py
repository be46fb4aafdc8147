# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring the engine to a host that Ansible reaches, for those that call its program and are no task: connection, inventory.

It goes through the standard input into memory, so neither a temporary directory nor a second way to the host is needed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple, Optional

from ansible_collections.slipway.oci.plugins.module_utils._engine.model.engine.places import (
    DEFAULT_ROOT,
    DEFAULT_RUN_ROOT,
)

from .delivery import archived_engine
from .host_connection import Answer, HostConnection

#: Reads the program below from the standard input, and not a byte more. It is the only word of ours that shells see.
_READ = "import os\nt=b''\nwhile len(t)<{0}:\n p=os.read(0,{0}-len(t))\n if not p: break\n t+=p\nexec(t)"
#: What any Python 3 can read.
_PROGRAM = """
import hashlib, json, os, sys
order = json.loads({order!r})
if sys.version_info < (3, 9):
    sys.exit("slipway.oci needs Python 3.9 or newer on the host, and %s is older" % sys.executable)
packed = b""
while len(packed) < order["size"]:
    piece = os.read(0, order["size"] - len(packed))
    if not piece:
        break
    packed += piece
if hashlib.sha256(packed).hexdigest() != order["sha256"]:
    sys.exit("the engine of slipway.oci has not arrived whole")
memory = os.memfd_create("slipway-engine")
with open(memory, "wb", closefd=False) as file:
    file.write(packed)
sys.dont_write_bytecode = True
sys.path.insert(0, "/proc/self/fd/%d" % memory)
if order["nothing"] is not None and not os.path.exists(order["root"]):
    sys.stdout.write(order["nothing"])
    sys.exit(0)
if order["installs"] and os.path.isdir(order["root"]):
    from slipway_oci._engine.agent.install import deliver
    try:
        deliver(order["root"], order["run_root"])
    except OSError:
        pass
from slipway_oci._engine.agent.main import main
sys.exit(main(order["argv"], root=order["root"], run_root=order["run_root"]))
"""


class Engine(NamedTuple):
    """An engine on a host, by its places, whose program is not there."""

    host: HostConnection
    root: Optional[str]
    run_root: Optional[str]
    installs: bool

    def run(self, argv: Sequence[str], data: bytes, *, nothing: Optional[str] = None) -> Answer:
        """Run the program with these words and this input. It stays where ``installs`` allows it, and the root is there.

        ``nothing``: what it says where the root is not there, in place of an error.
        """
        archive = archived_engine()
        with open(archive.path, "rb") as file:
            packed = file.read()
        order = {
            "size": len(packed),
            "sha256": archive.sha256,
            "argv": [*argv],
            "root": self.root or DEFAULT_ROOT,
            "run_root": self.run_root or DEFAULT_RUN_ROOT,
            "installs": self.installs,
            "nothing": nothing,
        }
        program = _PROGRAM.format(order=json.dumps(order)).encode()
        command = [self.host.python, "-IS", "-c", _READ.format(len(program))]
        return self.host.run(command, program + packed + data)
