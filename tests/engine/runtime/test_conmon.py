# SPDX-License-Identifier: GPL-3.0-or-later
"""Conmon and the runtimes: creation, failures, exits."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest

from _engine.errors import HostLacks, InvalidOption, RuntimeFailed
from _engine.frozen import replace
from _engine.kernel.cgroup import cgroups
from _engine.kernel.process import find_by_argument
from _engine.runtime import conmon, exits, logs, oci


@pytest.mark.parametrize("code", [0, 1, 3, 255])
def test_exit_code(box, code):
    """The exit file has the command's exit code and the current time."""
    before = time.time_ns()
    found, _stdout, _stderr = box.run("sh", "-c", f"exit {code}")
    assert found.code == code
    assert not found.oom_killed
    assert abs(found.finished - before) < 20 * 10**9


def test_killed_by_signal_is_128_and_its_number(box):
    """A killed container exits with 137, and a second KILL reports that nothing was there."""
    launch, started = box.start("sleep", "1000")
    assert started.process.alive()
    assert box.runtime.kill(launch.container.id, signal.SIGKILL)
    found = exits.wait_for_exit(launch.container, 20, monitor=started.monitor)
    assert (found.code, found.oom_killed) == (137, False)
    assert started.process.wait_gone(5)
    assert box.runtime.kill(launch.container.id, signal.SIGKILL) is False


def test_stop_signal_is_the_commands_to_handle(box):
    """A signal reaches the command, whose own exit code is kept."""
    launch, started = box.start("sh", "-c", "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done")
    wait_for_output(launch, "ready\n")
    box.runtime.kill(launch.container.id, signal.SIGTERM)
    assert exits.wait_for_exit(launch.container, 20, monitor=started.monitor).code == 7


def wait_for_output(launch, text):
    """Wait until the log contains exactly this."""
    deadline = time.monotonic() + 20
    while logs.streams(launch.container.log)[0] != text:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_out_of_memory(box):
    """A command that exceeds its memory limit is killed, and distinguished from another 137."""
    found, _stdout, _stderr = box.run("tail", "/dev/zero", memory="16m")
    assert (found.code, found.oom_killed) == (137, True)


def test_log_holds_both_streams(box):
    """Both streams are logged as written: separate, in order, the last line without a line end."""
    _found, stdout, stderr = box.run("sh", "-c", "echo one; echo two >&2; echo; printf last")
    assert (stdout, stderr) == ("one\n\nlast", "two\n")


def test_terminal(box):
    """With a terminal the command has one."""
    found, stdout, _stderr = box.run("tty", tty=True)
    assert (found.code, stdout) == (0, "/dev/pts/0\r\n")


def test_created_is_not_started(box):
    """A created container waits: its state is created, and its command has not run."""
    launch = box.prepare("echo", "ran")
    assert box.runtime.state(launch.container.id) is None
    started = conmon.create(launch)
    state = box.runtime.state(launch.container.id)
    assert (state.status, state.pid) == ("created", started.process.pid)
    assert started.monitor.alive()
    assert logs.streams(launch.container.log) == ("", "")
    assert exits.read_exit(launch.container) is None


def test_states_from_start_to_delete(box):
    """The state is running, then stopped without a PID, and then there is none."""
    launch, started = box.start("sleep", "1000")
    name = launch.container.id
    assert box.runtime.state(name) == oci.RuntimeState("running", started.process.pid)
    box.runtime.kill(name, signal.SIGKILL, everything=True)
    exits.wait_for_exit(launch.container, 20, monitor=started.monitor)
    assert box.runtime.state(name) == oci.RuntimeState("stopped", None)
    box.runtime.delete(name)
    assert box.runtime.state(name) is None
    box.runtime.delete(name)


def test_starting_twice_is_refused_in_the_runtimes_words(box):
    """An error of the runtime is reported without time stamps and levels."""
    launch, _started = box.start("sleep", "1000")
    with pytest.raises(RuntimeFailed) as caught:
        box.runtime.start(launch.container.id)
    assert caught.value.message.startswith(f"{box.runtime.name} start: ")
    assert caught.value.fields == {"runtime": box.runtime.name, "id": launch.container.id}
    assert not any(word in caught.value.message for word in ("level=", "time=", "\n"))


