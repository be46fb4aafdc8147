# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of a running container that can't work leave it unchanged; those that can work are accepted."""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
from pathlib import Path

import pytest

from _engine.errors import EngineError, StoreFull
from _engine.kernel import mounts
from _engine.kernel.cgroup import cgroups
from _engine.lifecycle.image.remove import remove_image
from dockerarchive import Link, Program, layer, write_archive
from enginehost import Host
from hybrid import without_hybrid

SLEEP = ("sleep", "1000")
#: An ELF file for a nonexistent architecture, and one whose loader is missing.
FOREIGN = struct.pack(
    "<4sBBBB8xHHIQQQIHHHHHH", b"\x7fELF", 2, 1, 1, 0, 2, 0x1234, 1, 0, 0, 0, 0, 64, 56, 0, 0, 0, 0
)
_LOADER = b"/lib/ld-nosuch.so\0"
_MACHINE = {"x86_64": 62, "aarch64": 183}[os.uname().machine]
DYNAMIC = (
    struct.pack(
        "<4sBBBB8xHHIQQQIHHHHHH", b"\x7fELF", 2, 1, 1, 0, 2, _MACHINE, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0
    )
    + struct.pack("<IIQQQQQQ", 3, 4, 120, 0, 0, len(_LOADER), len(_LOADER), 1)
    + _LOADER
)
FILES = layer(
    {
        "bin/script": Program(b"#!/bin/sh\nexec sleep 1000\n"),
        "bin/twice": Program(b"#!/bin/script\n"),
        "bin/lost": Program(b"#!/nosuch -x\n"),
        "bin/crlf": Program(b"#!/bin/sh\r\n"),
        "bin/text": Program(b"exec sleep 1000\n"),
        "bin/empty": Program(b""),
        "bin/foreign": Program(FOREIGN),
        "bin/dynamic": Program(DYNAMIC),
        "bin/loop": Link("loop"),
        "bin/dangling": Link("/nosuch"),
        "bin/outside": Link("/data/run"),
        "bin/data": b"no program",
        "etc/link": Link("passwd"),
        "work": None,
        "work/run": Program(b"#!/bin/sh\nexec sleep 1000\n"),
    }
)
IMAGE_OVER_A_FILE = {"mount": ["type=image,source=localhost/box:1,destination=/etc/passwd"]}
#: Errors that only the runtime itself finds, so that check mode can't.
TRIED = {
    "an image over a file": IMAGE_OVER_A_FILE,
    "a profile that is none": {"security_opt": ["seccomp={tmp}/profile.json"]},
    "a place in the kernel's files": {"volume": ["/etc/hosts:/proc/nosuch"]},
    "a tmpfs too small for the image": {"tmpfs": {"/bin": "size=4k"}},
    "a weight without its controller": {"blkio_weight": 500},
    "a file of the kernel's": {"command": ["/proc/version"]},
    "a device": {"command": ["/dev/null"]},
    "nothing in /dev": {"command": ["/dev/nosuch"]},
    "an overlay on what takes none": {"volume": ["/proc:/x:O"]},
    "PATH in /dev": {"env": {"PATH": "/dev"}},
}
#: Cases that work after all, by runtime.
FINE = {"a weight without its controller": "runc"}
#: Options by what is wrong with them; "command" is the command.
BAD = {
    # those of the case files
    "AppArmor": {"security_opt": ["apparmor=foo"]},
    "no seccomp file": {"security_opt": ["seccomp=/nonexistent.json"]},
    "unknown sysctl": {"sysctl": {"net.foo.bar": "1"}},
    "sysctl of another type": {"sysctl": {"kernel.shmmax": "abc"}},
    "no device": {"device": ["/dev/nonexist"]},
    "no user": {"user": "nosuch"},
    "no group to add": {"group_add": ["nosuch"]},
    "no program": {"command": ["/bin/nosuch"]},
    "no entrypoint": {"entrypoint": "/bin/nosuch"},
    "workdir is a file": {"workdir": "/etc/passwd"},
    "no such processor": {"cpuset_cpus": "9999"},
    "no such memory node": {"cpuset_mems": "99"},
    "no memory": {"memory": "1k"},
    "a score that may not be had": {"oom_score_adj": -1000},
    "no timezone": {"timezone": "Nowhere/Land"},
    "no init": {"init": True, "init_path": "/nosuch"},
    "swappiness out of range": {"memory_swappiness": 500},
    "cgroups v2 on v1": {"cgroup_conf": {"memory.high": "1"}},
    "tmpfs size": {"tmpfs": {"/x": "size=banana"}},
    "tmpfs over a file": {"mount": ["type=tmpfs,destination=/etc/passwd"]},
    "no place for the log": {"log_opt": {"path": "/nosuchdir/a.log"}},
    "a text that execve refuses": {"env": {"A": "x" * 131_070}},
    "an argument that execve refuses": {"command": ["sleep", "x" * 131_072]},
    "a directory for the log": {"log_opt": {"path": "/etc"}},
    "a log where nothing is kept": {"log_opt": {"path": "/sys/a.log"}},
    "a log with a long name": {"log_opt": {"path": f"/tmp/{'x' * 256}"}},
    "a log that waits for a reader": {"log_opt": {"path": "{tmp}/fifo"}},
    "a log through a symlink": {"log_opt": {"path": "{tmp}/link"}},
    "a log that is begun anew through a symlink": {"log_opt": {"path": "{tmp}/anew"}},
    "a log where anybody writes": {"log_opt": {"path": "{tmp}/open/a.log"}},
    "a log that the container can exchange": {
        "log_opt": {"path": "{tmp}/directory/a.log", "max_size": "1m"},
        "volume": ["{tmp}/directory:/logs"],
    },
    "a profile that waits for a writer": {"security_opt": ["seccomp={tmp}/fifo"]},
    "ids that the kernel has not": {"uidmap": ["0:4294967290:10"]},
    "no container for ipc": {"ipc": "container:nosuch"},
    "no namespace": {"network": ["ns:/nosuch"]},
    "file over a directory": {"volume": ["/etc/hosts:/etc"]},
    "host name too long": {"hostname": "a" * 120},
    "a parent outside": {"cgroup_parent": "/../x"},
    "no device rule": {"device_cgroup_rule": ["z 1:1 rwm"]},
    "a file as namespace": {"pid": "ns:/etc/passwd"},
    "no name of a variable": {"env": {"A=B": "x"}},
    # programs
    "no program in PATH": {"command": ["nosuch"]},
    "PATH without it": {"env": {"PATH": "/etc:/nosuch"}, "command": ["sleep"]},
    "not executable": {"command": ["/etc/passwd"]},
    "not executable in PATH": {"command": ["data"]},
    "a directory": {"command": ["/etc"]},
    "below a file": {"command": ["/etc/passwd/x"]},
    "a loop of links": {"command": ["/bin/loop"]},
    "a link to nothing": {"entrypoint": ["/bin/dangling"]},
    "no interpreter": {"command": ["/bin/lost"]},
    "an interpreter with a carriage return": {"command": ["crlf"]},
    "no program at all": {"command": ["/bin/text"]},
    "an empty file": {"command": ["/bin/empty"]},
    "another processor": {"command": ["/bin/foreign"]},
    "no loader": {"command": ["/bin/dynamic"]},
    "below an init": {"init": True, "command": ["/bin/nosuch"]},
    "not the user's": {"command": ["/bin/private"], "user": "app"},
    "behind another's directory": {"command": ["/closed/sh"], "user": "1000:1000"},
    "not root's without its capability": {"command": ["/closed/sh"], "cap_drop": ["ALL"], "user": "5:5"},
    "relative": {"command": ["./nosuch"], "workdir": "/bin"},
    "in a bind": {"command": ["/tools/nosuch"], "volume": ["{tmp}:/tools"]},
    "through a link into a bind": {"command": ["/bin/outside"], "volume": ["{tmp}:/data"]},
    "in a bind below /dev": {"command": ["/dev/tools/nosuch"], "volume": ["{tmp}:/dev/tools"]},
    "mounted with noexec": {"volume": ["fresh:/bin:noexec"]},
    "in a tmpfs with noexec": {"tmpfs": {"/bin": "noexec"}},
    # paths
    "workdir below a file": {"workdir": "/etc/passwd/x"},
    "workdir is a link to a file": {"workdir": "/etc/link"},
    "workdir in a loop": {"workdir": "/bin/loop"},
    "tmpfs below a file": {"tmpfs": {"/etc/passwd/x": ""}},
    "volume over a file": {"volume": ["data:/etc/passwd"]},
    "anonymous volume over a file": {"volume": ["/etc/group"]},
    "directory over a file": {"volume": ["{tmp}:/etc/passwd"]},
    "directory over a link to a file": {"volume": ["{tmp}:/etc/link"]},
    "directory below a file": {"volume": ["{tmp}:/etc/passwd/y"]},
    "file over a directory in a bind": {"volume": ["{tmp}:/data", "/etc/hosts:/data/directory"]},
    # parameters
    "word for a number": {"sysctl": {"net.ipv4.ip_forward": "yes"}},
    "number out of range": {"sysctl": {"kernel.msgmax": "-4"}},
    "unknown parameter of mqueue": {"sysctl": {"fs.mqueue.nosuch": "1"}},
    "the host's parameter": {"network": ["host"], "sysctl": {"net.ipv4.ip_forward": "1"}},
    # others
    "a directory as init": {"init": True, "init_path": "/etc"},
    "a script as init": {"init": True, "init_path": "{tmp}/script.sh"},
    "an init for another processor": {"init": True, "init_path": "{tmp}/foreign.elf"},
    "an init whose loader the container lacks": {"init": True, "init_path": "{tmp}/dynamic.elf"},
    "a file as device": {"device": ["/etc/passwd"]},
    "no JSON": {"security_opt": ["seccomp=/etc/passwd"]},
    "no hooks": {"hooks_dir": ["/nosuch"]},
    "no image": {"image": "localhost/nosuch:1"},
    "no bind": {"volume": ["/nosuch/source:/x"]},
    "no container for pid": {"pid": "container:nosuch"},
    "no container for volumes": {"volumes_from": ["nosuch"]},
    "no container that it needs": {"requires": ["nosuch"]},
    "another kind of namespace": {"pid": "ns:/proc/1/ns/net"},
    "no root file system": {"image": "/nosuch", "rootfs": True},
    # limits that kill each process at its start, or the runtime before
    "no time on a processor": {"ulimit": ["cpu=0:0"]},
    "no time on a processor at first": {"ulimit": ["cpu=0:10"]},
    "no stack": {"ulimit": ["stack=0"]},
    "a page of stack": {"ulimit": ["stack=4096"]},
    "no process for a user": {"ulimit": ["nproc=0"], "user": "1000"},
    "no process for root in a namespace": {"ulimit": ["nproc=0"], "uidmap": ["0:100000:65536"]},
    "memory for no process": {"memory": "200k", "env": {"A": "1"}},
    "memory for no part of one": {"memory": "500k", "env": {"A": "1"}},
    "less swap than memory": {"memory": "64m", "memory_swap": "32m"},
    "no period": {"cpu_period": 1},
    "hardly a processor": {"cpus": "0.001"},
    # cgroups
    "a parent with a long name": {"cgroup_parent": f"/{'x' * 256}"},
    "a parent with a long path": {"cgroup_parent": "/x" * 2040},
    "a parent that is the kernel's file": {"cgroup_parent": "/cgroup.procs"},
    "a parent below the kernel's file": {"cgroup_parent": "/cgroup.procs/x"},
    "a parent that will be the kernel's file": {"cgroup_parent": "/new/cgroup.procs"},
    "a parent of two lines": {"cgroup_parent": "/a\nb"},
    # devices
    "a device over a file": {"device": ["/dev/null:/etc/passwd"]},
    "a device over a link to a file": {"device": ["/dev/null:/etc/link"]},
    "a device over a directory": {"device": ["/dev/null:/etc"]},
    "a device over a mount": {"device": ["/dev/null:/data"], "volume": ["{tmp}:/data"]},
    "a device below a file": {"device": ["/dev/null:/etc/passwd/x"]},
    "a device over the container's own": {"device": ["/dev/null:/dev/shm"]},
    "a device over a file of the engine's": {"device": ["/dev/null:/etc/hosts"]},
    # namespaces and other containers
    "its own ipc": {"ipc": "container:box"},
    "its own processes": {"pid": "container:box"},
    "its own network": {"network": ["container:box"]},
    "its own users": {"userns": "container:box"},
    "its own volumes": {"volumes_from": ["box"]},
    "a private ipc": {"ipc": "container:shut"},
    "a private ipc of one that is started for it": {"ipc": "container:halted", "pid": "container:halted"},
    "the host name of another's": {"uts": "container:other", "hostname": "x"},
    # mounts
    "a place with a long name": {"volume": [f"/etc/hosts:/{'x' * 256}"]},
    "a place with a long path": {"volume": [f"/etc/hosts:{'/x' * 2100}"]},
    "a source that a program waits for": {"volume": ["{tmp}/fifo:/etc/passwd"]},
    "the same through a directory": {"volume": ["{tmp}/accounts:/etc"]},
    "accounts without an end": {"volume": ["/dev/zero:/etc/group"]},
    "accounts of the kernel's": {"volume": ["/proc/kmsg:/etc/passwd"]},
    "contrary words": {"volume": ["{tmp}:/x:ro,rw"]},
    "ids that are none": {"volume": ["{tmp}:/x:idmap=uids=0-a-1"]},
    # ids
    "a group too large": {"group_add": ["4294967295"]},
    "a user too large": {"user": "4294967294"},
    "ids that overlap": {"uidmap": ["0:100000:10", "5:200000:10"]},
    "ids of nobody": {"subuidname": "nosuch", "subgidname": "nosuch"},
    # texts
    "a signal that is none": {"stop_signal": "SIGNOSUCH"},
    "a mask that is none": {"umask": "0999"},
    "a label without a name": {"label": {"": "x"}},
    "an annotation without a name": {"annotation": {"": "x"}},
    "a check of nothing": {"healthcheck": ""},
    "a check never tried": {"healthcheck": "true", "healthcheck_retries": 0},
    "a size of a log that is none": {"log_opt": {"max_size": "much"}},
    "a log driver that is none": {"log_driver": "syslog"},
    "an option of security that is none": {"security_opt": ["nosuch=1"]},
    # hooks
    "a hook file that waits for a writer": {"hooks_dir": ["{tmp}/waiting"]},
    "a hook file that has no end": {"hooks_dir": ["{tmp}/endless"]},
    "a hook that is no program": {"hooks_dir": ["{tmp}/lost"]},
    "a hook that is not executable": {"hooks_dir": ["{tmp}/text"]},
    "a hook without an interpreter": {"hooks_dir": ["{tmp}/script"]},
    "a hook for another processor": {"hooks_dir": ["{tmp}/foreign"]},
    "a hook that the container lacks": {"hooks_dir": ["{tmp}/inside"]},
    **TRIED,
}


