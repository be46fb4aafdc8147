# SPDX-License-Identifier: GPL-3.0-or-later
"""Run programs."""

from __future__ import annotations

import os
import time

import pytest

from _engine.errors import CommandFailed, CommandTimeout, HostLacks
from _engine.kernel.command import OUTPUT_LIMIT, find_program, run
from _engine.kernel.process import Process


def sh(script: str, **options: object):
    """Run a script."""
    return run(["sh", "-c", script], **{"timeout": 30, **options})


def test_output_and_code_are_kept_apart():
    """Standard output, standard error and the exit code are returned separately."""
    done = sh("echo out; echo err >&2; exit 3", check=False)
    assert (done.returncode, done.stdout, done.stderr) == (3, b"out\n", b"err\n")


def test_the_environment_is_clean(monkeypatch):
    """A program sees PATH, LC_ALL and the given variables, and nothing of the caller's."""
    monkeypatch.setenv("SECRET", "1")
    seen = set(run(["env"], timeout=30, env={"MINE": "yes"}).stdout.decode().split())
    assert seen == {
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LC_ALL=C",
        "MINE=yes",
    }


def test_input_is_passed_whole():
    """Input larger than a pipe passes through cat unchanged."""
    data = os.urandom(OUTPUT_LIMIT - 1)
    assert run(["cat"], timeout=30, stdin=data).stdout == data


def test_no_input_is_an_end_of_file():
    """A program without input reads the end of file immediately."""
    assert run(["cat"], timeout=30).stdout == b""


def test_input_may_be_left_unread():
    """A program that exits without reading its input has not failed."""
    assert run(["true"], timeout=30, stdin=bytes(1 << 20)).returncode == 0


def test_output_is_bounded_and_drained():
    """The beginning of excessive output is kept, on both streams, and the program does not block."""
    done = sh("head -c 5000000 /dev/zero; head -c 5000000 /dev/zero >&2; echo end >&2")
    assert (len(done.stdout), len(done.stderr)) == (OUTPUT_LIMIT, OUTPUT_LIMIT)


def test_what_is_left_in_the_background_is_not_waited_for(tmp_path):
    """A program's exit counts, even if a child of it keeps the pipes open."""
    begun = time.monotonic()
    done = sh(f"sleep 60 & echo $! > {tmp_path}/pid; echo out")
    assert time.monotonic() - begun < 10
    assert done.stdout == b"out\n"
    child = Process.of(int((tmp_path / "pid").read_text()))
    assert child.alive()
    child.signal(9)


@pytest.mark.parametrize("quiet", [True, False], ids=["pipes closed", "pipes open"])
def test_a_program_that_takes_too_long_is_killed_with_its_children(tmp_path, quiet):
    """The timeout kills the whole process group, and the error contains the output."""
    close = "exec >&- 2>&-;" if quiet else ""
    begun = time.monotonic()
    with pytest.raises(CommandTimeout) as caught:
        sh(f"echo hello >&2; {close} sleep 60 & echo $! > {tmp_path}/pid; {close} wait", timeout=0.5)
    assert 0.5 <= time.monotonic() - begun < 10
    assert caught.value.message == "sh did not exit within 0.5 s and was killed"
    assert caught.value.fields["program"] == "sh"
    assert quiet or caught.value.fields["stderr"] == "hello"
    child = Process.of(int((tmp_path / "pid").read_text()))
    assert child is None or child.wait_gone(10)


FAILURES = [
    ("echo first >&2; echo the reason >&2; exit 4", "sh exited with status 4: the reason", 4),
    ("exit 1", "sh exited with status 1: no error output", 1),
    ("kill -9 $$", "sh was killed by signal 9: no error output", -9),
]


@pytest.mark.parametrize(("script", "message", "code"), FAILURES)
def test_a_failure_says_why(script, message, code):
    """The error has the exit code and the last line of the error output."""
    with pytest.raises(CommandFailed) as caught:
        sh(script)
    assert caught.value.message == message
    assert caught.value.fields["returncode"] == code


def test_arguments_are_not_told():
    """An error does not contain the arguments, which may be secret."""
    with pytest.raises(CommandFailed) as caught:
        run(["false", "--password=hunter2"], timeout=30)
    assert "hunter2" not in f"{caught.value}{caught.value.fields}"


def test_a_missing_program_is_told_with_the_remedy():
    """The error for a missing program says how to install it."""
    with pytest.raises(HostLacks, match=r"no-such-program is not installed.*role slipway\.oci\.host"):
        run(["no-such-program"], timeout=30)


def test_directory_and_descriptors_are_passed(tmp_path):
    """A program runs in the given directory and inherits the given descriptors."""
    reader, writer = os.pipe()
    try:
        done = sh(f"pwd; echo x > /dev/fd/{writer}", cwd=str(tmp_path), pass_fds=[writer])
        assert done.stdout.decode() == f"{tmp_path}\n"
        assert os.read(reader, 10) == b"x\n"
    finally:
        os.close(reader)
        os.close(writer)


def test_programs_are_found(tmp_path):
    """A program is searched in the fixed directories, then in the extra ones; it must be executable."""
    program = tmp_path / "my-own-program"
    program.write_text("#!/bin/sh\n")
    assert find_program("my-own-program", extra=[str(tmp_path)]) is None
    program.chmod(0o755)
    assert find_program("my-own-program") is None
    assert find_program("my-own-program", extra=["/nowhere", str(tmp_path)]) == str(program)
    assert find_program(str(program)) == str(program)
    assert find_program(f"{program}x") is None
    assert find_program(str(tmp_path)) is None
    assert find_program("sh", extra=[str(tmp_path)]).endswith("bin/sh")
