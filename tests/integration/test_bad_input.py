# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input and unfit hosts get an error with a stable code, in words that help, and nothing at all is changed."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from dockerarchive import write_archive
from enginehost import eventually

IMAGE = "localhost/box:1"
#: A container that could be made; each case spoils one thing of it.
GOOD = {"name": "new", "image": IMAGE, "network": "none", "command": "sleep 1000", "stop_timeout": 0}

FORESEEN = "a real run would fail unless an earlier task"

#: What is wrong, the module, its options, the error's code, and words of the message: what, its value, what to do.
CASES = {
    "exec in an unknown container": (
        "container_exec",
        {"name": "boz", "command": "ls"},
        "not_found",
        ("boz",),
    ),
    "exec of nothing": ("container_exec", {"name": "box", "argv": []}, "invalid_option", ("argv", "program")),
    "exec of two commands": (
        "container_exec",
        {"name": "box", "argv": ["ls"], "command": "ls"},
        "invalid_option",
        ("one of the two",),
    ),
    "exec without an end": (
        "container_exec",
        {"name": "box", "command": "ls", "timeout": 0},
        "invalid_option",
        ("timeout", "seconds"),
    ),
    "exec of a detached command with input": (
        "container_exec",
        {"name": "box", "command": "cat", "stdin": "x", "detach": True},
        "invalid_option",
        ("stdin", "detach"),
    ),
    "login to no registry": (
        "login",
        {"registry": "a b", "username": "bob", "password": "x"},
        "invalid_option",
        ("registry", "a b", "HOST:PORT"),
    ),
    "logout of one and of all": (
        "logout",
        {"registry": "registry.example", "all": True},
        "invalid_option",
        ("all", "registry"),
    ),
    "push to no registry": (
        "image_push",
        {"name": IMAGE, "dest": "box:1"},
        "invalid_option",
        ("dest", "box:1", "REGISTRY/REPOSITORY:TAG"),
    ),
    "push of an unknown image": (
        "image_push",
        {"name": "localhost/bax:1", "dest": "registry.example/box:1"},
        "not_found",
        ("localhost/bax:1", "near: localhost/box:1"),
    ),
    "unknown image": (
        "container",
        {**GOOD, "image": "localhost/bax:1"},
        "not_found",
        ("localhost/bax:1", "near: localhost/box:1", "slipway.oci.image_load"),
    ),
    "unknown image by short name": (
        "container",
        {**GOOD, "image": "bax:1", "pull": "never"},
        "not_found",
        ("bax:1", "localhost/box:1"),
    ),
    "impossible image": ("container", {**GOOD, "image": "Box"}, "invalid_option", ("image", "Box")),
    "no image": (
        "container",
        {"name": "new", "network": "none"},
        "invalid_option",
        ("image", "Name the image"),
    ),
    "no image, state alone": (
        "container",
        {"name": "new"},
        "invalid_option",
        ("image", "container new, which does not exist"),
    ),
    "bad name": ("container", {**GOOD, "name": "../new"}, "invalid_option", ("name", "../new")),
    "restart policy with a wrong count": (
        "container",
        {**GOOD, "restart_policy": "on-failure:x"},
        "invalid_option",
        ("restart_policy", "on-failure:x", "on-failure:N"),
    ),
    "restart and removal": (
        "container",
        {**GOOD, "restart_policy": "always", "rm": True},
        "invalid_option",
        ("restart_policy", "always", "rm: true"),
    ),
    "unknown network": (
        "container",
        {**GOOD, "network": "nowhere"},
        "not_found",
        ("nowhere", "slipway.oci.network"),
    ),
    "a network without root": (
        "container",
        {**GOOD, "network": "slirp4netns"},
        "invalid_option",
        ("network", "slirp4netns", "rootless"),
    ),
    "two networks": (
        "container",
        {**GOOD, "network": ["none", "host"]},
        "invalid_option",
        ("network", "none", "cannot be combined with networks"),
    ),
    "port of the host's network": (
        "container",
        {**GOOD, "network": "host", "publish": ["80:80"]},
        "invalid_option",
        ("publish", "network: host"),
    ),
    "port twice": (
        "container",
        {**GOOD, "network": "bridge", "publish": ["8080:80", "8080:81"]},
        "invalid_option",
        ("publish", "8080:80/tcp", "8080:81/tcp"),
    ),
    "relative destination": (
        "container",
        {**GOOD, "volume": ["data:data"]},
        "invalid_option",
        ("data:data", "/data"),
    ),
    "climbing destination": (
        "container",
        {**GOOD, "volume": ["data:/a/../../b"]},
        "invalid_option",
        ("/a/../../b",),
    ),
    "root as destination": (
        "container",
        {**GOOD, "mount": ["type=tmpfs,dst=/"]},
        "invalid_option",
        ("mount", "dst=/"),
    ),
    "slip in a mount's option": (
        "container",
        {**GOOD, "volume": ["data:/data:nosiud"]},
        "invalid_option",
        ("volume", "data:/data:nosiud", "Did you mean nosuid?"),
    ),
    "slip in a mount's key": (
        "container",
        {**GOOD, "mount": ["type=bind,src=/etc,dst=/e,bind-propogation=slave"]},
        "invalid_option",
        ("mount", "bind-propogation=slave", "Did you mean bind-propagation?"),
    ),
    "mounts by pattern": (
        "container",
        {**GOOD, "mount": ["type=glob,src=/etc/*,dst=/e"]},
        "invalid_option",
        ("type=glob", "fileglob"),
    ),
    "secret": (
        "container",
        {**GOOD, "mount": ["type=secret,src=x,dst=/x"]},
        "not_built_yet",
        ("secret", "Bind mount a file"),
    ),
    "options of a volume in a mount": (
        "container",
        {**GOOD, "mount": ["src=data,dst=/data,volume-opt=type=nfs"]},
        "invalid_option",
        ("volume-opt", "module volume"),
    ),
    "volume that has to be there": (
        "container",
        {**GOOD, "volume": ["nothing:/data:nocreate"]},
        "not_found",
        ("volume", "nothing", "nocreate"),
    ),
    "volumes of an unknown container": (
        "container",
        {**GOOD, "volumes_from": ["bax"]},
        "not_found",
        ("bax", "volumes_from", "Create it first"),
    ),
    "volumes of itself": (
        "container",
        {**GOOD, "volumes_from": ["new"]},
        "invalid_option",
        ("volumes_from", "itself"),
    ),
    "volumes with unknown words": (
        "container",
        {**GOOD, "volumes_from": ["box:Z"]},
        "invalid_option",
        ("volumes_from", "box:Z", "CONTAINER:OPTIONS with rw, ro and z"),
    ),
    "two mounts on one place": (
        "container",
        {**GOOD, "volume": ["data:/data"], "tmpfs": {"/data": ""}},
        "invalid_option",
        ("volume", "/data", "Keep one"),
    ),
    "two volumes on one place": (
        "container",
        {**GOOD, "volume": ["a:/data", "b:/data/"]},
        "invalid_option",
        ("/data",),
    ),
    "no source": (
        "container",
        {**GOOD, "volume": ["/nosuch/x:/x"]},
        "invalid_option",
        ("volume", "/nosuch/x", "file"),
    ),
    "relative source": (
        "container",
        {**GOOD, "volume": ["./x:/x"]},
        "invalid_option",
        ("volume", "./x", "absolute"),
    ),
    "unknown mount option": (
        "container",
        {**GOOD, "volume": ["a:/a:rx"]},
        "invalid_option",
        ("volume", "a:/a:rx", "rx"),
    ),
    "memory": ("container", {**GOOD, "memory": "12x"}, "invalid_option", ("memory", "12x", "256m")),
    "shm_size": ("container", {**GOOD, "shm_size": "x"}, "invalid_option", ("shm_size", "'x'", "256m")),
    "memory_swap": (
        "container",
        {**GOOD, "memory": "2g", "memory_swap": "1g"},
        "invalid_option",
        ("memory_swap", "memory"),
    ),
    "cpus": ("container", {**GOOD, "cpus": "many"}, "invalid_option", ("cpus", "many", "1.5")),
    "cpuset": ("container", {**GOOD, "cpuset_cpus": "3-1"}, "invalid_option", ("cpuset_cpus", "3-1", "0-3")),
    "pids": ("container", {**GOOD, "pids_limit": "-7"}, "invalid_option", ("pids_limit", "-7", "-1")),
    "capability": (
        "container",
        {**GOOD, "cap_add": ["NET_ADMIM"]},
        "invalid_option",
        ("NET_ADMIM", "capabilities(7)"),
    ),
    "capability to drop": ("container", {**GOOD, "cap_drop": ["X"]}, "invalid_option", ("cap_drop", "'X'")),
    "signal": (
        "container",
        {**GOOD, "stop_signal": "SIGNOPE"},
        "invalid_option",
        ("stop_signal", "SIGNOPE", "SIGTERM"),
    ),
    "user": ("container", {**GOOD, "user": "nosuch"}, "invalid_option", ("user", "nosuch")),
    "group": ("container", {**GOOD, "group_add": ["nosuch"]}, "invalid_option", ("group_add", "nosuch")),
    "ulimit": (
        "container",
        {**GOOD, "ulimit": ["files=1"]},
        "invalid_option",
        ("ulimit", "files=1", "nofile"),
    ),
    "device": ("container", {**GOOD, "device": ["/dev/nosuch"]}, "invalid_option", ("device", "/dev/nosuch")),
    "sysctl": ("container", {**GOOD, "sysctl": {"../x": "1"}}, "invalid_option", ("sysctl", "../x")),
    "no variable": ("container", {**GOOD, "env": {"A=B": "1"}}, "invalid_option", ("env", "A=B")),
    "no text": ("container", {**GOOD, "env": {"A": None}}, "invalid_option", ("env.A", "Quote")),
    "env_file": (
        "container",
        {**GOOD, "env_file": ["/nosuch.env"]},
        "invalid_option",
        ("env_file", "/nosuch.env"),
    ),
    "rootfs": (
        "container",
        {**GOOD, "rootfs": True, "image": "/nosuch"},
        "invalid_option",
        ("image", "/nosuch", "rootfs"),
    ),
    "not built": (
        "container",
        {**GOOD, "pod": "web"},
        "not_built_yet",
        ("pod", "not implemented yet", "container:NAME"),
    ),
    "not built, of the driver": ("volume", {"name": "v", "driver": "nfs"}, "not_built_yet", ("driver: nfs",)),
    "no runtime": ("container", {**GOOD, "runtime": "nosuch"}, "host_lacks", ("nosuch", "slipway.oci.host")),
    "running": (
        "container",
        {"name": "runs", "state": "absent", "force_delete": False},
        "wrong_state",
        ("runs", "running", "force_delete: true"),
    ),
    "volume in use": ("volume", {"name": "data", "state": "absent"}, "in_use", ("data", "runs")),
    "image in use": ("image_remove", {"name": IMAGE}, "in_use", ("runs",)),
    "volume in use, made anew": (
        "volume",
        {"name": "data", "recreate": True},
        "in_use",
        ("data", "runs", "force"),
    ),
    "volume in use, altered": (
        "volume",
        {"name": "data", "options": ["type=tmpfs"]},
        "in_use",
        ("options.type", "data", "runs", "Stop"),
    ),
    "volume's option": (
        "volume",
        {"name": "v", "options": ["tpye=x"]},
        "invalid_option",
        ("tpye=x", "near: type"),
    ),
    "volume's word": (
        "volume",
        {"name": "v", "options": {"type": "tmpfs", "o": "nosiud"}},
        "invalid_option",
        ("nosiud", "near: nosuid"),
    ),
    "device without type": (
        "volume",
        {"name": "v", "options": ["device=/dev/x"]},
        "invalid_option",
        ("/dev/x", "type="),
    ),
    "missing device": (
        "volume",
        {"name": "v", "state": "mounted", "options": ["type=ext4", "device=/nosuch"]},
        "invalid_option",
        ("device=/nosuch", "volume v", "Attach"),
    ),
    "no quota here": (
        "volume",
        {"name": "v", "options": ["o=size=1m"]},
        "host_lacks",
        ("project quotas", "prjquota"),
    ),
    "volume's mode": ("volume", {"name": "v", "mode": 493}, "invalid_option", ("mode", "493", "quotes")),
    "unmounted, not there": (
        "volume",
        {"name": "dada", "state": "unmounted"},
        "not_found",
        ("dada", "near: data"),
    ),
    "volume name": ("volume", {"name": "a/b"}, "invalid_option", ("name", "a/b")),
    "no archive": ("image_load", {"input": "/nosuch.tar"}, "not_found", ("/nosuch.tar",)),
    "no tree": ("image_import", {"src": "/nosuch", "name": "x"}, "not_found", ("/nosuch",)),
    "no change": (
        "image_import",
        {"src": "/etc/skel", "name": "x", "changes": ["NOPE 1"]},
        "invalid_option",
        ("changes", "NOPE"),
    ),
    "name to give": (
        "image_tag",
        {"image": IMAGE, "target_names": ["UPPER//x"]},
        "invalid_option",
        ("target_names", "UPPER//x"),
    ),
    "no image to tag": (
        "image_tag",
        {"image": "bax:1", "target_names": ["x"]},
        "not_found",
        ("near: localhost/box:1",),
    ),
    "place to save to": (
        "image_save",
        {"image": IMAGE, "dest": "/etc", "format": "oci-dir"},
        "invalid_option",
        ("dest", "/etc", "which does not belong to a saved image"),
    ),
    "compressed docker-archive": (
        "image_save",
        {"image": IMAGE, "dest": "/tmp/slipway-not-written.tar", "compress": True},
        "invalid_option",
        ("compress", "oci-archive"),
    ),
    "image name": ("image_import", {"src": "/etc/skel", "name": "UPPER//x"}, "invalid_option", ("UPPER//x",)),
}