@pytest.fixture
def image(built, busybox):
    """Return an image with programs of all kinds."""
    return built("localhost/kinds:1", busybox, FILES, private_layer())


def private_layer() -> bytes:
    """Return a layer with a program, and another in a directory, that only root may use."""
    import io
    import tarfile

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, mode, kind in (("closed", 0o700, tarfile.DIRTYPE), ("bin/private", 0o700, tarfile.REGTYPE)):
            entry = tarfile.TarInfo(path)
            entry.mode, entry.type = mode, kind
            tar.addfile(entry)
        entry = tarfile.TarInfo("closed/sh")
        entry.type, entry.linkname = tarfile.SYMTYPE, "/bin/sh"
        tar.addfile(entry)
    return buffer.getvalue()


@pytest.fixture
def place(tmp_path):
    """Return a directory of the host with the files that the cases name."""
    (tmp_path / "profile.json").write_text(json.dumps({"defaultAction": "SCMP_ACT_NOSUCH"}))
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "fifo")
    for name in ("waiting", "endless", "accounts"):
        (tmp_path / name).mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "other")
    (tmp_path / "anew.tmp").symlink_to(tmp_path / "other")
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    os.mkfifo(tmp_path / "waiting/hook.json")
    os.mkfifo(tmp_path / "accounts/passwd")
    (tmp_path / "endless/hook.json").symlink_to("/dev/zero")
    (tmp_path / "script.sh").write_text("#!/nosuch\n")
    (tmp_path / "foreign.elf").write_bytes(FOREIGN)
    (tmp_path / "dynamic.elf").write_bytes(DYNAMIC)
    for name in ("script.sh", "foreign.elf", "dynamic.elf"):
        (tmp_path / name).chmod(0o755)
    write_hook(tmp_path / "lost", "/nosuch", "createRuntime")
    write_hook(tmp_path / "text", "/etc/passwd", "createRuntime")
    write_hook(tmp_path / "script", f"{tmp_path}/script.sh", "createContainer")
    write_hook(tmp_path / "foreign", f"{tmp_path}/foreign.elf", "poststop")
    write_hook(tmp_path / "inside", "/bin/nosuch", "startContainer")
    return tmp_path


