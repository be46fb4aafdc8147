# SPDX-License-Identifier: GPL-3.0-or-later
"""User namespaces: a container's ids and its files' owners (seed: setupStorageMapping, mountStorage)."""

from __future__ import annotations

import errno
import io
import os
import shutil
import stat
import struct
import tarfile
import tempfile
from pathlib import Path

import pytest

from _engine.errors import HostLacks, InvalidOption, WrongState
from _engine.kernel import mounts
from _engine.lifecycle.core.lookup import find
from _engine.lifecycle.files.export import opened
from _engine.lifecycle.image.remove import remove_image
from _engine.lifecycle.info import info
from _engine.lifecycle.resources import id_mapping
from enginehost import Host, eventually

FOREVER = ("/bin/sleep", "1000")
PRIVATE = {"uidmap": ["0:100000:65536"], "stop_timeout": 0}
PASSWD = b"root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/:/bin/sh\nnobody:x:65534:65534::/:/\n"
GROUP = b"root:x:0:\napp:x:1000:\nbig:x:2999:\n"


@pytest.fixture
def host(passable_host):
    """Return an engine that a user namespace's root can reach."""
    return passable_host


@pytest.fixture
def subordinate(monkeypatch, tmp_path):
    """Return a function that sets the content of /etc/subuid and /etc/subgid."""

    def say(text: str, groups: str | None = None) -> None:
        for name, content in (("SUBUID", text), ("SUBGID", text if groups is None else groups)):
            path = tmp_path / name
            path.write_text(content)
            monkeypatch.setattr(id_mapping, name, str(path))

    return say


@pytest.fixture
def no_idmapped_mounts(monkeypatch):
    """Simulate a kernel without idmapped mounts."""

    def refuse(*_arguments, **_words):
        raise OSError(errno.ENOSYS, "none (mount_setattr)")

    monkeypatch.setattr(mounts, "idmapped", refuse)


@pytest.fixture(params=["idmapped", "copied"])
def way(request):
    """Run the test with idmapped layers, and with a copy."""
    if request.param == "copied":
        request.getfixturevalue("no_idmapped_mounts")
    return request.param


@pytest.fixture
def image(host, busybox):
    """Return a function that builds an image of these files, with these extended attributes, on busybox."""

    def make(files: dict[str, bytes], attributes: dict[str, str] | None = None) -> str:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for path, content in files.items():
                entry = tarfile.TarInfo(path)
                entry.size, entry.mode, entry.pax_headers = len(content), 0o755, attributes or {}
                tar.addfile(entry, io.BytesIO(content))
        return host.build("localhost/other:1", busybox, buffer.getvalue())

    yield make
    host.clear()
    with host.open() as engine:
        for found in info.images(engine).result["images"]:
            if "localhost/other:1" in found["RepoTags"]:
                remove_image(engine, found["Id"])


def pid_of(shape: dict) -> int:
    """Return the PID of the container's PID 1 on the host."""
    return shape["State"]["Pid"]


def ids(pid: int, kind: str = "uid") -> list[list[int]]:
    """Return a process's id mapping."""
    return [
        [int(word) for word in line.split()]
        for line in Path(f"/proc/{pid}/{kind}_map").read_text().splitlines()
    ]


def owner(path: str) -> tuple[int, int]:
    """Return a file's owner and group."""
    seen = os.lstat(path)
    return seen.st_uid, seen.st_gid


def mountinfo(host: Host) -> list[str]:
    """Return the mounts that the container sees."""
    return Path(f"/proc/{pid_of(host.inspect())}/mountinfo").read_text().splitlines()


def said(host: Host, count: int, name: str = "box") -> list[str]:
    """Wait until a container has written this many words, and return its words."""
    eventually(lambda: len(host.log(name)[0].split()) >= count, f"{count} words of {name}: {host.log(name)}")
    return host.log(name)[0].split()


