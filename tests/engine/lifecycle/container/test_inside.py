# SPDX-License-Identifier: GPL-3.0-or-later
"""What a container sees inside: its root, its user, its network, its first process."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from dockerarchive import Program, layer
from enginehost import eventually


def run(host, script: str, **options) -> str:
    """Run a script in a container until it exits, and return its output."""
    outcome = host.want("started", "sh", "-c", script, detach=False, **options)
    assert outcome.result["rc"] == 0, outcome.result
    return outcome.result["stdout"]


def test_read_only_root(host):
    """With read_only the root can't be written, but volumes and tmpfs can."""
    script = "touch /x 2>/dev/null && echo root; touch /v/x && echo volume; touch /t/x && echo tmpfs"
    said = run(host, script, read_only=True, volume=["data:/v"], tmpfs={"/t": ""})
    assert said == "volume\ntmpfs\n"


def test_tmpfs(host):
    """A tmpfs has the requested size and mode, and is empty in every run."""
    options = {"tmpfs": {"/scratch": "size=1m,mode=1777"}}
    script = "ls /scratch; touch /scratch/x; grep ' /scratch ' /proc/mounts"
    first, second = run(host, script, **options), run(host, script, **options)
    assert first == second
    assert "size=1024k" in first
    assert first.startswith("tmpfs /scratch")


def test_user_by_name(host):
    """User and group names are looked up in the image's own files."""
    said = run(host, "id -u; id -g; id -G; echo $HOME", user="app", group_add=["extra"])
    assert said == "1000\n1000\n1000 2000\n/home/app\n"


def test_user_of_the_image(host, built, busybox):
    """Without a user the image's is taken."""
    image = built("localhost/user:1", busybox, User="app")
    assert run(host, "id -u", image=image) == "1000\n"


def test_init(host, need):
    """With init the first process reaps, and the command is its child, which TERM ends at once."""
    need(shutil.which("catatonit") or shutil.which("tini"), "catatonit or tini")
    shape = host.start("sleep", "1000", init=True)
    # Between the runtime's exec and the program's, the arguments are empty.
    read = Path(f"/proc/{shape['State']['Pid']}/cmdline").read_bytes
    first = eventually(read, "the first process").split(b"\0")
    assert first[-3:] == [b"sleep", b"1000", b""]
    assert first[0] != b"sleep"
    host.bring("box", "stopped", stop_time=100)
    assert host.inspect()["State"]["ExitCode"] == 143


def test_init_in_an_image_without_its_directory(empty_host, need):
    """An image with nothing but a program also runs below an init, whose directory the runtime creates."""
    need(shutil.which("catatonit") or shutil.which("tini"), "catatonit or tini")
    program = Program(Path(shutil.which("busybox")).read_bytes())
    image = empty_host.build("localhost/small:1", layer({"bin": None, "bin/busybox": program}))
    command = ["/bin/busybox", "sleep", "1000"]
    told = empty_host.want("started", *command, image=image, init=True, stop_timeout=0)
    assert told.result["container"]["State"]["Running"]


@pytest.mark.parametrize(("network", "shared"), [("host", True), ("none", False)])
def test_network(host, network, shared):
    """With host the container is in the host's network, with none it has only lo, which is up."""
    shape = host.start("sleep", "1000", network=[network])
    pid = shape["State"]["Pid"]
    assert (os.readlink(f"/proc/{pid}/ns/net") == os.readlink("/proc/self/ns/net")) is shared
    if not shared:
        # Addresses, not devices: some kernels put tunnel devices into every new network, all down.
        assert local_addresses(pid) == {"127.0.0.0", "127.0.0.1", "127.255.255.255"}


def local_addresses(pid: int) -> set[str]:
    """Return the IPv4 addresses of a process's network; those of lo are listed only while it is up."""
    lines = Path(f"/proc/{pid}/net/fib_trie").read_text().splitlines()
    return {line.split()[1] for line in lines if line.strip().startswith("|--")}


def test_upper_layers_win(host, built, busybox):
    """The layers are stacked in the image's order: the upper one's file wins, and its whiteout hides."""
    image = built(
        "localhost/layers:1",
        busybox,
        layer({"note": b"low\n", "kept": b"kept\n", "gone": b"gone\n"}),
        layer({"note": b"middle\n", ".wh.gone": b""}),
        layer({"note": b"high\n"}),
    )
    assert (
        run(host, "cat /note /kept; ls /gone 2>/dev/null || echo none", image=image) == "high\nkept\nnone\n"
    )


def test_many_layers(host, built, busybox):
    """An image with 120 layers starts and shows them all."""
    layers = [layer({f"layer{number}": b"", "top": b"%d\n" % number}) for number in range(1, 120)]
    image = built("localhost/deep:1", busybox, *layers)
    assert run(host, "cat /top; ls -d /layer* | grep -c layer", image=image) == "119\n119\n"