def write_hook(directory: Path, program: str, *stages: str) -> None:
    """Create a directory with a hook for every container."""
    directory.mkdir(exist_ok=True)
    hook = {"version": "1.0.0", "hook": {"path": program}, "when": {"always": True}, "stages": stages}
    (directory / "hook.json").write_text(json.dumps(hook))


def filled(options: dict, place: Path) -> dict:
    """Return the options with the directory's path filled in."""
    return json.loads(json.dumps(options).replace("{tmp}", str(place)))


def change(host, options: dict, **mode):
    """Converge the container to these options."""
    asked = {"image": "localhost/kinds:1", "command": list(SLEEP), **options}
    command = asked.pop("command")
    return host.want("started", *command, stop_time=0, settings=mode, **asked)


def look(host) -> tuple:
    """Return the container's shape, and everything that a change could leave behind."""
    return host.inspect(), host.record(), sorted(host.leftovers())


def parted(before: tuple, now: tuple) -> tuple[tuple, list[str]]:
    """Return the differences of two observations: of the shape, and of files, mounts and rows."""
    differ = tuple((old, new) for old, new in zip(before[:2], now[:2]) if old != new)
    return differ, sorted({*before[2]} ^ {*now[2]})


def test_bad_changes(host, image, place):
    """An impossible change is refused with our own error, and the running container is unchanged."""
    host.start(*SLEEP, name="other", ipc="shareable")
    host.start(*SLEEP, name="shut", ipc="private")
    host.want("created", *SLEEP, name="halted", ipc="private")
    change(host, {})
    before = look(host)
    wrong = []
    for case, options in BAD.items():
        if FINE.get(case) == host.runtime:
            continue
        tolerated = case in TRIED
        for mode in ({}, {"read_only": True}):
            try:
                outcome = change(host, filled(options, place), **mode)
                wrong += [] if mode and tolerated else [(case, mode, outcome.actions)]
            except EngineError as error:
                wrong += [] if str(error) else [(case, mode, "says nothing")]
                # Check mode only warns about what an earlier task of the play could provide.
                tolerated = tolerated or error.mended_by
            if look(host) != before:
                now = look(host)
                wrong.append(
                    (
                        case,
                        mode,
                        [(a, b) for a, b in zip(before, now) if a != b and not isinstance(a, list)],
                        set(before[2]) ^ set(now[2]),
                    )
                )
                change(host, {})
                before = look(host)
    assert wrong == [], "\n".join(map(str, wrong))
    assert len(BAD) >= 130