def test_a_private_user_namespace(host, way):
    """The container is root inside and another user outside; its image's files are root's inside."""
    script = "id -u; stat -c %u:%g /bin/busybox; echo x > /new; chown 7:8 /new; stat -c %u:%g /new /etc/hosts; sleep 1000"
    box = host.start("/bin/sh", "-c", script, **PRIVATE)
    assert said(host, 4) == ["0", "0:0", "7:8", "0:0"]
    pid = pid_of(box)
    assert (ids(pid), ids(pid, "gid")) == ([[0, 100000, 65536]],) * 2
    assert owner(f"/proc/{pid}") == (100000, 100000)
    container = host.layout.container(box["Id"])
    assert (owner(f"{container.upper}/new"), os.path.exists(container.mapped)) == (
        (100007, 100008),
        way == "copied",
    )
    lowers = box["GraphDriver"]["Data"]["LowerDir"].split(":")
    assert owner(f"{lowers[0]}/bin/busybox") == (0, 0)
    assert [mount for mount in host.mounts() if "/lower/" in mount] == []
    assert box["HostConfig"]["UsernsMode"] == "private"
    assert box["HostConfig"]["IDMappings"] == {"UidMap": ["0:100000:65536"], "GidMap": ["0:100000:65536"]}


def test_what_it_wrote_is_there_again(host, way):
    """After a restart the container's files have the same owners."""
    script = "stat -c %u:%g /new || { echo x > /new; chown 7:8 /new; echo none; }; sleep 1000"
    host.start("/bin/sh", "-c", script, **PRIVATE)
    said(host, 1)
    host.bring("box", "stopped")
    host.bring("box", "started")
    assert said(host, 2) == ["none", "7:8"]
    assert way


def test_capabilities_of_files(host, image, way):
    """A program's file capability is valid in the container's user namespace only."""
    # CAP_NET_RAW, permitted and effective: struct vfs_cap_data version 2.
    value = "\x01\0\0\x02\0\x20\0\0" + "\0" * 12
    box = host.start(
        *FOREVER, image=image({"netcat": b"x"}, {"SCHILY.xattr.security.capability": value}), **PRIVATE
    )
    path = f"/proc/{pid_of(box)}/root/netcat"
    value = os.getxattr(path, "security.capability")
    assert (value[3], int.from_bytes(value[20:24], "little")) == (3, 100000)
    assert way


def test_a_volume_is_the_containers(host, way):
    """Files copied up into a volume keep the container's owners; a new empty volume belongs to its root."""
    box = host.start(
        "/bin/sh", "-c", "stat -c %u:%g /bin/busybox /fresh && echo x > /fresh/y && sleep 1000",
        volume=["bin:/bin", "fresh:/fresh"], **PRIVATE,
    )  # fmt: skip
    assert said(host, 2) == ["0:0", "0:0"]
    assert owner(host.data("bin") / "busybox") == (100000, 100000)
    eventually(host.data("fresh").joinpath("y").exists, "a file in the volume")
    assert (owner(host.data("fresh")), owner(host.data("fresh") / "y")) == ((100000, 100000),) * 2
    assert box["State"]["Running"] and way  # noqa: PT018


def test_a_directory_of_the_host(host, tmp_path):
    """A bind works although the container's root cannot traverse its parents; its owner is nobody inside."""
    tmp_path.chmod(0o755)
    tmp_path.joinpath("file").write_text("hello")
    host.start(
        "/bin/sh",
        "-c",
        "cat /b/file; echo; stat -c %u /b/file; sleep 1000",
        volume=[f"{tmp_path}:/b"],
        **PRIVATE,
    )
    assert said(host, 2) == ["hello", "65534"]


def test_only_the_container_gets_through(host):
    """Its directories are open to its root's group only; those above can be traversed but not listed."""
    box = host.start(*FOREVER, **PRIVATE)
    container = host.layout.container(box["Id"])
    for path in (container.static, container.run):
        seen = os.stat(path)
        assert (stat.S_IMODE(seen.st_mode), seen.st_uid, seen.st_gid) == (0o710, 0, 100000)
    for path in (host.layout.root, host.layout.containers, host.layout.run_root, host.layout.run_containers):
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o711


def test_a_directory_that_keeps_it_out(host):
    """A parent directory that the container's root cannot traverse is refused by name beforehand."""
    os.chmod(os.path.dirname(host.top), 0o700)
    with pytest.raises(HostLacks, match=f"chmod o\\+x {os.path.dirname(host.top)}"):
        host.start(*FOREVER, **PRIVATE)
    assert host.inspect() == {}


