# SPDX-License-Identifier: GPL-3.0-or-later
"""Namespaces of a container: its own, the host's, another container's, or a path's (seed: hasNamespace)."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from _engine.errors import InvalidOption, NotFound, WrongState
from _engine.kernel.process import Process

#: The option, and its name in /proc/PID/ns.
KINDS = {"network": "net", "ipc": "ipc", "pid": "pid", "uts": "uts", "cgroupns": "cgroup"}
FOREVER = ("/bin/sleep", "1000")


def asked(option: str, text: str) -> dict:
    """Return the option as a task writes it."""
    return {option: [text] if option == "network" else text}


def namespace(pid: int, option: str) -> str:
    """Return the identity of a process's namespace."""
    return os.readlink(f"/proc/{pid}/ns/{KINDS[option]}")


def pid_of(shape: dict) -> int:
    """Return the PID of the container's PID 1 on the host."""
    return shape["State"]["Pid"]


def inside(pid: int, path: str) -> str:
    """Return the content of a file as the container sees it."""
    return Path(f"/proc/{pid}/root{path}").read_text()


@pytest.mark.parametrize("option", KINDS)
def test_the_hosts_namespace(host, option):
    """With ``host`` a container is in the host's namespace, otherwise in its own."""
    own = pid_of(host.start(*FOREVER, name="own", stop_timeout=0, cgroupns="private"))
    shared = pid_of(host.start(*FOREVER, stop_timeout=0, **asked(option, "host")))
    assert namespace(own, option) != namespace(os.getpid(), option) == namespace(shared, option)


@pytest.mark.parametrize("option", KINDS)
def test_another_containers_namespace(host, option):
    """With ``container:NAME``, by name or id, it joins that namespace of the container, and no other."""
    first = host.start(*FOREVER, name="first", stop_timeout=0, cgroupns="private")
    for name in ("first", first["Id"][:12]):
        second = host.start(*FOREVER, stop_timeout=0, **asked(option, f"container:{name}"))
        same = {kind for kind in KINDS if namespace(pid_of(first), kind) == namespace(pid_of(second), kind)}
        hosts = {kind for kind in KINDS if namespace(pid_of(first), kind) == namespace(os.getpid(), kind)}
        assert same - hosts == {option}


@pytest.mark.parametrize("option", KINDS)
def test_the_namespace_that_a_path_names(host, option):
    """With ``ns:PATH`` it joins the namespace that the path names."""
    with subprocess.Popen(
        [
            "unshare",
            f"--{KINDS[option]}",
            *(["--fork", "--kill-child"] if option == "pid" else []),
            "sleep",
            "1000",
        ]
    ) as other:
        try:
            host_own = namespace(os.getpid(), option)
            name = "pid_for_children" if option == "pid" else KINDS[option]
            path = f"/proc/{other.pid}/ns/{name}"
            wait_for(lambda: linked(path) not in ("", host_own))
            box = host.start(*FOREVER, stop_timeout=0, **asked(option, f"ns:{path}"))
            assert namespace(pid_of(box), option) == os.readlink(path)
            host.bring("box", "absent", stop_time=0)
        finally:
            other.kill()


def linked(path: str) -> str:
    """Return a symlink's target, or "" if there is none."""
    try:
        return os.readlink(path)
    except OSError:
        return ""


def wait_for(condition) -> None:
    """Wait until the condition holds."""
    from enginehost import eventually

    eventually(condition, "another namespace")


def test_the_files_of_a_shared_network(host):
    """A container that joins a network namespace uses its hosts and resolv.conf, also in a chain."""
    first = pid_of(host.start(*FOREVER, name="first", stop_timeout=0, hostname="db.example"))
    host.start(*FOREVER, name="second", stop_timeout=0, network=["container:first"])
    third = pid_of(host.start(*FOREVER, name="third", stop_timeout=0, network=["container:second"]))
    for path in ("/etc/hosts", "/etc/resolv.conf"):
        assert os.path.samefile(f"/proc/{first}/root{path}", f"/proc/{third}/root{path}")
    assert "db.example" in inside(third, "/etc/hosts")
    assert inside(third, "/etc/hostname") != inside(first, "/etc/hostname")