#: The task's ``rc``, by what is wrong with the program.
CODES = {
    "no program": 127,
    "no program in PATH": 127,
    "no interpreter": 127,
    "no loader": 127,
    "not executable": 126,
    "a directory": 126,
    "no program at all": 126,
    "another processor": 126,
    "not the user's": 126,
}


def test_code_of_a_program_that_does_not_run(host, image):
    """A missing program is 127, one that can't be run 126, and nothing was created for it."""
    before = look(host)
    for case, code in CODES.items():
        with pytest.raises(EngineError) as caught:
            change(host, BAD[case])
        assert (case, caught.value.fields["rc"]) == (case, code)
        assert look(host) == before


def test_a_volume_that_can_not_be_mounted(host, tmp_path):
    """An invalid file system is detected while the old container runs, and nothing stays mounted."""
    disk = tmp_path / "disk"
    disk.write_bytes(bytes(1 << 20))
    host.volume("bad", "present", "type=ext4", f"device={disk}")
    host.start(*SLEEP)
    before, mounts = look(host), host.mounts()
    with pytest.raises(EngineError, match="box is unchanged"):
        host.want("started", *SLEEP, volume=["bad:/data"])
    assert (look(host), host.mounts()) == (before, mounts)


def test_a_program_that_is_no_runtime(host):
    """A runtime that exits successfully without creating a container leaves the running one unchanged."""
    host.start(*SLEEP)
    before = look(host)
    with pytest.raises(EngineError, match="is not an OCI runtime"):
        host.want("started", *SLEEP, env={"A": "1"}, settings={"runtime": "/bin/true"})
    assert parted(before, look(host)) == ((), [])