@pytest.mark.parametrize(
    ("command", "words"),
    [("/bin/nope", ("/bin/nope", "o such file or directory")), ("/etc/passwd", ("ermission denied",))],
)
def test_command_that_cannot_run(box, command, words):
    """A missing or non-executable command fails the creation, with the runtime's message.

    Nothing is left, not even the exit command, which conmon runs although nothing has run, and which may wait
    for our lock.
    """
    launch = box.prepare(command, exit_command=("/bin/sleep", f"1000.{os.getpid()}"))
    with pytest.raises(RuntimeFailed) as caught:
        conmon.create(launch)
    assert all(word in caught.value.message for word in words), caught.value.message
    assert_gone(f"1000.{os.getpid()}")
    assert [item for item in box.leftovers() if not item.startswith("cgroup")] == []


def assert_gone(argument):
    """Check that the processes with this argument exit; a kill takes some time."""
    assert all(process.wait_gone(5) for process in find_by_argument(argument))


def test_stale_files_of_an_earlier_run_are_gone(box):
    """Files of an earlier run are not mistaken for the new run's exit."""
    launch = box.prepare("true")
    container = launch.container
    os.makedirs(container.persist)
    stale = [container.exit_file, container.oom_file, container.pid_file, container.conmon_pid_file]
    stale += [f"{container.bundle}/{name}" for name in ("attach", "ctl", "winsz")]
    for path in stale:
        with open(path, "w", encoding="ascii") as file:
            file.write("5")
    started = conmon.create(launch)
    assert exits.read_exit(container) is None
    box.runtime.start(container.id)
    found = exits.wait_for_exit(container, 20, monitor=started.monitor)
    assert (found.code, found.oom_killed) == (0, False)


def test_exit_is_unknown_when_conmon_was_killed(box):
    """Without conmon the exit is not recorded: the wait ends at once, without result."""
    launch, started = box.start("sleep", "1000")
    started.monitor.signal(signal.SIGKILL)
    assert exits.wait_for_exit(launch.container, 20, monitor=started.monitor) is None
    box.runtime.delete(launch.container.id, force=True)
    assert started.process.wait_gone(5)


def test_waiting_has_an_end(box):
    """Waiting for a running container stops at the timeout."""
    launch, started = box.start("sleep", "1000")
    before = time.monotonic()
    assert exits.wait_for_exit(launch.container, 0.2, monitor=started.monitor) is None
    assert 0.2 <= time.monotonic() - before < 5


def test_exit_command_inherits_nothing(box, monkeypatch, tmp_path):
    """The exit command runs after the exit file exists, with a clean environment and no inherited files."""
    monkeypatch.setenv("LISTEN_FDS", "1")
    monkeypatch.setenv("SECRET", "word")
    out = tmp_path / "out"
    inherited = os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(inherited, True)
    script = f"{{ ls {box.layout.exits}; env; readlink /proc/$$/fd/*; }} > {out}.new; mv {out}.new {out}"
    launch, started = box.start("true", exit_command=("/bin/sh", "-c", script))
    os.close(inherited)
    assert started.monitor.wait_gone(20)
    lines = out.read_text().splitlines()
    assert lines[0] == launch.container.id
    assert not any(word in line for line in lines for word in ("LISTEN", "SECRET", "pipe:"))
    assert str(tmp_path) not in lines


def test_only_conmon_is_killed(box):
    """A process that views conmon's PID file during a failing creation is not killed."""
    launch = box.prepare("/bin/nope")
    person = subprocess.Popen(
        ["sh", "-c", "sleep 1000; true", launch.container.conmon_pid_file], start_new_session=True
    )
    try:
        with pytest.raises(RuntimeFailed):
            conmon.create(launch)
        assert person.poll() is None
    finally:
        os.killpg(person.pid, signal.SIGKILL)
        person.wait()


def test_runtime_that_hangs_is_given_up(box, monkeypatch, tmp_path):
    """A runtime that hangs is an error at the deadline, and neither it nor conmon remains."""
    stub = tmp_path / "hanging"
    stub.write_text(f"#!/bin/sh\n[ $5 = create ] && exec sleep 1000.{os.getpid()}\nexit 0\n")
    stub.chmod(0o755)
    monkeypatch.setattr(conmon, "_DEADLINE", 0.5)
    launch = box.prepare("true")
    hanging = replace(launch, runtime=oci.OciRuntime(str(stub), "hanging", box.runtime.root))
    with pytest.raises(RuntimeFailed, match="did not answer in time"):
        conmon.create(hanging)
    assert_gone(f"1000.{os.getpid()}")