def test_the_hosts_network_and_processes(host):
    """With the host's namespaces, sysfs, proc and the message queues are bind mounts of the host's."""
    host.start(
        "/bin/sh", "-c", "ls -d /proc/1 /sys/class; id -u; sleep 1000",
        network=["host"], ipc="host", pid="host", **PRIVATE,
    )  # fmt: skip
    assert said(host, 3) == ["/proc/1", "/sys/class", "0"]
    assert any(line.split()[4] == "/dev/mqueue" for line in mountinfo(host)) == os.path.isdir("/dev/mqueue")


def test_few_ids(host):
    """With a few ids only, without the group tty, a terminal works nevertheless."""
    host.start("/bin/sh", "-c", "id -u; tty; sleep 1000", tty=True, uidmap=["0:200000:2"], stop_timeout=0)
    assert said(host, 2)[0] == "0"


def test_another_user_inside(host):
    """A user of the container has the mapped id on the host."""
    box = host.start(*FOREVER, user="1000:1000", **PRIVATE)
    assert owner(f"/proc/{pid_of(box)}") == (101000, 101000)


def test_another_containers_user_namespace(host):
    """With ``container:NAME`` both share one user namespace and its owners."""
    first = host.start(*FOREVER, name="first", **PRIVATE)
    host.start(
        "/bin/sh", "-c", "stat -c %u /bin/busybox; sleep 1000", userns="container:first", stop_timeout=0
    )
    assert said(host, 1) == ["0"]
    box = host.inspect()
    same = [os.readlink(f"/proc/{pid_of(shape)}/ns/user") for shape in (first, box)]
    assert same[0] == same[1] != os.readlink("/proc/self/ns/user")


def test_a_user_namespace_that_a_path_names(host):
    """With ``ns:PATH`` the container joins that namespace; a start with another mapping is refused."""
    first = host.start(*FOREVER, name="first", **PRIVATE)
    with tempfile.NamedTemporaryFile() as place:
        mounts.bind(f"/proc/{pid_of(first)}/ns/user", place.name)
        try:
            box = host.start(*FOREVER, userns=f"ns:{place.name}", stop_timeout=0)
            assert os.stat(f"/proc/{pid_of(box)}/ns/user").st_ino == os.stat(place.name).st_ino
            host.bring("box", "stopped")
            mounts.unmount(place.name)
            host.start(*FOREVER, name="first", uidmap=["0:300000:65536"], stop_timeout=0)
            mounts.bind(f"/proc/{pid_of(host.inspect('first'))}/ns/user", place.name)
            with pytest.raises(WrongState, match="was created with another id mapping"):
                host.bring("box", "started")
        finally:
            mounts.unmount(place.name)


def test_automatic_ids(host, subordinate, image):
    """``auto`` allocates unique ids for the image's accounts; a removal frees, a replacement keeps them."""
    subordinate("other:1:9\ncontainers:500000:8000\n")
    name = image({"etc/passwd": PASSWD, "etc/group": GROUP})
    one = host.start(*FOREVER, name="one", image=name, userns="auto", stop_timeout=0)
    two = host.start(*FOREVER, name="two", userns="auto:size=2000", stop_timeout=0)
    three = host.start(*FOREVER, name="three", userns="auto:size=1000,uidmapping=5:77:1", stop_timeout=0)
    assert ids(pid_of(one)) == [[0, 500000, 3000]]
    assert ids(pid_of(two)) == ids(pid_of(two), "gid") == [[0, 503000, 2000]]
    assert ids(pid_of(three)) == [[0, 505000, 5], [5, 77, 1], [6, 505005, 994]]
    assert ids(pid_of(three), "gid") == [[0, 505000, 1000]]
    host.bring("one", "absent")
    again = host.start(*FOREVER, name="two", userns="auto:size=2000", env={"A": "B"}, stop_timeout=0)
    assert ids(pid_of(again)) == [[0, 503000, 2000]]
    four = host.start(*FOREVER, name="four", userns="auto", stop_timeout=0)
    assert ids(pid_of(four)) == [[0, 500000, 2001]]
    with pytest.raises(HostLacks, match="has no 5000 consecutive free subordinate IDs"):
        host.start(*FOREVER, name="five", userns="auto:size=5000")
    assert host.inspect("five") == {}


