# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine as playbooks and modules see it: real runs, and what a test leaves behind is an error."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

import debianimage
from dockerarchive import Link, busybox_layer, layer, write_archive
from enginehost import Host, eventually
from inside import Inside
from netlab import own_network
from plays import Play, run_playbook
from sshhost import SshHost, sshd

IMAGE = "localhost/app:1"
COLLECTION = "ansible_collections.slipway.oci.plugins"
#: What AnsiballZ's wrapper does before it calls main(), with the tree in place of the zip.
WRAPPER = """
import importlib, sys
from ansible.module_utils import basic
basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE = sys.stdin.buffer.read(), "legacy"
importlib.import_module(sys.argv[1]).main()
"""
#: SQLite makes these while it works, and takes them away.
_SQLITE_OWN = ("/state.db-wal", "/state.db-shm")


class Node(Host):
    """A host with an engine of its own: driven by modules and by plays, and by the verbs of Host."""

    def __init__(self, top: Path, tree: Path) -> None:
        super().__init__(top, None, IMAGE)
        self.tree = tree
        self.where = {"root": self.layout.root, "run_root": self.layout.run_root}

    def task(
        self, module: str, *, check: bool = False, before: tuple[str, ...] = (), **options: Any
    ) -> dict[str, Any]:
        """Run a module as a host runs it, and return its result; ``before`` are words in front of the command."""
        internal = {
            "_ansible_check_mode": check,
            "_ansible_tmpdir": self.top,
            "_ansible_remote_tmp": self.top,
        }
        arguments = {"ANSIBLE_MODULE_ARGS": {**self.where, **options, **internal}}
        done = subprocess.run(
            [*before, sys.executable, "-Bc", WRAPPER, f"{COLLECTION}.modules.{module}"],
            input=json.dumps(arguments).encode(),
            capture_output=True,
            check=False,
            cwd="/",
            env={
                "PYTHONPATH": str(self.tree / ".build/collections"),
                "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            },
        )
        assert done.stdout, done.stderr.decode()
        return json.loads(done.stdout)

    def play(
        self,
        *tasks: dict[str, Any],
        check: bool = False,
        roles: tuple[str, ...] = (),
        options: Sequence[str] = (),
        before: Sequence[str] = (),
    ) -> Play:
        """Run a playbook of these tasks by ansible-playbook with these options, and return what each task returned.

        ``before`` are words in front of the command.
        """
        playbook = Path(self.top, "play.yml")
        head = {
            "hosts": "localhost",
            "connection": "local",
            "gather_facts": False,
            "module_defaults": {"group/slipway.oci.engine": self.where},
        }
        playbook.write_text(yaml.safe_dump([{**head, "roles": [*roles], "tasks": list(tasks)}]))
        try:
            return self._run(str(playbook), *options, *(["--check"] if check else []), before=before)
        finally:
            playbook.unlink()

    def _run(self, *arguments: str, before: Sequence[str] = ()) -> Play:
        settings = {"ANSIBLE_PYTHON_INTERPRETER": sys.executable}
        return run_playbook(self.tree, self.top, *arguments, settings=settings, before=before)

    def state(self) -> dict[str, Any]:
        """Return every byte of the engine's state: files by path, what is in the kernel, and the mounts of the host."""
        found = [path for top in (self.layout.root, self.layout.run_root) for path in walk(top)]
        kept = [path for path in found if not path.endswith(_SQLITE_OWN) and "/run/locks/" not in path]
        mounts = Path("/proc/self/mountinfo").read_text()
        kernel = [
            *self.processes(),
            *self.cgroups(),
            *(line for line in mounts.splitlines() if self.top in line),
        ]
        return {**{path: describe(path) for path in kept}, "kernel": kernel}


def walk(top: str) -> list[str]:
    """Return the path of a tree's top and of all that is in it; nothing for one that is not there."""
    if not os.path.lexists(top):
        return []
    inside = (f"{directory}/{name}" for directory, names, files in os.walk(top) for name in names + files)
    return [top, *sorted(inside)]


def describe(path: str) -> tuple[object, ...]:
    """Return what is at a path, with the content's digest; of a directory no times, since SQLite works in one."""
    seen = os.lstat(path)
    if os.path.isdir(path) and not os.path.islink(path):
        return seen.st_mode, seen.st_uid, seen.st_gid, seen.st_ino
    # A namespace that is mounted on a file can't be read.
    plain = os.path.isfile(path) and not os.path.islink(path) and not os.path.ismount(path)
    content = hashlib.sha256(Path(path).read_bytes()).hexdigest() if plain else None
    return seen.st_mode, seen.st_uid, seen.st_gid, seen.st_ino, seen.st_size, seen.st_mtime_ns, content


@pytest.fixture(scope="session")
def busybox(need) -> str:
    """Return the host's busybox, which must need no libraries."""
    found = shutil.which("busybox")
    told = subprocess.run(["ldd", found], check=False, capture_output=True, text=True) if found else None
    need(told and (told.returncode or "=>" not in told.stdout), "busybox, linked statically")
    return found


@pytest.fixture(scope="session")
def archive(need, tree, busybox, tmp_path_factory) -> Path:
    """Return the archive of the demo's image, ``localhost/app:1``."""
    need(os.geteuid() == 0, "root")
    need(shutil.which("conmon"), "conmon")
    need(shutil.which("runc") or shutil.which("crun"), "runc or crun")
    made = tmp_path_factory.mktemp("archive") / "app.tar"
    subprocess.run(["bash", str(tree / "tests/demo/image"), str(made)], check=True)
    return made


@pytest.fixture(scope="session")
def other_archive(archive, busybox, tmp_path_factory) -> Path:
    """Return the archive of another image, ``localhost/box:1``, which has users and a static busybox."""
    return write_archive(
        tmp_path_factory.mktemp("archive") / "box.tar", "localhost/box:1", [busybox_layer(busybox)]
    )


@pytest.fixture(scope="session")
def debian(need, tree) -> Path:
    """Return the archive of a Debian with Python, sudo, su, sshd and systemd, ``localhost/debian:1``; it is kept in .build."""
    need(os.geteuid() == 0, "root")
    need(shutil.which("debootstrap"), "debootstrap")
    return debianimage.debian_archive(tree / ".build/debian")


@pytest.fixture(scope="session")
def ssh_host(need) -> Iterator[SshHost]:
    """Return this machine as a host that root reaches by SSH."""
    need(os.geteuid() == 0, "root")
    need(shutil.which("ssh") and shutil.which("sshd"), "ssh and sshd")
    with sshd() as host:
        yield host


@pytest.fixture(scope="session")
def fresh_node(archive, tree, tmp_path_factory):
    """Return the function that lends a host where the engine has never run, and checks that nothing is left there."""

    @contextmanager
    def fresh_node() -> Iterator[Node]:
        node = Node(tmp_path_factory.mktemp("n"), tree)
        yield node
        if os.path.exists(node.layout.database):
            node.clear(images=True)
            assert_clean(node)

    return fresh_node


@pytest.fixture(scope="session")
def bare_archive(busybox, tmp_path_factory) -> Path:
    """Return the archive of an image with all that busybox has, and no Python, ``localhost/bare:1``."""
    applets = subprocess.run([busybox, "--list"], check=True, capture_output=True, text=True).stdout.split()
    links = {f"bin/{name}": Link("busybox") for name in applets if name != "busybox"}
    layers = [busybox_layer(busybox), layer({**links, "root": None})]
    return write_archive(tmp_path_factory.mktemp("bare") / "bare.tar", "localhost/bare:1", layers)


@pytest.fixture(scope="session")
def inside(fresh_node, debian, bare_archive, ssh_host) -> Iterator[Inside]:
    """Return an engine with two containers that run, each with a volume: ``debian``, with Python, and ``bare``, a busybox."""
    with fresh_node() as node:
        inside = Inside(node, ssh_host)
        for name, archive in (("debian", debian), ("bare", bare_archive)):
            node.load(archive)
            inside.start(name)
        yield inside


@pytest.fixture
def apart() -> Iterator[None]:
    """Run the test in a network of its own: the machine's is not touched."""
    with own_network():
        yield


@pytest.fixture
def node(fresh_node):
    """Return a host where the engine has never run, and check that the test leaves nothing."""
    with fresh_node() as node:
        yield node


@pytest.fixture(scope="session")
def loaded(archive, other_archive, tree, tmp_path_factory) -> Node:
    """Return a host with both images, for the whole run; ``ready`` lends it to a test."""
    node = Node(tmp_path_factory.mktemp("s"), tree)
    for each in (archive, other_archive):
        node.load(each)
    return node


@pytest.fixture
def ready(loaded):
    """Return a host with both images, and check that the test's containers and volumes leave nothing."""
    before = set(loaded.leftovers())
    yield loaded
    loaded.clear()
    eventually(lambda: set(loaded.leftovers()) == before, "all as before", timeout=15.0)


_DIRECTORIES = (
    "staging",
    "blobs",
    "layers",
    "blobs",
    "blobs/partial",
    "blobs/sha256",
    "images",
    "volumes",
    "volume-notes",
    "networks",
    "run_root",
    "containers",
    "spare.0",
    "spare.1",
)
_RUN_DIRECTORIES = ("root", "boot", "locks", "exits", "oci", "cgroups", "trials", "containers")


def assert_clean(node: Node) -> None:
    """Fail unless all that is left of an engine are the directories and files that it keeps on purpose."""
    # The agent may still be on its way: conmon calls it at each exit, and nobody waits for it.
    eventually(
        lambda: not [*node.mounts(), *node.processes(), *node.cgroups()], "nothing in the kernel", 15.0
    )
    known = {
        node.layout.root,
        *(f"{node.layout.root}/{name}" for name in _DIRECTORIES),
    }
    known |= {
        node.layout.run_root,
        *(f"{node.layout.run_root}/{name}" for name in _RUN_DIRECTORIES),
    }
    assert [
        *node.rows(),
        *(path for path in node.files() if path not in known and path.startswith(tuple(known))),
    ] == []