def test_container_half_made_is_taken_back(box, monkeypatch, tmp_path):
    """A runtime that fails after creating the container leaves no process and no state.

    conmon then waits for the end of stderr, which the container's process holds open, so the wait ends at the
    deadline.
    """
    monkeypatch.setattr(conmon, "_DEADLINE", 2.0)
    stub = tmp_path / "late"
    made = tmp_path / "made"
    stub.write_text(
        f'#!/bin/sh\n{box.runtime.path} "$@" || exit\n'
        f'case "$*" in *" create "*) ls {box.runtime.root} > {made}; exit 1;; esac\n'
    )
    stub.chmod(0o755)
    launch = box.prepare("sleep", "1000")
    late = replace(launch, runtime=oci.OciRuntime(str(stub), "late", box.runtime.root))
    with pytest.raises(RuntimeFailed):
        conmon.create(late)
    assert launch.container.id in made.read_text()
    assert box.runtime.state(launch.container.id) is None
    assert cgroups.processes(f"{box.cgroup}/{launch.container.id}") == ()


def test_runtime_without_a_word(box, tmp_path):
    """A runtime that fails silently still gives an error that names it."""
    stub = tmp_path / "silent"
    stub.write_text("#!/bin/sh\nexit 1\n")
    stub.chmod(0o755)
    launch = box.prepare("true")
    silent = replace(launch, runtime=oci.OciRuntime(str(stub), "silent", box.runtime.root))
    with pytest.raises(RuntimeFailed, match="silent create: conmon exited without a message"):
        conmon.create(silent)


def test_runtime_that_speaks_only_in_its_log(box, tmp_path):
    """The runtime's log reaches the user, even if conmon forwards nothing."""
    stub = tmp_path / "writing"
    line = '{"level":"error","msg":"from the log","time":"2026"}'
    stub.write_text(
        f"#!/bin/sh\nfor a; do case $a in --log=*) echo '{line}' > ${{a#--log=}};; esac; done\nexit 1\n"
    )
    stub.chmod(0o755)
    writing = oci.OciRuntime(str(stub), "writing", box.runtime.root)
    with pytest.raises(RuntimeFailed, match=r"^writing create: from the log$"):
        conmon.create(replace(box.prepare("true"), runtime=writing))


def test_conmon_that_refuses_its_arguments(box, tmp_path):
    """Conmon's own message reaches the user."""
    launch = box.prepare("true")
    missing = replace(launch, runtime=oci.OciRuntime(str(tmp_path / "gone"), "gone", box.runtime.root))
    with pytest.raises(RuntimeFailed, match=r"Runtime path .*gone is not valid"):
        conmon.create(missing)


def test_missing_programs_name_the_role():
    """On a host without conmon or runtime, the error names the role that installs them."""
    for find in (lambda: conmon.find_conmon("/nowhere/conmon"), lambda: oci.find_runtime("/nowhere/crun")):
        with pytest.raises(HostLacks) as caught:
            find()
        assert "slipway.oci.host" in caught.value.remedy


def test_programs_describe_themselves(box, tmp_path):
    """The runtime and conmon report name, path and version; an old one is refused."""
    program = box.runtime.describe()
    assert (program.name, program.path) == (box.runtime.name, box.runtime.path)
    assert program.version >= "1"
    assert conmon.describe(conmon.find_conmon()).version >= "2.1"
    old = tmp_path / box.runtime.name
    old.write_text("#!/bin/sh\necho version 0.9.1\n")
    old.chmod(0o755)
    with pytest.raises(HostLacks, match=r"0\.9\.1"):
        oci.find_runtime(str(old)).describe()


def test_standard_input(box):
    """Without interactive a command reads the end of its input at once, with it it waits."""
    assert box.run("cat")[0].code == 0
    launch, started = box.start("cat", interactive=True)
    assert exits.wait_for_exit(launch.container, 0.3, monitor=started.monitor) is None


def test_log_has_a_limit(box):
    """A log with a size limit keeps the latest output."""
    launch = box.prepare("sh", "-c", "i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done")
    limited = replace(launch, log_size_max=10_000)
    started = conmon.create(limited)
    box.runtime.start(launch.container.id)
    assert exits.wait_for_exit(launch.container, 20, monitor=started.monitor).code == 0
    assert os.path.getsize(launch.container.log) < 20_000
    # conmon logs a line in parts if it reads it in parts.
    assert "".join(line.text for line in logs.read(launch.container.log, tail=1)) == "line 1999"


def test_log_elsewhere(box, tmp_path):
    """The log can be at another path; the error for a missing directory names it."""
    launch = box.prepare("echo", "x")
    started = conmon.create(replace(launch, log_path=str(tmp_path / "log")))
    box.runtime.start(launch.container.id)
    exits.wait_for_exit(launch.container, 20, monitor=started.monitor)
    assert logs.streams(str(tmp_path / "log"))[0] == "x\n"
    with pytest.raises(InvalidOption, match="/nowhere/log"):
        conmon.create(replace(box.prepare("true"), log_path="/nowhere/log"))
