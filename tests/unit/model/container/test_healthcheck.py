# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of a health check, and their combination with the image's."""

from __future__ import annotations

import pytest

from _engine.errors import InvalidOption
from _engine.model.container.healthcheck import StartupCheck, resolve
from _engine.model.container.healthtest import parse_action, parse_interval, parse_test
from _engine.model.container.spec import ContainerSpec
from _engine.model.image.config import ImageConfig
from _engine.model.values.durations import duration

SECOND = 10**9


def spec(**options):
    """Return a spec with the options."""
    return ContainerSpec.parse({"name": "box", "image": "box", "network": ["none"], **options})


@pytest.mark.parametrize(
    ("value", "test"),
    [
        ("curl -f localhost || exit 1", ("CMD-SHELL", "curl -f localhost || exit 1")),
        ("true", ("CMD-SHELL", "true")),
        (["true"], ("CMD-SHELL", "true")),
        (["curl", "-f"], ("CMD", "curl", "-f")),
        ('["curl", "-f"]', ("CMD", "curl", "-f")),
        ("CMD curl -f", ("CMD", "curl", "-f")),
        ("cmd-shell curl | cat", ("CMD-SHELL", "curl | cat")),
        (["CMD", "curl"], ("CMD", "curl")),
        (["CMD-SHELL", "a | b"], ("CMD-SHELL", "a | b")),
        ("none", ("NONE",)),
        ("NONE", ("NONE",)),
        (["NONE"], ("NONE",)),
    ],
)
def test_tests(value, test):
    """A string is a shell command, a list is run without a shell, Docker's words have their meaning."""
    assert parse_test("healthcheck", value) == test


@pytest.mark.parametrize(
    "value", ["", "  ", [], [""], ["CMD"], "CMD", "CMD-SHELL ", ["CMD-SHELL", "a", "b"], ["a", None]]
)
def test_bad_tests(value):
    """A test without a command is refused, naming the option."""
    with pytest.raises(InvalidOption, match="healthcheck"):
        parse_test("healthcheck", value)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("30s", 30 * SECOND),
        ("1m30s", 90 * SECOND),
        ("1.5h", 5400 * SECOND),
        ("250ms", SECOND // 4),
        ("0", 0),
        ("0s", 0),
    ],
)
def test_durations(text, span):
    """Durations are parsed like in Go."""
    assert duration("healthcheck_interval", text) == span


@pytest.mark.parametrize("text", ["", "30", "s", "-1s", "1d", "30 s", "1s1", True, "9000000h"])
def test_bad_durations(text):
    """An invalid duration is refused, and the remedy has an example."""
    with pytest.raises(InvalidOption, match=r"30s|shorter"):
        duration("healthcheck_interval", text)


def test_interval():
    """0 is not an interval; with disable, the check runs only on demand."""
    assert parse_interval("healthcheck_interval", "disable") == 0
    with pytest.raises(InvalidOption, match="more than 0"):
        parse_interval("healthcheck_interval", "0s")
    with pytest.raises(InvalidOption, match="none, kill, restart, stop"):
        parse_action("healthcheck_failure_action", "explode")


def test_resolving():
    """The spec overrides the image, the image podman's defaults; none disables the check."""
    image = ImageConfig(healthcheck={"Test": ["CMD", "up"], "Interval": SECOND, "Retries": 7, "Timeout": 0})
    assert resolve(spec(), None) is None
    assert resolve(spec(), ImageConfig()) is None
    assert resolve(spec(healthcheck="none"), image) is None
    assert resolve(spec(no_healthcheck=True), image) is None
    check = resolve(spec(healthcheck_retries=2), image)
    assert (check.argv, check.interval, check.retries, check.timeout) == (("up",), SECOND, 2, 30 * SECOND)
    check = resolve(
        spec(healthcheck="a b", healthcheck_start_period="2s", healthcheck_failure_action="stop"), image
    )
    assert (check.argv, check.start_period, check.action) == (("/bin/sh", "-c", "a b"), 2 * SECOND, "stop")
    check = resolve(spec(healthcheck="a", health_startup_cmd=["b", "c"], health_startup_success=2), None)
    assert check.startup == StartupCheck(("b", "c"), successes=2)


@pytest.mark.parametrize(
    "told", [{"Test": "up"}, {"Test": [1]}, {"Test": []}, {"Test": ["NONE"]}, {"Test": ["up"]}]
)
def test_odd_images(told):
    """An invalid check of an image is ignored."""
    assert resolve(spec(), ImageConfig(healthcheck=told)) is None


def test_check_and_none_at_once():
    """A check and no_healthcheck contradict each other."""
    with pytest.raises(InvalidOption, match="no_healthcheck"):
        spec(healthcheck="true", no_healthcheck=True)
