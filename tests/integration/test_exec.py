# SPDX-License-Identifier: GPL-3.0-or-later
"""Module container_exec as playbooks use it."""

from __future__ import annotations

import pytest

from enginehost import eventually

IMAGE = "localhost/box:1"


@pytest.fixture
def box(node, other_archive):
    """Return a host with a container that runs, with a volume."""
    node.load(other_archive)
    wanted = {"image": IMAGE, "network": "none", "command": "sleep 1000", "stop_timeout": 0}
    node.task("container", name="box", volume=["data:/data"], **wanted)
    return node


def test_result(box):
    """Exit code and output come back, the task counts as changed, and empty ends are left out."""
    told = box.task("container_exec", name="box", argv=["sh", "-c", "echo; echo out; echo err >&2; echo"])
    assert (told["rc"], told["stdout"], told["stderr"], told["changed"]) == (0, "out", "err", True)
    assert told["actions"] == ["ran sh in box"]
    assert (
        box.task("container_exec", name="box", command="echo 'a  b'", strip_empty_ends=False)["stdout"]
        == "a  b\n"
    )


def test_exit_code_other_than_zero_fails(box):
    """A command that fails fails the task, which tells all of it; a program that is not there has rc 127."""
    told = box.task("container_exec", name="box", command="sh -c 'echo out; echo err >&2; exit 9'")
    assert told["failed"]
    assert (told["rc"], told["stdout"], told["stderr"], told["error"]) == (
        9,
        "out",
        "err",
        "container_failed",
    )
    told = box.task("container_exec", name="box", command=["nowhere", "a b"])
    assert (told["failed"], told["rc"], told["error"]) == (True, 127, "runtime_failed")


def test_output_beyond_the_limit(box):
    """What is kept of each stream ends at 1 MiB, and a warning names the stream, also when the command fails."""
    many = "head -c 1048577 /dev/zero | tr '\\0' x"
    told = box.task("container_exec", name="box", argv=["sh", "-c", many])
    assert len(told["stdout"]) == 1 << 20
    assert len(told["warnings"]) == 1
    assert "stdout was truncated at 1 MiB" in str(told["warnings"])
    told = box.task("container_exec", name="box", argv=["sh", "-c", f"echo; {many} >&2; exit 9"])
    assert (told["rc"], len(told["stderr"])) == (9, 1 << 20)
    assert len(told["warnings"]) == 1
    assert "stderr was truncated at 1 MiB" in str(told["warnings"])


def test_a_list_as_command(box):
    """A list is the words of the command, as it is for the container's own."""
    assert box.task("container_exec", name="box", command=["echo", "a  b", 5])["stdout"] == "a  b 5"


def test_names_and_output_that_are_no_utf_8(box):
    """Ansible takes the result, where U+FFFD stands for each such byte."""
    told = box.task(
        "container_exec", name="box", argv=["sh", "-c", "touch /bin/$(printf '\\377'); printf '\\377'"]
    )
    assert told["stdout"] == "\ufffd"
    found = box.task("container_diff", container="box")
    assert "/bin/\ufffd" in str(found).replace("\\ufffd", "\ufffd")


def test_stdin(box):
    """Input gets a line end unless told otherwise."""
    told = box.task("container_exec", name="box", command="cat", stdin="line", strip_empty_ends=False)
    assert told["stdout"] == "line\n"
    told = box.task(
        "container_exec",
        name="box",
        command="cat",
        stdin="line",
        stdin_add_newline=False,
        strip_empty_ends=False,
    )
    assert told["stdout"] == "line"


def test_creates_and_removes(box):
    """The command runs once where it says what it makes or takes away, in volumes too, and no symlink leads out."""
    make = {"name": "box", "command": "touch /data/made", "creates": "/data/made"}
    take = {"name": "box", "command": "sh -c 'kill -0 1 && : >/data/gone'", "removes": "/data/nosuch"}
    assert box.task("container_exec", check=True, **make)["changed"]
    assert [box.task("container_exec", **make)["changed"] for _time in range(2)] == [True, False]
    assert not box.task("container_exec", check=True, **make)["changed"]
    assert not box.task("container_exec", **take)["changed"]
    assert sorted(path.name for path in box.data("data").iterdir()) == ["made"]
    box.data("data").joinpath("out").symlink_to("/etc/debian_version")
    assert box.task("container_exec", name="box", command="true", creates="/data/out")["changed"]


def test_check_mode_runs_nothing(box):
    """Check mode tells what would be run, and finds what is wrong."""
    told = box.task("container_exec", check=True, name="box", command="touch /data/made")
    assert (told["changed"], told["actions"]) == (True, ["ran touch in box"])
    assert list(box.data("data").iterdir()) == []
    assert (
        box.task("container_exec", check=True, name="box", command="ls", user="nosuch")["error"]
        == "invalid_option"
    )


def test_timeout(box):
    """A command that takes too long is killed."""
    told = box.task("container_exec", name="box", command="sleep 1000", timeout=1)
    assert (told["failed"], told["error"]) == (True, "command_timeout")
    assert box.inspect("box")["ExecIDs"] == []


def test_detached(box):
    """A detached command goes on after the task, listed as long as it runs."""
    told = box.task("container_exec", name="box", command="sleep 0.5", detach=True)
    assert told["changed"]
    assert box.inspect("box")["ExecIDs"] == [told["exec_id"]]
    eventually(lambda: box.inspect("box")["ExecIDs"] == [], "it has ended")


def test_stopped_container(box):
    """A container that does not run says what to do."""
    box.task("container", name="box", state="stopped")
    told = box.task("container_exec", name="box", command="ls")
    assert told["error"] == "wrong_state"
    assert "Start it first" in told["msg"]
