# SPDX-License-Identifier: GPL-3.0-or-later
"""Quantities; the values are those of podman 4.3.1."""

from __future__ import annotations

import signal

import pytest

from _engine.model.values import quantities

SIZES = {
    "0": 0,
    "1": 1,
    "1.5": 1,
    "12b": 12,
    "12ib": 12,
    "1k": 1024,
    "64M": 64 * 2**20,
    "64 m": 64 * 2**20,
    " 64m ": 64 * 2**20,
    "64MiB": 64 * 2**20,
    "64mb": 64 * 2**20,
    "1.5g": 3 * 2**29,
    "1.0001k": 1024,
    "2t": 2**41,
    "1P": 2**50,
    "8191p": 8191 * 2**50,
    "9223372036854775807": 2**63 - 1,
    256: 256,
}
NO_SIZES = (
    "",
    "m",
    "12x",
    "-1",
    "+5m",
    ".5g",
    "1.g",
    "1.5.2g",
    "1,5g",
    "1e6",
    "0x10",
    "1_000",
    "12bb",
    "1e",
    "\uff10m",
    "\u0663",
    "1\u212a",
    "nan",
    "8192p",
    "9223372036854775808",
    "9" * 5000,
    None,
    True,
    [1],
)


@pytest.mark.parametrize(("text", "number"), SIZES.items())
def test_a_size_is_bytes(text, number):
    """A size has a unit in powers of 1024; a fraction of a byte is dropped."""
    assert quantities.size("memory", text) == number


@pytest.mark.parametrize("text", NO_SIZES)
def test_what_is_no_size(refused, text):
    """Any other text, a negative size, and one too large for the kernel are refused."""
    refused(quantities.size, "memory", text)


def test_a_size_may_be_without_limit(refused):
    """-1 means no limit, and other negative numbers are refused."""
    assert [quantities.size_or_unlimited("memory_swap", text) for text in ("-1", -1, "1g")] == [-1, -1, 2**30]
    refused(quantities.size_or_unlimited, "memory_swap", "-2")


@pytest.mark.parametrize(("text", "number"), [("5", 5), (" -3 ", -3), (2**63 - 1, 2**63 - 1)])
def test_a_whole_number(text, number):
    """An integer consists of digits, with an optional sign."""
    assert quantities.integer("count", text) == number


@pytest.mark.parametrize(
    "text", ["", "1.5", "1e2", "a", 2**63, -(2**63) - 1, "9" * 5000, None, True, "\u00b2"]
)
def test_what_is_no_whole_number(refused, text):
    """Fractions, words and numbers beyond 64 bits are refused."""
    refused(quantities.integer, "count", text)


@pytest.mark.parametrize(("text", "number"), [("64", 64), (1, 1), ("-1", -1), ("0", -1)])
def test_a_limit_of_processes(text, number):
    """0 and -1 both mean no limit."""
    assert quantities.pids("pids_limit", text) == number


@pytest.mark.parametrize("text", ["-2", "1e2", "", "many"])
def test_what_is_no_limit_of_processes(refused, text):
    """Other negative numbers are refused."""
    refused(quantities.pids, "pids_limit", text)


@pytest.mark.parametrize(("text", "number"), [("0", 0), (2, 2), ("512", 512), (262144, 262144)])
def test_a_weight(text, number):
    """A weight is in the kernel's range, or 0 for the default."""
    assert quantities.shares("cpu_shares", text) == number


@pytest.mark.parametrize("text", ["-1", "1", "262145", "1.5"])
def test_what_is_no_weight(refused, text):
    """A weight outside the kernel's range is refused, not silently clamped."""
    refused(quantities.shares, "cpu_shares", text)


CPUS = {
    "1.5": 1_500_000_000,
    "1.50": 1_500_000_000,
    "0": 0,
    "0.01": 10_000_000,
    2: 2 * 10**9,
    "8192": 8192 * 10**9,
    "1e1": 10**10,
    0.5: 500_000_000,
}


@pytest.mark.parametrize(("text", "number"), CPUS.items())
def test_processors_are_billionths(text, number):
    """A number of processors becomes billionths, exactly; 0 is no limit."""
    assert quantities.cpus("cpus", text) == number


@pytest.mark.parametrize(
    "text", ["-1", "0.001", "1e-12", "8193", "nan", "snan", "inf", "-inf", "many", "", "1,5", None]
)
def test_what_is_no_number_of_processors(refused, text):
    """Invalid, negative and too small numbers of processors are refused."""
    refused(quantities.cpus, "cpus", text)


CPUSETS = {
    "0": "0",
    "3,0-1,2": "0-3",
    " 0 , 2 ": "0,2",
    "16,3": "3,16",
    "5,5": "5",
    "0-0": "0",
    "1,3,5-7": "1,3,5-7",
    "8191": "8191",
    7: "7",
}


@pytest.mark.parametrize(("text", "canonical"), CPUSETS.items())
def test_a_set_of_processors(text, canonical):
    """A set of processors has one canonical form."""
    assert quantities.cpuset("cpuset_cpus", text) == canonical


@pytest.mark.parametrize(
    "text", ["", "a", "5-2", "0,", ",0", "0 1", "0-", "-1", "8192", "9" * 5000, "\u0661", "0--1"]
)
def test_what_is_no_set_of_processors(refused, text):
    """Empty items, reversed ranges and missing commas are refused."""
    refused(quantities.cpuset, "cpuset_cpus", text)


SIGNALS = {
    "SIGTERM": 15,
    "term": 15,
    "15": 15,
    15: 15,
    " sigKill ": 9,
    "1": 1,
    "64": 64,
    "IOT": 6,
    "CLD": 17,
    "POLL": 29,
    "RTMIN": 34,
    "SIGRTMIN+3": 37,
    "rtmax-1": 63,
    "RTMIN+30": 64,
    "RTMAX-30": 34,
}


@pytest.mark.parametrize(("text", "number"), SIGNALS.items())
def test_a_signal(text, number):
    """A name with or without SIG, in any case, and a number are a signal."""
    assert quantities.signal_number("stop_signal", text) == number


def test_every_named_signal():
    """Each signal that Python knows is accepted by name."""
    assert all(quantities.signal_number("s", item.name) == item.value for item in signal.Signals)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "65",
        "-1",
        "99",
        "SIG",
        "FOO",
        "_DFL",
        "RTMIN-1",
        "RTMIN+31",
        "RTMAX+1",
        "RTMAX-31",
        "RTMIN+",
        "\u00b2",
        "9" * 5000,
        "RTMIN+" + "9" * 5000,
        "1.5",
        None,
    ],
)
def test_what_is_no_signal(refused, text):
    """Unknown names and numbers, and signals reserved for the C library, are refused."""
    refused(quantities.signal_number, "stop_signal", text)


@pytest.mark.parametrize(("text", "number"), [("0", 0), (10, 10), ("-1", -1)])
def test_seconds(text, number):
    """Seconds are integers, and -1 means indefinitely."""
    assert quantities.seconds("stop_timeout", text) == number


@pytest.mark.parametrize("text", ["-2", "1.5", "10s", ""])
def test_what_is_no_time(refused, text):
    """Fractions, units and other negative numbers are refused."""
    refused(quantities.seconds, "stop_timeout", text)