#: Changes that look wrong at first glance, but work.
GOOD = {
    "a log where anybody may have a file": {"log_opt": {"path": "{tmp}/sticky/a.log"}},
    "a log in a directory that the container reads": {
        "log_opt": {"path": "{tmp}/tools/a.log", "max_size": "1m"},
        "volume": ["{tmp}/tools:/logs:ro"],
    },
    "a script": {"command": ["script"]},
    "a script of a script": {"command": ["/bin/twice"]},
    "a program in a bind": {"command": ["/tools/run"], "volume": ["{tmp}/tools:/tools"]},
    "a link into a bind": {"command": ["outside"], "volume": ["{tmp}/tools:/data"]},
    "a program in a volume": {"command": ["/tools/run"], "volume": ["tools:/tools"]},
    "a program in what a volume is filled with": {
        "command": ["./run"],
        "workdir": "/work",
        "volume": ["fresh:/work"],
    },
    "a program over a text": {"command": ["/bin/text"], "volume": ["{tmp}/tools/run:/bin/text"]},
    "a directory that is made": {"workdir": "/new/place"},
    "a mount in a bind": {
        "volume": ["{tmp}/tools:/tools", "inner:/tools/inner"],
        "tmpfs": {"/tools/more": ""},
    },
    "a working directory in a bind": {"volume": ["{tmp}/tools:/tools"], "workdir": "/tools/work"},
    "an overlay": {"volume": ["{tmp}/tools:/tools:O"], "command": ["/tools/run"]},
    "an image": {
        "mount": ["type=image,source=localhost/box:1,destination=/other"],
        "command": ["/other/bin/sleep", "9"],
    },
    "a part of a fresh volume": {"mount": ["type=volume,source=parts,destination=/parts,subpath=a/b"]},
    "a tmpfs with a program": {"tmpfs": {"/bin": ""}, "command": ["sleep", "1000"]},
    "a terminal": {"tty": True, "interactive": True},
    "an init": {"init": True, "command": ["script"]},
    "read-only": {"read_only": True, "user": "app"},
    "privileged": {"privileged": True},
    "others' namespaces": {
        "ipc": "container:other",
        "pid": "container:other",
        "network": ["container:other"],
    },
    "the host's namespaces": {"ipc": "host", "pid": "host", "network": ["host"], "uts": "host"},
    "a parent": {"cgroup_parent": "/slipway-bad-changes"},
    "a parameter": {"sysctl": {"net.ipv4.ip_forward": "1", "kernel.msgmax": "65536"}},
    "no entrypoint": {"entrypoint": []},
    "a capability that the host has not": {"cap_add": ["SYS_RESOURCE"]},
    "a limit above the host's": {"ulimit": ["memlock=-1:-1", "nofile=100:200"]},
    "little shared memory": {"shm_size": "1"},
}


def test_good_changes(host, image, place):
    """A change that can work is accepted, replaces the container, and the new one runs."""
    tools = place / "tools"
    tools.mkdir()
    (place / "sticky").mkdir()
    (place / "sticky").chmod(0o1777)
    run = tools / "run"
    run.write_text("#!/bin/sh\nexec sleep 1000\n")
    run.chmod(0o755)
    host.volume("tools")
    (host.data("tools") / "run").write_bytes(run.read_bytes())
    (host.data("tools") / "run").chmod(0o755)
    host.start(*SLEEP, name="other", ipc="shareable")
    change(host, {})
    for case, options in GOOD.items():
        before = host.inspect()["Id"]
        wanted = filled(options, place)
        predicted = change(host, wanted, read_only=True)
        outcome = change(host, wanted)
        assert (case, predicted.actions, predicted.warnings) == (case, outcome.actions, outcome.warnings)
        shape = outcome.result["container"]
        assert (case, shape["State"]["Status"], shape["Id"] != before) == (case, "running", True)
    assert not os.path.exists(host.layout.trials)


