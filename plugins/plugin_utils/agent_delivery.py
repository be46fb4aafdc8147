# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the engine on a host that lacks it, for the plugins that call its program: connection and inventory.

It is sent through standard input to memory, so neither a temporary directory nor a second connection is
needed.
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

#: Reads exactly the program below from standard input. Shells see only this.
_READ = "import os\nt=b''\nwhile len(t)<{0}:\n p=os.read(0,{0}-len(t))\n if not p: break\n t+=p\nexec(t)"
#: Must be valid in any Python 3.
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
    sys.exit("the engine of slipway.oci was not received completely")
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
    """An engine on a host that lacks its program, identified by its directories."""

    host: HostConnection
    root: Optional[str]
    run_root: Optional[str]
    installs: bool

    def run(self, argv: Sequence[str], data: bytes, *, nothing: Optional[str] = None) -> Answer:
        """Run the program with arguments and input; install it if ``installs`` is set and the root exists.

        ``nothing``: the output if the root does not exist, instead of an error.
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