@pytest.fixture(scope="module")
def stocked(fresh_node, other_archive):
    """Return a host with an image and a running container that has a volume."""
    with fresh_node() as node:
        node.load(other_archive)
        node.task("container", **{**GOOD, "name": "runs", "volume": ["data:/home"]})
        yield node


def refused(
    node, module: str, options: dict[str, object], code: str, words: tuple[str, ...], **how: object
) -> dict:
    """Run a task in check mode and for good, and fail unless it ends in the error and changes nothing; return the last result.

    In check mode what an earlier task could bring is a warning.
    """
    result = {}
    for check in (True, False):
        before = node.state()
        result = node.task(module, check=check, **options, **how)
        if check and not result.get("failed"):
            told = json.dumps(result["warnings"], ensure_ascii=False)
            assert [word for word in (words[0], FORESEEN) if word not in told] == [], told
        else:
            assert (result.get("failed"), result.get("error")) == (True, code), result
            assert [word for word in words if word not in result["msg"]] == [], result["msg"]
        assert node.state() == before
    return result


@pytest.mark.parametrize("case", CASES)
def test_bad_input(stocked, case):
    """A wrong value is refused with its option, itself and the remedy, by a stable code, and nothing is changed."""
    module, options, code, words = CASES[case]
    options = {name: value for name, value in options.items() if value is not None}
    result = refused(stocked, module, options, code, words)
    if code == "invalid_option":
        assert result["option"].partition(".")[0] in {*options, "image", "network"}


