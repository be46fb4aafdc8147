# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs in a real systemd-journald: written by conmon, read, followed, and shown with failures."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
from typing import NamedTuple

import pytest
from journal import JOURNALD, own_journal, own_run

from _engine.errors import ContainerFailed, HostLacks
from _engine.lifecycle.info import info
from _engine.lifecycle.info.last_lines import with_logs

WRITER = (
    "i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); [ $((i%200)) = 0 ] && sleep 0.1; done; exit 0"
)
WANTED = [f"line {number}" for number in range(3000)]
JOURNAL = {"log_driver": "journald"}


class Said(NamedTuple):
    """The output of a program."""

    out: str
    err: str


@pytest.fixture
def journald(need):
    """Return the systemd-journald of a private journal."""
    need(os.path.exists(JOURNALD), "systemd-journald")
    need(shutil.which("journalctl"), "journalctl")
    with own_journal() as process:
        yield process


@pytest.fixture
def host(journald, runtime, hosts, keep_clean):
    """Return the engine on a host with that journal."""
    assert journald.poll() is None
    yield from keep_clean(hosts(runtime))


@pytest.fixture
def logs(host):
    """Return the function that runs ``slipway logs``."""

    def logs(*words: str) -> Said:
        argv = [host.layout.agent_program, "logs", *words]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=True)
        return Said(done.stdout, done.stderr)

    return logs


def test_what_was_written(host, logs):
    """Both streams are separate; long, empty, binary and unterminated lines are complete."""
    script = (
        "echo out; echo; echo err >&2; head -c 30000 /dev/zero | tr '\\0' x; echo; printf 'a\\033[0m\\tb\\n';"
        " printf '\\377\\376\\n'; printf 'no end' >&2; printf end"
    )
    host.start("sh", "-c", script, **JOURNAL)
    host.ended()
    said = logs("box")
    assert said.out == f"out\n\n{'x' * 30000}\na\x1b[0m\tb\n\ufffd\ufffd\nend"
    assert said.err == "err\nno end"
    assert host.inspect()["HostConfig"]["LogConfig"] == {
        "Type": "journald", "Config": None, "Path": "", "Tag": "", "Size": "0B",
    }  # fmt: skip
    assert not os.path.exists(host.layout.container(host.inspect()["Id"]).log)


def test_windows(host, logs):
    """--tail counts lines, not partial records; --since, --until and --timestamps use the journal's times."""
    host.start(
        "sh", "-c", "echo one; sleep 1.2; head -c 20000 /dev/zero | tr '\\0' x; echo; echo three", **JOURNAL
    )
    host.ended()
    long = "x" * 20000
    for tail, wanted in ((0, ""), (1, "three\n"), (2, f"{long}\nthree\n"), (9, f"one\n{long}\nthree\n")):
        assert logs("--tail", str(tail), "box").out == wanted
    records = [json.loads(line) for line in logs("--json", "box").out.splitlines()]
    stamps = [line.split(" ")[0] for line in logs("--timestamps", "box").out.splitlines()]
    assert len(stamps) == 3
    assert [stamp[-4:] for stamp in stamps] == ["000Z"] * 3
    assert logs("--since", stamps[1], "box").out == f"{long}\nthree\n"
    assert logs("--until", stamps[0], "box").out == "one\n"
    assert logs("--since", "1h", "--tail", "1", "box").out == "three\n"
    assert logs("--until", "1h", "box").out == ""
    assert [record["time"] for record in records] == sorted(record["time"] for record in records)


def test_every_line_once(host, logs):
    """Followers and readers see each line once and in order, wherever they begin, across restarts."""
    host.start("sh", "-c", f"sleep 1; {WRITER}", **JOURNAL)
    found = {}

    def follow(name: str, *words: str) -> None:
        found[name] = logs("--follow", *words, "box").out.splitlines()

    late = threading.Timer(2.0, follow, ("late", "--tail", "3"))
    late.start()
    follow("all")
    late.join()
    assert found["all"] == WANTED
    assert found["late"] == WANTED[-len(found["late"]) :]
    assert len(found["late"]) > 100
    host.ended()
    assert logs("box").out.splitlines() == WANTED
    host.bring("box", "started")
    host.ended()
    assert logs("box").out.splitlines() == WANTED * 2
    assert logs("--follow", "--tail", "2", "box").out.splitlines() == WANTED[-2:]


