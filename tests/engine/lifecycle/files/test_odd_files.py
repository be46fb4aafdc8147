# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths that are not regular files, named by a task or left by a container: refused without waiting."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import contextmanager
from pathlib import Path

import pytest

from _engine.errors import EngineError
from _engine.lifecycle.files.copy import CopyRequest, copy
from _engine.lifecycle.files.export import ExportRequest, export
from _engine.lifecycle.files.volume_export import VolumeExport, export_volume
from _engine.lifecycle.image.import_image import import_image
from _engine.lifecycle.image.load import load
from _engine.lifecycle.info.info import containers
from _engine.lifecycle.info.last_lines import with_logs
from _engine.lifecycle.volume.import_archive import VolumeImport, import_volume

FOREVER = ("sleep", "1000")
#: Seconds: far less than for ever.
SOON = 10


def fifo(path: Path) -> None:
    """Create a FIFO that has no writer."""
    os.mkfifo(path)


def sock(path: Path) -> None:
    """Create a socket that has no listener."""
    with socket.socket(socket.AF_UNIX) as one, inside(path.parent):
        one.bind(path.name)


@contextmanager
def inside(directory: Path):
    """Change to a directory meanwhile, because a socket's path must be short."""
    before = os.getcwd()
    os.chdir(directory)
    yield
    os.chdir(before)


#: The kinds of things in a file's place.
KINDS = {
    "fifo": fifo,
    "socket": sock,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "kernel log": lambda path: path.symlink_to("/proc/kmsg"),
    "directory": Path.mkdir,
}


def read_env(_engine, path):
    """Read a file of variables."""
    from ansible_collections.slipway.oci.plugins.module_utils._engine.errors import InvalidOption
    from ansible_collections.slipway.oci.plugins.module_utils._module.tasks.env_file import read_env_files

    try:
        return read_env_files([path])
    except InvalidOption as error:  # the class of another copy of the package
        raise EngineError(str(error)) from error


def unpacked(engine, path):
    """Load an unpacked archive with such a thing in place of a file."""
    top = Path(f"{path}-of")
    top.mkdir()
    os.rename(path, top / "manifest.json")
    return load(engine, str(top))


def plain_root(host, path):
    """Use a directory of the host with such a thing in place of its passwd."""
    top = Path(f"{path}-root")
    (top / "etc").mkdir(parents=True)
    os.rename(path, top / "etc/passwd")
    host.want("created", *FOREVER, name="plain", image=str(top), rootfs=True, user="ann")


#: What a task does with a path, by option or module. Those of OF_THE_HOST open an engine themselves.
PLACES = {
    "image_load": load,
    "image_load of a directory": unpacked,
    "image_import": lambda engine, path: import_image(engine, path, "localhost/odd:1"),
    "volume_import": lambda engine, path: import_volume(engine, VolumeImport("data", path)),
    "volume_export": lambda engine, path: export_volume(engine, VolumeExport("data", path)),
    "container_export": lambda engine, path: export(engine, ExportRequest("box", path)),
    "container_copy": lambda engine, path: copy(engine, CopyRequest("box", path, "/tmp/x")),
    "env_file": read_env,
}
OF_THE_HOST = {
    "seccomp": lambda host, path: host.want(
        "created", *FOREVER, name="odd", security_opt=[f"seccomp={path}"]
    ),
    "log_opt": lambda host, path: host.want("created", *FOREVER, name="odd", log_opt={"path": path}),
    "passwd of a plain root": plain_root,
}
#: Accepted on purpose: a directory as a tree, and a device (/dev/null) as a log that keeps nothing.
FINE = {("directory", "image_import"), ("directory", "container_copy"), ("device", "log_opt")}


@contextmanager
def soon(what: str):
    """Fail if the body takes long, even if it blocks in the kernel."""

    def late(*_ignored: object) -> None:
        raise AssertionError(f"{what} waits")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SOON)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("runtime", ["crun"], indirect=True)
def test_a_task_that_names_one(host, tmp_path):
    """Each option that names a file refuses anything else, with the path, and nothing hangs."""
    host.want("created", *FOREVER)
    host.volume("data")
    wrong = []
    for kind, make in KINDS.items():
        for number, (place, act) in enumerate({**PLACES, **OF_THE_HOST}.items()):
            if (kind, place) in FINE:
                continue
            path = tmp_path / f"{kind}-{number}"
            make(path)
            try:
                with soon(f"{place} of a {kind}"):
                    if place in OF_THE_HOST:
                        act(host, str(path))
                    else:
                        with host.open() as engine:
                            act(engine, str(path))
                wrong.append(f"{place} of a {kind} is taken")
            except EngineError as error:
                if not any(name in str(error) for name in (path.name, "/proc/kmsg", "passwd")):
                    wrong.append(f"{place} of a {kind}: {error}")
            except Exception as error:  # noqa: BLE001  (the table is told as a whole)
                wrong.append(f"{place} of a {kind}: {error!r}")
    assert wrong == [], "\n".join(wrong)


def test_a_log_that_was_exchanged(host, tmp_path):
    """Nothing waits for what a container puts in place of its log: reading fails, and the removal works."""
    log = tmp_path / "shared/log"
    log.parent.mkdir()
    host.start(*FOREVER, volume=[f"{log.parent}:/shared"], log_opt={"path": str(log)}, stop_timeout=0)
    for kind in ("fifo", "kernel log", "directory", "socket"):
        log.rename(f"{log}.{kind}")
        KINDS[kind](log)
        with soon(kind), host.open(read_only=True) as engine, pytest.raises(EngineError, match="log"):
            with_logs(engine, containers(engine, ["box"]).result["containers"], 5)
        log.rmdir() if kind == "directory" else log.unlink()
        log.touch()
    fifo(Path(f"{log}.1"))
    with soon("absent"):
        host.bring("box", "absent")


def test_a_log_that_became_a_symlink(host, tmp_path):
    """The next start does not write through a symlink in place of the log."""
    log, target = tmp_path / "shared/log", tmp_path / "target"
    log.parent.mkdir()
    host.start("true", log_opt={"path": str(log)}, restart_policy="always")
    for name in (log, Path(f"{log}.tmp")):
        host.want("stopped", "true", log_opt={"path": str(log)}, restart_policy="always")
        log.unlink()
        name.symlink_to(target)
        with pytest.raises(EngineError, match="through the symbolic link"):
            host.bring("box", "started")
        name.unlink()
        log.touch()
    assert not target.exists()