def test_no_subordinate_ids(host, subordinate):
    """Without ids for user ``containers`` the error names the file and the line to add."""
    subordinate("containers:1:1000\n", groups="")
    with pytest.raises(
        HostLacks, match=r"SUBGID has no IDs for user containers\. Add a line such as containers:"
    ):
        host.start(*FOREVER, userns="auto")


def test_ids_of_a_user(host, subordinate):
    """``subuidname`` uses all subordinate ids of a user."""
    subordinate("ann:600000:1000\nann:700000:500\n", groups="ann:800000:2000\n")
    box = host.start(*FOREVER, subuidname="ann", stop_timeout=0)
    assert ids(pid_of(box)) == [[0, 600000, 1000], [1000, 700000, 500]]
    assert ids(pid_of(box), "gid") == [[0, 800000, 2000]]


def test_a_plain_directory(host, tmp_path_factory):
    """A directory of the host is used with the owners that it has."""
    top = Path(tempfile.mkdtemp(prefix="slipway-rootfs-"))
    try:
        shutil.copytree(
            f"/proc/{pid_of(host.start(*FOREVER, name='first', **PRIVATE))}/root/bin", top / "bin"
        )
        for name in ("proc", "sys", "dev", "etc", "run"):
            (top / name).mkdir()
        for path in (top, *top.rglob("*")):
            os.lchown(path, 100000, 100000)
        host.start(
            "/bin/sh", "-c", "stat -c %u /bin/busybox; sleep 1000", image=str(top), rootfs=True, **PRIVATE
        )
        assert said(host, 1) == ["0"]
        host.bring("box", "absent")
    finally:
        shutil.rmtree(top)


def test_contradictions(host):
    """A rootless mode, and options that contradict each other, are refused."""
    for options, match in (
        ({"userns": "keep-id"}, "rootless"),
        ({"userns": "private"}, "requires a mapping of IDs"),
        ({"userns": "auto", "uidmap": ["0:1:1"]}, "conflicts with userns: auto"),
        ({"uidmap": ["0:1:1"], "subuidname": "ann"}, "conflicts with"),
        ({"userns": "auto:size=0"}, "has an invalid size"),
        ({"uidmap": ["0:1:5", "3:9:1"]}, "overlaps"),
    ):
        with pytest.raises(InvalidOption, match=match):
            host.start(*FOREVER, **options)


@pytest.mark.parametrize("state", ["present", "started", "stopped"])
def test_exported_owners(host, image, way, state):
    """An exported archive has the owners, capabilities and ACLs that the container sees, in every state."""
    entries = ((1, 6, 2**32 - 1), (2, 4, 1234), (4, 4, 2**32 - 1), (16, 4, 2**32 - 1), (32, 4, 2**32 - 1))
    acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *item) for item in entries)
    capability = struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0)
    attributes = {
        "SCHILY.xattr.security.capability": capability.decode("utf-8", "surrogateescape"),
        "SCHILY.xattr.system.posix_acl_access": acl.decode("utf-8", "surrogateescape"),
    }
    name = image({"capable": b"x"}, attributes)
    script = "echo x > /new; chown 7:8 /new; echo done; sleep 1000"
    wanted = "present" if state == "present" else "started"
    host.want(wanted, "/bin/sh", "-c", script, image=name, **PRIVATE)
    if state != "present":
        said(host, 1)
    if state == "stopped":
        host.bring("box", "stopped")
    with host.open(read_only=True) as engine, opened(engine, find(engine, "box")) as chunks:
        tar = b"".join(chunks)
    with tarfile.open(fileobj=io.BytesIO(tar), errors="surrogateescape") as archive:
        found = {member.name: member for member in archive}
    owners = {(member.uid, member.gid) for name, member in found.items() if name != "new"}
    assert owners == {(0, 0)}
    if state != "present":
        assert (found["new"].uid, found["new"].gid) == (7, 8)
    headers = found["capable"].pax_headers
    for key, value in (("security.capability", capability), ("system.posix_acl_access", acl)):
        assert headers[f"SCHILY.xattr.{key}"].encode("utf-8", "surrogateescape") == value
    assert [mount for mount in host.mounts() if "/lower/" in mount] == []
    assert way