def test_a_slow_journal(host, journald):
    """Messages that the journal has received and not written yet are waited for."""
    journald.send_signal(signal.SIGSTOP)
    try:
        host.start("echo", "late", **JOURNAL)
        host.ended()
        argv = [host.layout.agent_program, "logs", "box"]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(timeout=2)
            journald.send_signal(signal.SIGCONT)
            assert process.communicate(timeout=60)[0] == "late\n"
    finally:
        journald.send_signal(signal.SIGCONT)


def test_of_its_own(host, logs):
    """Each container has its own lines, whatever its former name."""
    host.start("echo", "first", name="one", **JOURNAL)
    host.ended("one")
    host.bring("one", "absent")
    host.start("echo", "second", name="one", **JOURNAL)
    host.start("echo", "other", name="two", **JOURNAL)
    for name in ("one", "two"):
        host.ended(name)
    assert (logs("one").out, logs("two").out) == ("second\n", "other\n")


@pytest.mark.parametrize("driver", ["journald", "k8s-file"])
def test_run_in_the_foreground(host, driver):
    """A task that waits returns all output of this run, and only of this run, even with rm."""
    for rm in (False, True):
        script = "echo out; echo err >&2; printf end"
        for _run in range(2):
            outcome = host.want(
                "started", "sh", "-c", script, detach=False, rm=rm, force_restart=not rm, log_driver=driver
            )
            assert outcome.result["rc"] == 0
            assert (outcome.result["stdout"], outcome.result["stderr"]) == ("out\nend", "err\n")


def test_a_failure_tells_the_last_lines(host):
    """A container that exits at once returns the last twenty lines of this run only."""
    script = "i=0; while [ $i -lt 30 ]; do echo $RUN $i; i=$((i+1)); done; exit 3"
    for run in ("a", "b"):
        outcome = host.want(
            "started", "sh", "-c", script, env={"RUN": run}, wait=True, wait_timeout=20, **JOURNAL
        )
        assert isinstance(outcome.failure, ContainerFailed)
        assert outcome.failure.fields["log"] == [f"{run} {number}" for number in range(10, 30)]
        assert outcome.failure.fields["exit_code"] == 3


def test_tag(host):
    """Lines have the tag, with the container's values in it; without a tag they have its name."""
    host.start("echo", "tagged", log_opt={"tag": "app-{{.Name}}/{{ .ID }}"}, **JOURNAL)
    host.start("echo", "plain", name="other", **JOURNAL)
    for name in ("box", "other"):
        host.ended(name)
    tag = f"app-box/{host.inspect()['Id']}"
    subprocess.run(["journalctl", "--sync"], check=True)
    for match, wanted in ((f"CONTAINER_TAG={tag}", "tagged"), ("SYSLOG_IDENTIFIER=other", "plain")):
        argv = ["journalctl", "--quiet", "--output=cat", match]
        assert subprocess.run(argv, check=True, capture_output=True, text=True).stdout.split() == [wanted]
    assert host.inspect()["HostConfig"]["LogConfig"]["Tag"] == "app-{{.Name}}/{{ .ID }}"


@pytest.mark.parametrize("driver", ["journald", "k8s-file"])
def test_in_a_result(host, driver):
    """container_info returns the last lines, joined, with time and stream, within the limit."""
    script = "echo one; echo two >&2; sleep 0.5; head -c 20000 /dev/zero | tr '\\0' x; echo; printf end"
    host.start("sh", "-c", script, log_driver=driver)
    host.ended()
    with host.open(read_only=True) as engine:
        shapes = info.containers(engine, ["box"]).result["containers"]
        assert "logs" not in shapes[0]
        lines = with_logs(engine, shapes, 100)[0]["logs"]
        assert with_logs(engine, shapes, 2)[0]["logs"] == lines[-2:]
    assert sorted((line["stream"], line["text"]) for line in lines) == [
        ("stderr", "two"), ("stdout", "end"), ("stdout", "one"), ("stdout", "x" * 20000),
    ]  # fmt: skip
    assert all(line["time"].endswith("Z") for line in lines)


def test_refused_without_a_journal(host):
    """Without journald nothing is created, also in check mode, and the error says what to do."""
    with own_run():
        before = host.picture()
        for mode in ({"read_only": True}, {}):
            with pytest.raises(HostLacks, match=r"is not running on this host.*Set log_driver: k8s-file"):
                host.want("started", "true", settings=mode, **JOURNAL)
            assert host.picture() == before
