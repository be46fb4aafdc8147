# SPDX-License-Identifier: GPL-3.0-or-later
"""The specification of a container in canonical form: parsed, stored, and checked as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import InvalidOption, Setting, Words
from ..values import typed
from . import log_options, namespaces, networks, systemd_mode
from .cgroup import DISABLED
from .options import DEFAULT_SHM_SIZE, OPTIONS, ContainerOptions


class ContainerSpec(ContainerOptions):
    """A container as requested."""

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> ContainerSpec:
        """Parse raw module options. Raises InvalidOption or NotBuiltYet, naming the option."""
        spec = cls(**{option.name: option.parse(raw) for option in OPTIONS})
        check_whole(spec)
        return spec

    def encode(self) -> dict[str, Any]:
        """Return the JSON form, without unset options."""
        pairs = ((option, getattr(self, option.name)) for option in OPTIONS)
        return {option.name: option.kind.encode(value) for option, value in pairs if value is not None}

    @classmethod
    def decode(cls, data: Mapping[str, Any]) -> ContainerSpec:
        """Decode the JSON form. Raises TypeError if a value does not have the type of its option."""
        spec = cls(
            **{
                option.name: option.kind.decode(data[option.name])
                for option in OPTIONS
                if option.name in data
            }
        )
        typed.check(spec, data.keys())  # options that an older engine did not know have their defaults
        return spec


def check_whole(spec: ContainerSpec) -> None:
    """Check that the options do not contradict each other. Raises InvalidOption."""
    _check_image(spec)
    _check_network(spec)
    namespaces.check(spec, usual_shm_size=DEFAULT_SHM_SIZE)
    _check_memory(spec)
    _check_cgroups(spec)
    _check_systemd(spec)
    _check_cpu(spec)
    log_options.check(spec.log_driver, spec.log_opt or {})
    both = sorted({*(spec.cap_add or ())} & {*(spec.cap_drop or ())})
    if both:
        raise InvalidOption("cap_drop", both[0], "is in cap_add too", remedy="Keep one of the two")
    if spec.rm and spec.restart_policy.persistent:
        raise InvalidOption(
            "restart_policy",
            str(spec.restart_policy),
            "restarts a container that rm: true removes",
            remedy="Keep one of the two",
        )
    if spec.rm and spec.stop_timeout < 0:
        raise InvalidOption(
            "stop_timeout",
            spec.stop_timeout,
            "waits indefinitely, which rm: true does not allow",
            remedy="Write 0 or more seconds",
        )


def _check_image(spec: ContainerSpec) -> None:
    if not spec.image:
        raise InvalidOption(
            "image",
            spec.image,
            "is required",
            remedy=Words("Name an image, or a directory with ", Setting("rootfs", True)),
        )
    if spec.rootfs and not spec.image.startswith("/"):
        raise InvalidOption(
            "image",
            spec.image,
            "is not an absolute path",
            remedy=Words("Name a directory, as ", Setting("rootfs", True), " requires"),
        )


def _check_network(spec: ContainerSpec) -> None:
    networks.check(spec)
    of_host = [
        key for key in spec.sysctl or () if key.startswith("net") and namespaces.uses_host_network(spec)
    ]
    if of_host:
        raise InvalidOption(
            "sysctl",
            of_host[0],
            "is the host's with network: host",
            remedy="Set it on the host, for example with ansible.posix.sysctl",
        )


def _check_cgroups(spec: ContainerSpec) -> None:
    given = [option.name for option in OPTIONS if option.cgroup and option.is_set(spec)]
    if spec.cgroups == DISABLED and given:
        raise InvalidOption(
            "cgroups",
            DISABLED,
            f"conflicts with {given[0]}, which needs a cgroup",
            remedy=f"Leave out {given[0]}",
        )


def _check_systemd(spec: ContainerSpec) -> None:
    if spec.systemd != systemd_mode.ALWAYS:
        return
    if spec.init:
        raise InvalidOption(
            "init", True, "conflicts with systemd: init would be PID 1", remedy="Leave out init or systemd"
        )
    if spec.cgroups == DISABLED:
        raise InvalidOption(
            "cgroups", DISABLED, "conflicts with systemd, which needs a cgroup", remedy="Leave it out"
        )


def _check_cpu(spec: ContainerSpec) -> None:
    named = next((name for name in ("cpu_quota", "cpu_period") if getattr(spec, name) is not None), None)
    if spec.cpus is not None and named is not None:
        raise InvalidOption(named, getattr(spec, named), "conflicts with cpus", remedy="Keep one of the two")


def _check_memory(spec: ContainerSpec) -> None:
    if spec.memory_swap is None or spec.memory_swap < 0:
        return
    if spec.memory is None or spec.memory_swap < spec.memory:
        raise InvalidOption(
            "memory_swap",
            spec.memory_swap,
            "is less than memory" if spec.memory else "requires memory",
            remedy="Set it to the sum of memory and swap",
        )