def test_the_shared_memory_of_a_shared_ipc(host):
    """A container that joins an IPC namespace shares its /dev/shm, also the host's; ``none`` has none."""
    first = host.start(*FOREVER, name="first", stop_timeout=0)
    host.start(
        "/bin/sh",
        "-c",
        "echo hello > /dev/shm/x; sleep 1000",
        name="second",
        stop_timeout=0,
        ipc="container:first",
    )
    wait_for(lambda: os.path.exists(f"/proc/{pid_of(first)}/root/dev/shm/x"))
    assert inside(pid_of(first), "/dev/shm/x") == "hello\n"
    shared = pid_of(host.start(*FOREVER, name="third", stop_timeout=0, ipc="host"))
    assert os.path.samefile(f"/proc/{shared}/root/dev/shm", "/dev/shm")
    none = pid_of(host.start(*FOREVER, name="fourth", stop_timeout=0, ipc="none"))
    assert not os.path.ismount(f"/proc/{none}/root/dev/shm")


def test_the_host_name_of_a_shared_uts(host):
    """A container that joins a UTS namespace has its host name, in the kernel, /etc/hostname and HOSTNAME."""
    host.start(*FOREVER, name="first", stop_timeout=0, hostname="db.example")
    script = "hostname; cat /etc/hostname; echo $HOSTNAME; sleep 1000"
    host.start("/bin/sh", "-c", script, stop_timeout=0, uts="container:first")
    host.said("db.example")
    wait_for(lambda: len(host.log()[0].split()) == 3)
    assert host.log()[0].split() == ["db.example"] * 3
    host.start("/bin/sh", "-c", script, name="second", stop_timeout=0, uts="host")
    wait_for(lambda: len(host.log("second")[0].split()) == 3)
    assert host.log("second")[0].split() == [os.uname().nodename] * 3


def test_processes_of_a_shared_pid_namespace(host):
    """A container that joins a PID namespace sees its processes; its own processes there end with it."""
    host.start("/bin/sleep", "4711", name="first", stop_timeout=0)
    host.start("/bin/sh", "-c", "sleep 4712 & ps; sleep 1000", stop_timeout=0, pid="container:first")
    wait_for(lambda: "sleep 4711" in host.log()[0])
    box = pid_of(host.inspect())
    children = Path(f"/proc/{box}/task/{box}/children").read_text().split()
    os.kill(box, signal.SIGKILL)
    assert host.ended()["State"]["ExitCode"] == 137
    # PID 1 of the shared namespace is their parent now, and does not reap them: they are zombies at most.
    assert len(children) == 1
    wait_for(lambda: Process.of(int(children[0])) is None)
    assert host.inspect("first")["State"]["Running"]


def test_a_container_that_does_not_run(host):
    """The container whose namespace is joined is started first; otherwise the error names it."""
    host.want("created", *FOREVER, name="first", stop_timeout=0)
    with pytest.raises(WrongState, match="first"):
        host.want("started", *FOREVER, ipc="container:first", start_dependencies=False)
    box = host.start(*FOREVER, ipc="container:first", stop_timeout=0)
    first = host.inspect("first")
    assert namespace(pid_of(first), "ipc") == namespace(pid_of(box), "ipc") != namespace(os.getpid(), "ipc")


def test_a_container_that_is_not_there(host):
    """The error about an unknown container has similar names."""
    host.want("created", *FOREVER, name="first")
    with pytest.raises(NotFound, match="near: first"):
        host.start(*FOREVER, ipc="container:frist")
    if host.inspect():
        host.bring("box", "absent")


def test_a_private_ipc_is_not_shared(host):
    """The IPC namespace of a container with ipc: private cannot be joined."""
    host.start(*FOREVER, name="first", stop_timeout=0, ipc="private")
    with pytest.raises(InvalidOption, match="cannot be joined"):
        host.start(*FOREVER, ipc="container:first")
    host.bring("box", "absent")


def test_a_path_that_is_no_such_namespace(host):
    """A missing path, and one that is not a namespace of the kind, are refused beforehand."""
    for path, why in {
        "/nonexistent": "can't be read",
        "/etc/hosts": "is not a namespace",
        "/proc/self/ns/net": "is a namespace of kind network, not ipc",
    }.items():
        with pytest.raises(InvalidOption, match=why):
            host.start(*FOREVER, ipc=f"ns:{path}")
        assert host.inspect() == {}


@pytest.mark.parametrize("option", KINDS)
def test_one_container_by_name_or_id(host, option):
    """Naming a container by name, id or short id is the same, and changes nothing."""
    ident = host.want("created", *FOREVER, name="first").result["container"]["Id"]
    host.want("created", *FOREVER, **asked(option, "container:first"))
    for text in (ident, ident[:12], "first"):
        again = host.want("created", *FOREVER, **asked(option, f"container:{text}"))
        assert (again.actions, again.differences) == ((), ()), text
    host.want("created", *FOREVER, name="other")
    changed = host.want("created", *FOREVER, **asked(option, "container:other"))
    assert [one.option for one in changed.differences] == [option]
