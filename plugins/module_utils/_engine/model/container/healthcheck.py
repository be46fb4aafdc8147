# SPDX-License-Identifier: GPL-3.0-or-later
"""A container's health check: the spec's options, then the image's ``HEALTHCHECK``, then podman's defaults.

Sources: podman-run(1) ``--health-*``; Docker's additions to the image configuration (``Healthcheck``). Times are
nanoseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from ...frozen import dataclass, replace
from ..image.config import ImageConfig
from ..values.durations import SECOND
from .healthtest import NONE, command
from .spec import ContainerSpec

#: podman's defaults (podman-run(1)).
_INTERVAL, _TIMEOUT, _RETRIES = 30 * SECOND, 30 * SECOND, 3
_NOTHING = ImageConfig()


@dataclass(frozen=True)
class StartupCheck:
    """The startup check, which precedes the regular one; ``retries`` 0: never restart; ``successes`` 0: one is enough."""

    argv: tuple[str, ...]
    interval: int = _INTERVAL
    timeout: int = _TIMEOUT
    retries: int = 0
    successes: int = 0


@dataclass(frozen=True)
class HealthCheck:
    """The health check of a container. ``interval`` 0: only on demand. ``test``: in Docker's form (``CMD-SHELL``, ...)."""

    test: tuple[str, ...]
    argv: tuple[str, ...]
    interval: int = _INTERVAL
    timeout: int = _TIMEOUT
    retries: int = _RETRIES
    start_period: int = 0
    action: str = NONE
    startup: Optional[StartupCheck] = None


def resolve(spec: ContainerSpec, image: ImageConfig | None) -> HealthCheck | None:
    """Return the health check, None if there is none, or if ``none`` disables the image's."""
    full = filled(spec, image or _NOTHING)
    argv = command(full.healthcheck or ())
    if not argv:
        return None
    return HealthCheck(
        test=full.healthcheck or (),
        argv=argv,
        interval=_INTERVAL if full.healthcheck_interval is None else full.healthcheck_interval,
        timeout=full.healthcheck_timeout or _TIMEOUT,
        retries=full.healthcheck_retries or _RETRIES,
        start_period=full.healthcheck_start_period or 0,
        action=spec.healthcheck_failure_action,
        startup=_startup(spec),
    )


def filled(spec: ContainerSpec, image: ImageConfig) -> ContainerSpec:
    """Return the spec with unset options of the check filled in from the image, then from the defaults."""
    given: Mapping[str, Any] = image.healthcheck or {}
    return replace(
        spec,
        healthcheck=spec.healthcheck if spec.healthcheck is not None else _image_test(given) or None,
        healthcheck_interval=_first(spec.healthcheck_interval, _span(given, "Interval"), _INTERVAL),
        healthcheck_timeout=_first(spec.healthcheck_timeout, _span(given, "Timeout"), _TIMEOUT),
        healthcheck_retries=_first(spec.healthcheck_retries, _span(given, "Retries"), _RETRIES),
        healthcheck_start_period=_first(spec.healthcheck_start_period, _span(given, "StartPeriod"), 0),
    )


def of_image(spec: ContainerSpec, image: ImageConfig) -> ContainerSpec:
    """Return the spec with unset options of the check filled in from the image, without defaults."""
    told: Mapping[str, Any] = image.healthcheck or {}
    words: dict[str, Any] = {
        "healthcheck": _image_test(told) or None,
        "healthcheck_interval": _span(told, "Interval"),
        "healthcheck_timeout": _span(told, "Timeout"),
        "healthcheck_retries": _span(told, "Retries"),
        "healthcheck_start_period": _span(told, "StartPeriod"),
    }
    return replace(spec, **{name: value for name, value in words.items() if getattr(spec, name) is None})


def _startup(spec: ContainerSpec) -> StartupCheck | None:
    argv = command(spec.health_startup_cmd or ())
    if not argv:
        return None
    return StartupCheck(
        argv,
        _first(spec.health_startup_interval, None, _INTERVAL),
        _first(spec.health_startup_timeout, None, _TIMEOUT),
        spec.health_startup_retries,
        spec.health_startup_success,
    )


def _first(asked: int | None, of_image: int | None, default: int) -> int:
    if asked is not None:
        return asked
    return default if of_image is None else of_image


def _image_test(told: Mapping[str, Any]) -> tuple[str, ...]:
    test = told.get("Test") or ()
    good = isinstance(test, list) and all(isinstance(word, str) and "\0" not in word for word in test)
    return tuple(test) if good else ()


def _span(told: Mapping[str, Any], key: str) -> int | None:
    """Return a number of the image; None for 0, which means unset, and for anything that is not a number."""
    value = told.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