def test_a_limit_above_the_hosts_is_lowered(host):
    """A limit above the host's own is lowered, and the result says so."""
    outcome = host.want("started", *SLEEP, ulimit=["nofile=100:-1"])
    [warning] = outcome.warnings
    assert "nofile=unlimited" in warning
    limits = Path(f"/proc/{outcome.result['container']['State']['Pid']}/limits").read_text()
    [line] = [line.split() for line in limits.splitlines() if line.startswith("Max open files")]
    assert line[3] == "100"
    assert line[4] in warning


def test_a_failed_trial_touches_nothing_of_the_host(host, place):
    """Everything that a new container would mount is unchanged: mount points, files, owners, volumes."""
    data = place / "directory"
    hooks, trace = place / "hooks", place / "trace"
    hooks.mkdir()
    hook = {"version": "1.0.0", "hook": {"path": "/bin/touch", "args": ["touch", str(trace)]}}
    hooks.joinpath("one.json").write_text(
        json.dumps({**hook, "when": {"always": True}, "stages": ["createRuntime", "precreate"]})
    )
    host.volume("empty")
    host.start(*SLEEP)
    before = (host.picture(), [*data.iterdir()], data.stat().st_uid, host.inspect())
    with pytest.raises(EngineError, match="box is unchanged") as caught:
        host.want(
            "started",
            *SLEEP,
            stop_time=0,
            hooks_dir=[str(hooks)],
            workdir="/bound/work",
            volume=[f"{data}:/bound", "fresh:/bound/fresh", "empty:/etc", "/anonymous", f"{data}:/own:U"],
            user="1000",
            tmpfs={"/bound/scratch": ""},
            device=["/dev/null:/bound/null"],
            **IMAGE_OVER_A_FILE,
        )
    assert (host.picture(), [*data.iterdir()], data.stat().st_uid, host.inspect()) == before
    assert not trace.exists()
    assert caught.value.fields["container"]["State"] == host.inspect()["State"]


#: Recreates a container with another variable, and kills itself when it calls the function of the engine.
KILLED = """
import os, signal, sys, threading
from pathlib import Path
from enginehost import Host
from hybrid import without_hybrid
top, runtime, image, fatal, *hooks = sys.argv[1:]

def watch(frame, event, _argument):
    code = frame.f_code
    if event == "call" and code.co_name == fatal and "/_engine/" in code.co_filename:
        os.kill(os.getpid(), signal.SIGKILL)

threading.setprofile(watch)
sys.setprofile(watch)
Host(Path(top), runtime, image).want(
    "present", "sleep", "1000", env={"A": "2"}, stop_time=0, volume=["fresh:/work", "/etc"],
    **({"hooks_dir": hooks} if hooks else {}),
)
"""
#: Functions that the task calls during the trial.
IN_TRIAL = ("runtime_of", "cover_place", "run_to_file", "tear_down", "clear_path")


def without_locks(host) -> list[str]:
    """Return what exists except lock files, which a killed process leaves and the kernel unlocks."""
    return sorted(name for name in host.leftovers() if f"{host.layout.locks}/" not in name)


@pytest.mark.parametrize("fatal", IN_TRIAL)
def test_killed_in_its_trial(host, python_child, fatal):
    """A task killed during its trial leaves the old container running; the next verb cleans up the trial."""
    shape = host.start(*SLEEP, env={"A": "1"})
    before = without_locks(host)
    with python_child(KILLED, host.top, host.runtime, host.image, fatal) as child:
        child.wait(60)
    assert child.returncode == -signal.SIGKILL
    assert os.listdir(host.layout.trials)
    assert host.inspect() == shape
    with host.open():  # whatever the verb
        pass
    assert without_locks(host) == before
    assert host.inspect() == shape


def test_nothing_of_a_killed_trial_outlives_the_container(host, python_child):
    """Absent after a kill during the trial leaves no cgroup, no process and no file."""
    host.start(*SLEEP, env={"A": "1"})
    with python_child(KILLED, host.top, host.runtime, host.image, "tear_down") as child:
        child.wait(60)
    host.bring("box", "absent", stop_time=0)
    assert (host.mounts(), host.cgroups(), os.listdir(host.layout.runtime_root)) == ([], [], [])


#: Functions that fill the volumes of a new container before the old one is stopped.
FILLING = ("_copy_for_anonymous", "copied_aside", "copy_tree", "mark_copied", "stop")


@pytest.mark.parametrize("fatal", FILLING)
def test_killed_while_it_fills_volumes(host, image, python_child, fatal):
    """A task killed while filling volumes leaves the old container running; the next one replaces it."""
    shape = host.start(*SLEEP, image=image, env={"A": "1"})
    with python_child(KILLED, host.top, host.runtime, image, fatal) as child:
        child.wait(60)
    assert child.returncode == -signal.SIGKILL
    assert host.inspect() == shape
    task = {"env": {"A": "2"}, "stop_time": 0, "volume": ["fresh:/work", "/etc"]}
    assert host.want("present", *SLEEP, image=image, **task).changed
    assert host.inspect()["State"]["Status"] == "running"
    assert [one.name for one in host.data("fresh").iterdir()] == ["run"]
    assert not [one for one in host.files() if ".copyup-" in one or "/staging/" in one]


#: Functions that a replacement calls once the old container is stopped or removed.
AFTER_STOP = ("_wait", "remove_held", "_moved", "prepare_directories", "mount_rootfs", "started")