def test_bad_input_where_a_container_runs(stocked):
    """A wrong value in the task of a container that runs leaves it running as it was."""
    pid = stocked.inspect("runs")["State"]["Pid"]
    for spoiled in ({"memory": "12x"}, {"user": "nosuch"}, {"volume": ["/nosuch:/x"]}):
        refused(stocked, "container", {**GOOD, "name": "runs", **spoiled}, "invalid_option", (*spoiled,))
    refused(
        stocked, "container", {**GOOD, "name": "runs", "image": "localhost/nosuch"}, "not_found", ("nosuch",)
    )
    assert stocked.inspect("runs")["State"]["Pid"] == pid


def test_errors_reach_the_play(stocked):
    """A failed task shows message, code and fields to the play, and a rescue can tell by the code."""
    failing = {"name": "new", "image": "localhost/bax:1", "network": "none"}
    play = stocked.play(
        {"name": "fails", "slipway.oci.container": failing, "ignore_errors": True, "register": "it"},
        {
            "name": "told",
            "ansible.builtin.assert": {"that": ["it.error == 'not_found'", "it.near == ['localhost/box:1']"]},
        },
    )
    assert [name for name, _message in play.failed] == ["fails"]


# -- archives --------------------------------------------------------------------------------------


def cut_short(good: Path, made: Path) -> None:
    """Write the first half of an archive."""
    made.write_bytes(good.read_bytes()[: good.stat().st_size // 2])


def cut_short_packed(good: Path, made: Path) -> None:
    """Write the first half of a packed archive."""
    packed = gzip.compress(good.read_bytes(), 1)
    made.write_bytes(packed[: len(packed) // 2])


def wrong_digest(good: Path, made: Path) -> None:
    """Write the archive with one byte of a layer altered."""
    content = bytearray(good.read_bytes())
    content[content.index(b"first row")] ^= 1
    made.write_bytes(content)


def no_archive(_good: Path, made: Path) -> None:
    """Write something else."""
    made.write_bytes(b"#!/bin/sh\necho no archive\n" * 100)


def climbing(name: str):
    """Return the function that writes an image whose layer has an entry of that name."""

    def write(_good: Path, made: Path) -> None:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            tar.addfile(tarfile.TarInfo("good"), io.BytesIO())
            tar.addfile(tarfile.TarInfo(name), io.BytesIO())
        write_archive(made, "localhost/evil:1", [buffer.getvalue()])

    return write


def no_layer(_good: Path, made: Path) -> None:
    """Write an archive whose index names a layer that is not there."""
    config = b'{"rootfs": {"type": "layers", "diff_ids": ["sha256:%s"]}}' % (b"0" * 64)
    manifest = json.dumps([{"Config": "c.json", "RepoTags": ["x:1"], "Layers": ["layer.tar"]}]).encode()
    with tarfile.open(made, "w") as tar:
        for name, content in (("manifest.json", manifest), ("c.json", config)):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))


ARCHIVES = (
    (cut_short, "archive_broken", ()),
    (cut_short_packed, "archive_broken", ()),
    (no_archive, "archive_broken", ()),
    (no_layer, "archive_broken", ("layer.tar",)),
    (wrong_digest, "digest_mismatch", ()),
    (climbing("../evil"), "unsafe_entry", ("../evil",)),
    (climbing("a/../../evil"), "unsafe_entry", ("a/../../evil",)),
)


@pytest.mark.parametrize("case", ARCHIVES, ids=lambda case: f"{case[0].__name__}-{case[1]}")
def test_bad_archives(stocked, archive, tmp_path, case):
    """A damaged or hostile archive is told by its path and what is wrong, and nothing of it stays."""
    spoil, code, words = case
    made = tmp_path / "bad.tar"
    spoil(archive, made)
    before = stocked.state()
    result = stocked.task("image_load", input=str(made))
    assert (result.get("failed"), result.get("error")) == (True, code), result
    assert [word for word in words if word not in result["msg"]] == [], result["msg"]
    assert stocked.state() == before
    assert os.listdir(stocked.layout.staging) == []


# -- hosts -----------------------------------------------------------------------------------------


def test_not_root(stocked):
    """Run as somebody else, a task says become: true."""
    # It may read all the same, to find this very collection.
    words = (
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "--inh-caps=+dac_read_search",
        "--ambient-caps=+dac_read_search",
    )
    for module, options in (("container", GOOD), ("volume", {"name": "v"}), ("container_info", {})):
        refused(stocked, module, options, "not_root", ("become: true",), before=("setpriv", *words))


def hiding(*programs: str) -> tuple[str, ...]:
    """Return words in front of a command that keep it from finding these programs."""
    found = [path for path in map(shutil.which, programs) if path]
    mounts = "; ".join(f"mount --bind /dev/null {path}" for path in found)
    return ("unshare", "-m", "sh", "-c", f'{mounts}; exec "$@"', "sh")


def test_no_runtime_installed(stocked):
    """Without crun and runc a task names the role that installs one."""
    refused(
        stocked,
        "container",
        GOOD,
        "host_lacks",
        ("crun", "runc", "slipway.oci.host"),
        before=hiding("crun", "runc"),
    )


def test_no_conmon_installed(stocked):
    """Without conmon a task names the role that installs it."""
    refused(stocked, "container", GOOD, "host_lacks", ("conmon", "slipway.oci.host"), before=hiding("conmon"))


def test_no_overlayfs(stocked, tmp_path):
    """On a kernel without overlayfs a task that wants it says so before anything is made."""
    systems = tmp_path / "filesystems"
    lines = Path("/proc/filesystems").read_text().splitlines(keepends=True)
    systems.write_text("".join(line for line in lines if "overlay" not in line))
    # A kernel may have it as a module that is not loaded yet: the modules are hidden as well.
    hide = (
        f"mount --bind {systems} /proc/filesystems; [ ! -d /lib/modules ] || mount -t tmpfs none /lib/modules"
    )
    before = ("unshare", "-m", "sh", "-c", f'{hide}; exec "$@"', "sh")
    wanted = {**GOOD, "storage_driver": "overlay"}
    refused(stocked, "container", wanted, "host_lacks", ("overlay",), before=before)


@pytest.mark.parametrize("module", ["container", "volume", "image_info"])
def test_corrupt_database(stocked, module):
    """A database that can't be read is told with its path and the way out; it is left as it is."""
    database = Path(stocked.layout.database)
    good = database.read_bytes()
    options = {"container": GOOD, "volume": {"name": "v"}, "image_info": {}}[module]
    try:
        database.write_bytes(good[:16] + b"\xff" * 4096 + good[4112:])
        refused(stocked, module, options, "state_corrupt", (str(database), "store rebuild"))
    finally:
        database.write_bytes(good)


# -- full disks ------------------------------------------------------------------------------------


@pytest.fixture
def small(fresh_node):
    """Return the function that gives a host whose engine has so many MiB for all."""
    with fresh_node() as node:

        def small(size: int):
            os.makedirs(node.layout.root)
            subprocess.run(
                ["mount", "-t", "tmpfs", "-o", f"size={size}m", "none", node.layout.root], check=True
            )
            return node

        try:
            yield small
        finally:
            node.clear(images=True)
            eventually(lambda: not node.processes(), "no process that works in it")
            subprocess.run(["umount", node.layout.root], check=True)


def below(node, *names: str) -> list[str]:
    """Return what is in these directories of the engine."""
    return [name for place in names for name in os.listdir(f"{node.layout.root}/{place}")]


def test_full_disk_while_an_image_is_loaded(small, archive, tmp_path):
    """An image that does not fit leaves no layer and no name, and what comes next works."""
    node = small(2)
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/large").write_bytes(os.urandom(3 * 1024**2))
    for module, options in (
        ("image_load", {"input": str(archive)}),
        ("image_import", {"src": str(tmp_path / "tree"), "name": "tree"}),
    ):
        result = node.task(module, **options)
        assert (result.get("failed"), result.get("error")) == (True, "store_full"), result
        assert below(node, "layers", "staging") == []
        assert node.task("image_info")["images"] == []
    assert node.task("volume", name="v")["changed"]


def test_full_disk_while_a_volume_is_filled(small, other_archive):
    """A first start whose copy-up does not fit fails whole: no process, no half volume; with room it works."""
    node = small(16)
    node.load(other_archive)
    wanted = {**GOOD, "name": "box", "volume": ["data:/bin"]}
    assert node.task("container", **{**wanted, "state": "created"})["changed"]
    filler = Path(node.layout.root, "filler")
    with filler.open("wb") as stream:
        room = os.statvfs(node.layout.root)
        stream.write(bytes(room.f_bavail * room.f_frsize - 1024**2))
    result = node.task("container", **wanted)
    assert (result.get("failed"), result.get("error")) == (True, "store_full"), result
    assert os.listdir(node.layout.volume_data("data")) == []
    assert below(node, "staging") == []
    assert node.inspect("box")["State"]["Status"] == "created"
    assert node.processes() == []
    filler.unlink()
    assert node.task("container", **wanted)["container"]["State"]["Status"] == "running"
    there = Path(node.layout.volume_data("data"), "busybox").read_bytes()
    assert (
        hashlib.sha256(there).digest() == hashlib.sha256(Path(shutil.which("busybox")).read_bytes()).digest()
    )
