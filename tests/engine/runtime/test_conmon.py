# SPDX-License-Identifier: GPL-3.0-or-later
"""conmon and the runtimes: creating, failing, ending."""

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
    """The exit file tells the command's exit code, and a time that is now."""
    before = time.time_ns()
    found, _stdout, _stderr = box.run("sh", "-c", f"exit {code}")
    assert found.code == code
    assert not found.oom_killed
    assert abs(found.finished - before) < 20 * 10**9


def test_killed_by_signal_is_128_and_its_number(box):
    """A container that is killed ends with 137, and a second KILL says that nothing was there."""
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
    """Wait until the log holds exactly this."""
    deadline = time.monotonic() + 20
    while logs.streams(launch.container.log)[0] != text:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_out_of_memory(box):
    """A command that needs more memory than it may have is killed, and that is told apart from another 137."""
    found, _stdout, _stderr = box.run("tail", "/dev/zero", memory="16m")
    assert (found.code, found.oom_killed) == (137, True)


def test_log_holds_both_streams(box):
    """Both streams come back as they were written: apart, in order, the last line without its end."""
    _found, stdout, stderr = box.run("sh", "-c", "echo one; echo two >&2; echo; printf last")
    assert (stdout, stderr) == ("one\n\nlast", "two\n")


def test_terminal(box):
    """With a terminal the command sees one."""
    found, stdout, _stderr = box.run("tty", tty=True)
    assert (found.code, stdout) == (0, "/dev/pts/0\r\n")


def test_created_is_not_started(box):
    """A created container waits: the runtime calls it created, and its command has not run."""
    launch = box.prepare("echo", "ran")
    assert box.runtime.state(launch.container.id) is None
    started = conmon.create(launch)
    state = box.runtime.state(launch.container.id)
    assert (state.status, state.pid) == ("created", started.process.pid)
    assert started.monitor.alive()
    assert logs.streams(launch.container.log) == ("", "")
    assert exits.read_exit(launch.container) is None


def test_states_from_start_to_delete(box):
    """The runtime says running, then stopped without a pid, and forgets the container when told to."""
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
    """An error of the runtime is handed on without time stamps and levels."""
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
    """A command that is missing or not executable fails creation, in the runtime's words, and leaves nothing.

    Not even the exit command, which conmon calls although nothing has run, and which may wait for our lock.
    """
    launch = box.prepare(command, exit_command=("/bin/sleep", f"1000.{os.getpid()}"))
    with pytest.raises(RuntimeFailed) as caught:
        conmon.create(launch)
    assert all(word in caught.value.message for word in words), caught.value.message
    assert_gone(f"1000.{os.getpid()}")
    assert [item for item in box.leftovers() if not item.startswith("cgroup")] == []


def assert_gone(argument):
    """Check that the processes with this argument end; a kill takes its time."""
    assert all(process.wait_gone(5) for process in find_by_argument(argument))


def test_stale_files_of_an_earlier_run_are_gone(box):
    """What an earlier run left is not taken for the new one's exit."""
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
    """Without conmon nobody sees the exit: waiting ends at once, and tells nothing."""
    launch, started = box.start("sleep", "1000")
    started.monitor.signal(signal.SIGKILL)
    assert exits.wait_for_exit(launch.container, 20, monitor=started.monitor) is None
    box.runtime.delete(launch.container.id, force=True)
    assert started.process.wait_gone(5)


def test_waiting_has_an_end(box):
    """Waiting for a container that runs on stops at its timeout."""
    launch, started = box.start("sleep", "1000")
    before = time.monotonic()
    assert exits.wait_for_exit(launch.container, 0.2, monitor=started.monitor) is None
    assert 0.2 <= time.monotonic() - before < 5


def test_exit_command_inherits_nothing(box, monkeypatch, tmp_path):
    """The exit command runs after the exit file is there, with a clean environment and no file of its caller's."""
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
    """Somebody who looks at conmon's pid file while creating fails is left alone."""
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
    """A runtime that does not answer is an error after the deadline, and neither it nor conmon stays."""
    stub = tmp_path / "hanging"
    stub.write_text(f"#!/bin/sh\n[ $5 = create ] && exec sleep 1000.{os.getpid()}\nexit 0\n")
    stub.chmod(0o755)
    monkeypatch.setattr(conmon, "_DEADLINE", 0.5)
    launch = box.prepare("true")
    hanging = replace(launch, runtime=oci.OciRuntime(str(stub), "hanging", box.runtime.root))
    with pytest.raises(RuntimeFailed, match="no answer"):
        conmon.create(hanging)
    assert_gone(f"1000.{os.getpid()}")


def test_container_half_made_is_taken_back(box, monkeypatch, tmp_path):
    """A runtime that fails after it has made the container leaves no process and no record of it.

    conmon waits then for the end of stderr, which the container's process holds, so the deadline ends it.
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
    """A runtime that fails silently still makes an error that names it."""
    stub = tmp_path / "silent"
    stub.write_text("#!/bin/sh\nexit 1\n")
    stub.chmod(0o755)
    launch = box.prepare("true")
    silent = replace(launch, runtime=oci.OciRuntime(str(stub), "silent", box.runtime.root))
    with pytest.raises(RuntimeFailed, match="silent create: conmon exited without a message"):
        conmon.create(silent)


def test_runtime_that_speaks_only_in_its_log(box, tmp_path):
    """What the runtime writes to its log reaches the user, though conmon hands on nothing."""
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
    """What conmon itself says reaches the user."""
    launch = box.prepare("true")
    missing = replace(launch, runtime=oci.OciRuntime(str(tmp_path / "gone"), "gone", box.runtime.root))
    with pytest.raises(RuntimeFailed, match=r"Runtime path .*gone is not valid"):
        conmon.create(missing)


def test_missing_programs_name_the_role():
    """A host without conmon or runtime gets an error that names the role that installs them."""
    for find in (lambda: conmon.find_conmon("/nowhere/conmon"), lambda: oci.find_runtime("/nowhere/crun")):
        with pytest.raises(HostLacks) as caught:
            find()
        assert "slipway.oci.host" in caught.value.remedy


def test_programs_describe_themselves(box, tmp_path):
    """The runtime and conmon tell name, path and version; one that is too old is refused."""
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
    """Without interactive a reading command is at the end of its input at once, with it it waits."""
    assert box.run("cat")[0].code == 0
    launch, started = box.start("cat", interactive=True)
    assert exits.wait_for_exit(launch.container, 0.3, monitor=started.monitor) is None


def test_log_has_a_limit(box):
    """A log that may not grow keeps what came last."""
    launch = box.prepare("sh", "-c", "i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done")
    limited = replace(launch, log_size_max=10_000)
    started = conmon.create(limited)
    box.runtime.start(launch.container.id)
    assert exits.wait_for_exit(launch.container, 20, monitor=started.monitor).code == 0
    assert os.path.getsize(launch.container.log) < 20_000
    # conmon logs a line in parts when it reads one.
    assert "".join(line.text for line in logs.read(launch.container.log, tail=1)) == "line 1999"


def test_log_elsewhere(box, tmp_path):
    """The log can lie where the user wants it; a place that does not exist is an error that names it."""
    launch = box.prepare("echo", "x")
    started = conmon.create(replace(launch, log_path=str(tmp_path / "log")))
    box.runtime.start(launch.container.id)
    exits.wait_for_exit(launch.container, 20, monitor=started.monitor)
    assert logs.streams(str(tmp_path / "log"))[0] == "x\n"
    with pytest.raises(InvalidOption, match="/nowhere/log"):
        conmon.create(replace(box.prepare("true"), log_path="/nowhere/log"))