@pytest.mark.parametrize("fatal", AFTER_STOP)
def test_killed_in_a_replacement(host, python_child, fatal):
    """Killed at any point after the old container's stop, the next task with the spec runs the new one."""
    host.start(*SLEEP, env={"A": "1"})
    with python_child(KILLED, host.top, host.runtime, host.image, fatal) as child:
        child.wait(60)
    assert child.returncode == -signal.SIGKILL
    task = {"env": {"A": "2"}, "stop_time": 0, "volume": ["fresh:/work", "/etc"]}
    assert host.want("present", *SLEEP, **task).changed or fatal == "started"
    assert host.inspect()["State"]["Status"] == "running"
    assert "A=2" in host.inspect()["Config"]["Env"]
    assert not host.want("present", *SLEEP, **task).changed


#: Stages in which a hook fails a start; in startContainer it exits like a program, and crun continues after poststart.
STAGES = ("precreate", "prestart", "createRuntime", "createContainer")


def test_failed_replacement_brings_the_old_one_back(host, place):
    """A replacement that fails to start after all restores the old container, with its files and volumes."""
    hooks = place / "directory"
    old = host.start(*SLEEP, volume=["/kept"])["Id"]
    host.start(*SLEEP, name="other", requires=["box"])
    host.agent("exec", "box", "sh", "-c", "echo mine > /etc/mine; echo mine > /kept/mine")
    volumes, files = host.volumes(), {*host.files()}
    task = {"hooks_dir": [str(hooks)], "stop_time": 0, "volume": ["/kept", "/new", "named:/data"]}
    for stage in (*STAGES, *["poststart"] * (host.runtime == "runc")):
        write_hook(hooks, "/bin/false", stage)
        with pytest.raises(EngineError, match=f"{old[:12]}.* runs again") as caught:
            host.want("present", *SLEEP, **task)
        told = caught.value.fields
        assert (stage, told["changed"], told["actions"]) == (stage, True, ["stopped box", "started box"])
        shape = host.inspect()
        assert (stage, shape["Id"], shape["State"]["Status"]) == (stage, old, "running")
        seen = host.agent("exec", "box", "cat", "/etc/mine", "/kept/mine")
        assert (stage, seen.stdout) == (stage, "mine\nmine\n")
        assert (stage, host.volumes(), {*host.files()} ^ files) == (stage, volumes, set())
        with pytest.raises(EngineError, match="other"):
            host.bring("box", "absent")
    (hooks / "hook.json").unlink()
    assert host.want("present", *SLEEP, **task).actions[-1] == "started box"
    assert host.inspect()["Id"] != old


def test_failed_replacement_of_one_that_fails_too(host, place):
    """An old container that can't be started again either keeps its files, and the next task continues."""
    hooks = place / "directory"
    old = host.start(*SLEEP, hooks_dir=[str(hooks)])["Id"]
    host.agent("exec", "box", "touch", "/etc/mine")
    write_hook(hooks, "/bin/false", "createRuntime")
    for task in ({"env": {"A": "1"}}, {}):
        with pytest.raises(EngineError):
            host.want("present", *SLEEP, hooks_dir=[str(hooks)], stop_time=0, **task)
        assert (host.inspect()["Id"], host.inspect()["State"]["Status"]) == (old, "exited")
    (hooks / "hook.json").unlink()
    assert host.want("present", *SLEEP, hooks_dir=[str(hooks)]).actions == ("started box",)
    assert host.agent("exec", "box", "ls", "/etc/mine").returncode == 0


#: Functions that restore the old container.
BACK = ("_put_back", "remove_held", "_exchange", "keep_marks", "_discard_anonymous", "start_again")


@pytest.mark.parametrize("fatal", BACK)
def test_killed_while_it_brings_the_old_one_back(host, place, python_child, fatal):
    """Killed during the restore, the next task with the new spec runs it, and nothing else is left."""
    write_hook(place / "directory", "/bin/false", "createRuntime")
    hooks = [str(place / "directory")]
    host.start(*SLEEP, env={"A": "1"})
    with python_child(KILLED, host.top, host.runtime, host.image, fatal, *hooks) as child:
        child.wait(60)
    assert child.returncode == -signal.SIGKILL
    (place / "directory/hook.json").unlink()
    task = {"env": {"A": "2"}, "stop_time": 0, "volume": ["fresh:/work", "/etc"], "hooks_dir": hooks}
    assert host.want("present", *SLEEP, **task).changed
    assert (host.inspect()["State"]["Status"], "A=2" in host.inspect()["Config"]["Env"]) == ("running", True)
    assert os.listdir(host.layout.containers) == [host.inspect()["Id"]]
    assert os.listdir(host.layout.staging) == []


def test_stopped_on_purpose_owes_nothing(host):
    """A pending start is cancelled when the user wants the container stopped."""
    host.start(*SLEEP)
    with host.open() as engine:
        from _engine.lifecycle.container.stop import TO_START, stop

        stop(engine, host.record().id, None, timeout=0, marks=TO_START)
    assert host.want("stopped", *SLEEP).actions == ("stopped box",)
    assert host.want("present", *SLEEP).actions == ()
    assert not cgroups.exists(host.layout.cgroup(host.record().id))


