# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime as dt
import os
import tracemalloc

import pytest

from _engine.lifecycle.info import last_lines
from _engine.runtime import logs

START = 1795472760
NANO = 10**9


def record(number, text, *, stream="stdout", tag="F"):
    """Return a line of the log; lines are one second apart."""
    when = dt.datetime.fromtimestamp(START + number, dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{when}.{number:09d}+00:00 {stream} {tag} {text}\n"


@pytest.fixture
def log(tmp_path):
    """Return a function that writes records and returns their path."""
    path = tmp_path / "ctr.log"

    def write(*records):
        path.write_bytes("".join(records).encode())
        return str(path)

    return write


def test_read_parses_all_parts(log):
    """A record has a time in nanoseconds, a stream, text and whether its line continues."""
    path = log(record(1, "a  b "), record(2, "", stream="stderr"), record(3, "part", tag="P"))
    assert list(logs.read(path)) == [
        logs.LogLine((START + 1) * NANO + 1, "stdout", "a  b ", False),
        logs.LogLine((START + 2) * NANO + 2, "stderr", "", False),
        logs.LogLine((START + 3) * NANO + 3, "stdout", "part", True),
    ]


def test_time_zone_and_short_fraction(log):
    """Time zone and precision do not change the instant."""
    path = log(
        "2020-01-01T02:00:00.5+02:00 stdout F a\n",
        "2020-01-01T00:00:00Z stdout F b\n",
        "1969-12-31T20:00:00.25-04:00 stdout F c\n",
    )
    base = 1577836800 * NANO
    assert [line.time for line in logs.read(path)] == [base + NANO // 2, base, NANO // 4]


@pytest.mark.parametrize("tail", [0, 1, 2, 5, 6, 100])
def test_tail_counts_lines(log, tail):
    """The last lines are returned, or all if there are fewer."""
    path = log(*(record(number, f"line {number}") for number in range(5)))
    assert [line.text for line in logs.read(path, tail=tail)] == [f"line {number}" for number in range(5)][
        5 - min(tail, 5) :
    ]


@pytest.mark.parametrize("length", [10, 1000, 70000, 200000])
def test_tail_of_a_long_log_reads_from_the_end(log, length):
    """The result does not depend on the length of records and their position in blocks."""
    count = 2_000_000 // length
    path = log(*(record(number % 50, f"{number}:" + "x" * length) for number in range(count)))
    found = [int(line.text.partition(":")[0]) for line in logs.read(path, tail=7)]
    assert found == list(range(count - 7, count))


def test_a_line_without_end_costs_no_memory(log):
    """The end of a line of any length is found, and reported, within a few blocks."""
    part = "x" * 8000
    path = log(record(0, "before"), *(record(1, part, tag="P") for _number in range(2500)))  # 20 MB
    tracemalloc.start()
    lines = list(last_lines.joined(logs.read(path, tail=1)))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [(len(line["text"]), line["truncated"]) for line in lines] == [(1 << 20, True)]
    assert most < 8 << 20


def test_tail_counts_a_line_in_parts_once(log):
    """The parts of a line count as one."""
    path = log(
        record(1, "one"),
        record(2, "two ", tag="P"),
        record(3, "two ", tag="P"),
        record(4, "end"),
        record(5, "three"),
    )
    assert [line.text for line in logs.read(path, tail=2)] == ["two ", "two ", "end", "three"]


@pytest.mark.parametrize("tail", [1, 2, 3])
def test_a_carriage_return_ends_no_line(log, tail):
    """A progress bar that overwrites itself is one line, and so is a line ending in CR LF."""
    texts = ["begin", "10%\r99%\rdone\x0b\x0c\x1c", "end\r"]
    path = log(*(record(number, text) for number, text in enumerate(texts)))
    assert [line.text for line in logs.read(path, tail=tail)] == texts[-tail:]


@pytest.mark.parametrize("end", [" ", ""], ids=["conmon 2.1", "conmon 2.2"])
@pytest.mark.parametrize("last", [True, False], ids=["last", "followed"])
def test_the_end_of_a_line_of_parts(log, end, last):
    """An empty record ends the line of the preceding parts, with or without a trailing space."""
    parts = record(1, "abc", tag="P"), record(2, "").replace(" \n", f"{end}\n")
    path = log(record(0, "before"), *parts, *(() if last else (record(3, "next"),)))
    assert logs.streams(path)[0] == ("before\nabc\n" if last else "before\nabc\nnext\n")
    assert [line.text for line in logs.read(path, tail=1)] == (["abc", ""] if last else ["next"])
    assert [line.text for line in logs.read(path, tail=2)][-3:] == (
        ["before", "abc", ""] if last else ["abc", "", "next"]
    )


def test_since_leaves_out_what_is_older(log):
    """Only records from that instant on are returned."""
    path = log(*(record(number, str(number)) for number in range(5)))
    assert [line.text for line in logs.read(path, since=(START + 3) * NANO + 3)] == ["3", "4"]


@pytest.mark.parametrize(
    "torn", ["2020-01-01T00:00:00Z stdout F half", "2020-01-01T", "no record\n", "a b c d\n", "\n"]
)
def test_what_is_no_whole_record_is_left_out(log, torn):
    """An incomplete record, or a foreign line, does not affect the others."""
    path = log(record(1, "whole"), torn)
    assert [line.text for line in logs.read(path)] == ["whole"]
    assert logs.streams(path) == ("whole\n", "")


def test_streams_join_parts(log):
    """The output is reproduced byte by byte, each stream separately."""
    path = log(
        record(1, "a", tag="P"),
        record(2, "x", stream="stderr"),
        record(3, "b"),
        record(4, ""),
        record(5, "no end", tag="P"),
    )
    assert logs.streams(path) == ("ab\n\nno end", "x\n")


def test_streams_are_bounded(log):
    """The end of a log above the limit is returned, from a complete record on."""
    path = log(*(record(number % 50, f"{number:04d}") for number in range(1000)))
    out = logs.streams(path, most=1000)[0].split()
    assert out == [f"{number:04d}" for number in range(1000 - len(out), 1000)]
    assert 10 < len(out) < 30


def test_bytes_that_are_no_text_are_replaced(tmp_path):
    """Output in another encoding is not an error."""
    path = tmp_path / "log"
    path.write_bytes(b"2020-01-01T00:00:00Z stdout F \xff\xfe\r\x85x\n")
    assert logs.streams(str(path))[0] == "��\r�x\n"


def test_missing_log_is_empty(tmp_path):
    """A container that never ran has an empty log."""
    path = str(tmp_path / "none")
    assert list(logs.read(path)) == []
    assert logs.streams(path) == ("", "")


def test_follow_yields_what_comes_and_ends(log, monkeypatch):
    """New records are yielded once, incomplete ones when complete, those of a replaced log too."""
    monkeypatch.setattr(logs, "_POLL", 0)
    path = log(record(1, "one"), record(2, "two"))

    def tear():
        with open(path, "a", encoding="ascii") as file:
            file.write(record(3, "three")[:40])

    def mend():
        with open(path, "a", encoding="ascii") as file:
            file.write(record(3, "three")[40:])

    def replace():
        with open(path + ".new", "w", encoding="ascii") as file:
            file.write(record(4, "four"))
        os.rename(path + ".new", path)

    steps = iter([lambda: None, tear, mend, replace])

    def ended():
        step = next(steps, None)
        if step is not None:
            step()
        return step is None

    assert [line.text for line in logs.follow(path, ended, tail=1)] == ["two", "three", "four"]