# -- copy-up -------------------------------------------------------------------------------------------

#: Content of which two copies fit into the small file system, but not three.
_SIZE = 4 << 20
BIG = layer({"small/file": b"", "none": None, **{f"big{n}/file": bytes([n]) * _SIZE for n in (1, 2, 3)}})


@pytest.fixture
def small_host(runtime, tmp_path, busybox):
    """Return an engine on a file system with space for two of three, a running container and its volume."""
    host = Host(tmp_path, runtime, "localhost/big:1")
    os.mkdir(host.layout.root)
    mounts.tmpfs(host.layout.root, size=64 << 20, mode=0o700)
    try:
        with without_hybrid(host.layout.cgroup_parent):
            host.load(write_archive(tmp_path / "big.tar", host.image, [busybox, BIG]))
            for name in ("disk", "other-disk"):
                host.volume(name, "present", "type=tmpfs", "device=tmpfs", "o=size=1m")
            host.start(*SLEEP, volume=["old:/none", "disk:/none2"])
            seen = os.statvfs(host.layout.root)
            Path(host.layout.root, "ballast").write_bytes(
                bytes(seen.f_bavail * seen.f_frsize - 10 * (1 << 20))
            )
            try:
                yield host
            finally:
                host.clear()
    finally:
        subprocess.run(["umount", host.layout.root], check=True)


#: Volumes of a new container that are too large, by whose they are; "there" is created before.
TOO_LARGE = {
    "new": {"volume": ["new:/small", "fresh:/big1", "more:/big2", "most:/big3"]},
    "there": {"volume": ["there:/big1", "fresh:/big2", "more:/big3"]},
    "of the old container": {"volume": ["old:/big1", "fresh:/big2", "more:/big3"]},
    "anonymous": {"volume": ["/big1", "/big2", "/big3"]},
    "with a file system of its own": {"volume": ["other-disk:/big1", "fresh:/big2"]},
    "the old container's with a file system of its own": {"volume": ["disk:/big1", "fresh:/big2"]},
    "one of each": {"volume": ["old:/big1", "/big2", "fresh:/big3"]},
    "a part": {
        "mount": ["type=volume,source=fresh,destination=/big1,subpath=a"],
        "volume": ["/big2", "there:/big3"],
    },
}


def test_copy_up_that_does_not_fit(small_host):
    """Too little space for a copy-up is detected while the old container runs; new volumes are removed."""
    host = small_host
    for case, options in TOO_LARGE.items():
        if "there" in str(options):
            host.volume("there")
        before, free = look(host), os.statvfs(host.layout.root).f_bfree
        with pytest.raises(StoreFull, match="no space to copy /big") as caught:
            host.want("started", *SLEEP, stop_time=0, **options)
        assert "box is unchanged" in caught.value.remedy
        assert (case, *parted(before, look(host))) == (case, (), [])
        assert os.statvfs(host.layout.root).f_bfree >= free - 64
        assert "changed" not in caught.value.fields
        if "there" in host.volumes():
            host.volume("there", "absent")
    outcome = host.want("started", *SLEEP, stop_time=0, volume=["fresh:/big1", "old:/none", "/big2"])
    assert outcome.actions[:2] == ("created volume fresh", "stopped box")
    assert (host.data("fresh") / "file").stat().st_size == _SIZE


def test_what_is_filled_ahead_is_as_at_a_start(passable_host, busybox):
    """In a replacement with its own users, a new volume gets the same owners as at a first start."""
    host = passable_host
    image = host.build("localhost/owned:1", busybox, layer({"data/file": b"1"}))
    options = {"image": image, "uidmap": ["0:100000:65536"], "gidmap": ["0:200000:65536"], "stop_time": 0}
    host.want("started", *SLEEP, name="other", volume=["first:/data"], **options)
    host.want("started", *SLEEP, **options)
    host.want("started", *SLEEP, volume=["second:/data"], **options)
    seen = [
        [(one.stat().st_uid, one.stat().st_gid) for one in (host.data(name), host.data(name) / "file")]
        for name in ("first", "second")
    ]
    assert seen == [[(100000, 200000)] * 2] * 2
    host.clear()
    with host.open() as engine:
        remove_image(engine, image)


#: Prerequisites of the new container's start that fail.
NEEDED = (
    {"requires": ["broken"]},
    {"pid": "container:broken"},
    {"volume": ["/proc/nosuch/place:/x:create"]},
    {"volume": ["/etc/passwd/x:/x:create", "fresh:/data"]},
)


def test_what_a_replacement_needs_comes_first(host, place):
    """A dependency that does not start, or an impossible directory, leaves the old container running."""
    host.want("created", *SLEEP, name="broken", volume=[f"{place}/directory:/x"])
    (place / "directory").rmdir()
    host.start(*SLEEP)
    before = look(host)
    for options in NEEDED:
        with pytest.raises(EngineError) as caught:
            host.want("started", *SLEEP, stop_time=0, **options)
        assert (options, *parted(before, look(host))) == (options, (), [])
        assert "changed" not in caught.value.fields
