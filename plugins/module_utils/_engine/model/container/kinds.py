# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of option values: how each is parsed, stored and compared.

A kind converts the user's input into a canonical value (spellings with the same meaning yield the same value), and
that value into JSON and back. The JSON forms are compared, so everything that is stored is also compared.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ...errors import InvalidOption
from ..mounts import mount as mounts
from ..mounts import volumes_from
from ..network import ports, resolver
from ..values import durations, jsontext, names, quantities, readable
from ..values.capabilities import canonical_capability
from ..values.text import absolute_path, plain_text
from . import (
    cgroup,
    healthtest,
    limits,
    log_options,
    namespaces,
    networks,
    systemd_mode,
    tuning,
    userns,
)
from .restart_policy import decode_restart_policy, parse_restart_policy

#: An option in the form of Ansible's argument spec: type, elements, choices, aliases, no_log.
Argument = Mapping[str, Any]


def of_type(kind: str, *, elements: str = "", **more: Any) -> Argument:
    """Return an argument of a type; the elements of a list are strings by default."""
    items = {"elements": elements or "str"} if kind == "list" else {}
    return {"type": kind, **items, **more}


def _same(value: Any) -> Any:
    return value


class Kind(NamedTuple):
    """How a value is parsed (``parse(option, raw)``), encoded to JSON and decoded.

    ``written``: converts the JSON form, or that of each of its keys, to what a person would write. ``empty_is_unset``: an empty
    list, mapping or string, or 0, has the same effect as no value, so both are stored as unset. ``argument``: the argument spec.
    """

    parse: Callable[[str, Any], Any]
    encode: Callable[[Any], Any] = _same
    decode: Callable[[Any], Any] = _same
    empty_is_unset: bool = False
    argument: Argument = of_type("str")
    written: Callable[[Any], Any] = _same


#: A host name that the kernel accepts (HOST_NAME_MAX, limits.h) and that is valid in /etc/hosts.
_HOSTNAME = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,63}")
#: The namespaced kernel parameters; all others are the host's (sysctl(8), namespaces(7)).
_OWN_SYSCTL = re.compile(
    r"net\..+|fs\.mqueue\..+|kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)"
)


def _boolean(option: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidOption(option, value, "is not a boolean", remedy="Write true or false")
    return value


def _hostname(option: str, value: object) -> str:
    text = plain_text(option, value)
    if text and not _HOSTNAME.fullmatch(text):
        raise InvalidOption(
            option,
            value,
            "is not a host name",
            remedy="Write at most 64 letters, digits, _ . -, as in db-1.example",
        )
    return text


def _command(option: str, value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        try:
            return _words(option, shlex.split(value))
        except ValueError as error:
            raise InvalidOption(
                option,
                value,
                f"cannot be split into words: {error}",
                remedy="Close the quotes, or write a list",
            ) from None
    return _words(option, value)


def _entrypoint(option: str, value: object) -> tuple[str, ...]:
    """Parse a list, a JSON list, or a single program; an empty string means no entrypoint (podman-run(1))."""
    if not isinstance(value, str):
        return _words(option, value)
    try:
        decoded = jsontext.parse(value)
    except ValueError:
        decoded = None
    if isinstance(decoded, list):
        return _words(option, decoded)
    return (plain_text(option, value),) if value else ()


def _words(option: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)):
        raise InvalidOption(option, value, "is not a list", remedy="Write a list of words")
    return tuple(plain_text(option, item) for item in value)


def _texts(option: str, value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise InvalidOption(option, value, "is not a mapping", remedy="Write it as in {NAME: value}")
    result = {plain_text(option, key): plain_text(f"{option}.{key}", item) for key, item in value.items()}
    for key in result:
        if not key or "=" in key:
            raise InvalidOption(option, key, "is not a valid name", remedy="Write a name without =")
    return result


def _each(parse: Callable[[str, Any], Any]) -> Callable[[str, Any], tuple[Any, ...]]:
    """Return a parser of lists in which order and repetition are insignificant."""
    return lambda option, value: tuple(sorted({parse(option, item) for item in value}))


def _keyed(parse: Callable[[str, Any], tuple[str, Any]]) -> Callable[[str, Any], dict[str, Any]]:
    """Return a parser of lists whose items have unique keys."""

    def read(option: str, value: Any) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for item in value:
            key, parsed = parse(option, item)
            if result.setdefault(key, parsed) != parsed:
                raise InvalidOption(
                    option,
                    item,
                    f"sets {key} twice, to different values",
                    remedy="Keep one of the two",
                )
        return result

    return read


def _security(option: str, value: object) -> str:
    # ``label:disable`` is the old spelling of ``label=disable``; any later ":" belongs to the argument.
    match = re.fullmatch("([a-z-]+)(?:[=:](.*))?", plain_text(option, value), re.DOTALL)
    word, argument = (match[1], match[2] or "") if match else ("", "")
    if word == "no-new-privileges" and argument in ("", "true", "false"):
        return word if argument != "false" else f"{word}=false"
    if word not in ("seccomp", "apparmor", "label", "mask", "unmask") or not argument:
        raise InvalidOption(
            option,
            value,
            "is not known",
            remedy="Known: seccomp=, apparmor=, label=, mask=, unmask=, no-new-privileges",
        )
    return f"{word}={argument}"


def _sysctl(option: str, value: object) -> dict[str, str]:
    result = _texts(option, value)
    for key in result:
        if ".." in key or not _OWN_SYSCTL.fullmatch(key.replace("/", ".")):
            raise InvalidOption(
                option,
                key,
                "is not a namespaced kernel parameter",
                remedy="Set parameters below net. and fs.mqueue., and kernel.msg*, kernel.sem and kernel.shm*",
            )
    return result


def _device(option: str, value: str) -> tuple[str, limits.Device]:
    device = limits.parse_device(option, value)
    return device.destination, device


def _encode_devices(value: dict[str, limits.Device]) -> dict[str, Any]:
    return {key: [device.source, device.permissions] for key, device in value.items()}


def _decode_devices(data: dict[str, Any]) -> dict[str, limits.Device]:
    return {key: limits.Device(source, key, permissions) for key, (source, permissions) in data.items()}


def _mounts(_option: str, values: dict[str, Any]) -> dict[str, mounts.Mount]:
    """Combine ``volume``, ``mount`` and ``tmpfs``."""
    from ..mounts import grammar  # needed only for a task's input, not for stored values

    return grammar.parse_all(values)


def _health(option: str, value: Any) -> tuple[str, ...]:
    """Combine ``healthcheck`` and ``no_healthcheck``."""
    test = value.get("healthcheck")
    if value.get("no_healthcheck"):
        if test is not None:
            raise InvalidOption(option, test, "contradicts no_healthcheck", remedy="Keep one of the two")
        return ("NONE",)
    return () if test is None else healthtest.parse_test(option, test)


def _count(least: int) -> Callable[[str, Any], int]:
    def read(option: str, value: object) -> int:
        number = quantities.integer(option, value)
        if number < least:
            raise InvalidOption(option, value, f"is less than {least}", remedy=f"Write {least} or more")
        return number

    return read


_BOOL, _INT, _RAW, _DICT, _LIST = (of_type(kind) for kind in ("bool", "int", "raw", "dict", "list"))

TEXT = Kind(plain_text)
HOSTNAME = Kind(_hostname, empty_is_unset=True)
BOOL = Kind(_boolean, argument=_BOOL)
SHARES = Kind(quantities.shares, empty_is_unset=True, argument=_INT)
PATH = Kind(absolute_path)
SIZE = Kind(quantities.size, written=readable.size)
#: A limit of 0 bytes or processors means no limit, as in podman.
SIZE_LIMIT = Kind(quantities.size, empty_is_unset=True, written=readable.size)
SIZE_OR_UNLIMITED = Kind(quantities.size_or_unlimited, written=readable.size)
CPUS = Kind(quantities.cpus, empty_is_unset=True, written=readable.cpus)
CPUSET = Kind(quantities.cpuset)
CPU_PERIOD = Kind(quantities.cpu_period, empty_is_unset=True, argument=_INT)
CPU_QUOTA = Kind(quantities.cpu_quota, empty_is_unset=True, argument=_INT)
PIDS = Kind(quantities.pids)
SIGNAL = Kind(quantities.signal_number, written=readable.signal_name)
SECONDS = Kind(quantities.seconds, argument=_INT)
SYSTEMD = Kind(systemd_mode.parse)
RESTART_POLICY = Kind(parse_restart_policy, str, decode_restart_policy)
NAME = Kind(names.check_name)
NETWORKS = Kind(networks.parse, list, tuple, True, argument=_LIST)
IPV4 = Kind(networks.parse_ip(4), empty_is_unset=True)
IPV6 = Kind(networks.parse_ip(6), empty_is_unset=True)
LINK_LOCAL = Kind(networks.parse_link_local, empty_is_unset=True)
MAC = Kind(networks.parse_mac, empty_is_unset=True)
ALIASES = Kind(_each(networks.parse_alias), list, tuple, True, argument=_LIST)
PUBLISHED = Kind(ports.parse_published, list, tuple, True, argument=_LIST)
EXPOSED = Kind(ports.parse_exposed, list, tuple, True, argument=_LIST)
NAME_SERVERS = Kind(resolver.parse_servers, list, tuple, True, argument=_LIST)
DOMAINS = Kind(resolver.parse_domains, list, tuple, True, argument=_LIST)
RESOLVER_OPTIONS = Kind(resolver.parse_options, list, tuple, True, argument=_LIST)
HOSTS_FILE = Kind(resolver.parse_hosts_file, empty_is_unset=True)
HOST_NAMES = Kind(resolver.parse_hosts, dict, dict, True, argument=_DICT)
PID = Kind(namespaces.parser("host", "private", unset="private"), empty_is_unset=True)
UTS = PID
#: As in podman, others can join the namespace unless it is ``private``; ``none``: no /dev/shm.
IPC = Kind(namespaces.parser("shareable", "private", "host", "none", unset="shareable"), empty_is_unset=True)
#: The default depends on the host: private with cgroups v2, else the host's.
CGROUPNS = Kind(namespaces.parser("host", "private"), empty_is_unset=True)
UMASK = Kind(tuning.umask)
OOM_SCORE_ADJ = Kind(tuning.oom_score_adj, argument=_INT)
SWAPPINESS = Kind(tuning.swappiness, argument=_INT)
BLKIO_WEIGHT = Kind(tuning.blkio_weight, empty_is_unset=True, argument=_INT)
DEVICE_RULES = Kind(_each(tuning.device_rule), list, tuple, True, argument=_LIST)
CGROUP_CONF = Kind(tuning.cgroup_conf, dict, dict, True, argument=_DICT)
TIMEZONE = Kind(tuning.timezone, empty_is_unset=True)
#: A single value for userns, uidmap, gidmap, subuidname and subgidname.
USERNS = Kind(userns.parse, lambda value: value.encode(), userns.UserNamespace.decode, True)
#: An empty command is unset, so the image's command runs; an empty entrypoint removes the image's.
COMMAND = Kind(_command, list, tuple, True, argument=_RAW)
ENTRYPOINT = Kind(_entrypoint, list, tuple, argument=_RAW)
CGROUPS = Kind(cgroup.parse_use, argument=of_type("str", choices=[*cgroup.USES]))
CGROUP_PARENT = Kind(cgroup.parse_parent, argument=of_type("path"))
PATHS = Kind(
    lambda option, value: tuple(absolute_path(option, item) for item in value),
    list,
    tuple,
    True,
    argument=of_type("list", elements="path"),
)
TEXT_SET = Kind(_each(plain_text), list, tuple, True, argument=_LIST)
CAPABILITIES = Kind(_each(canonical_capability), list, tuple, True, argument=_LIST)
SECURITY = Kind(_each(_security), list, tuple, True, argument=_LIST)
TEXTS = Kind(_texts, dict, dict, True, argument=_DICT)
SYSCTL = Kind(_sysctl, dict, dict, True, argument=_DICT)
LOG_OPTIONS = Kind(
    log_options.parse_options, dict, dict, True, argument=of_type("dict", options=log_options.ARGUMENTS)
)
LOG_DRIVER = Kind(log_options.parse_driver, argument=of_type("str", choices=[*log_options.DRIVERS]))
ULIMITS = Kind(
    _keyed(limits.parse_ulimit),
    lambda value: {key: list(pair) for key, pair in value.items()},
    lambda data: {key: tuple(pair) for key, pair in data.items()},
    True,
    argument=_LIST,
    written=readable.pair,
)
DEVICES = Kind(_keyed(_device), _encode_devices, _decode_devices, True, argument=_LIST, written=readable.pair)
MOUNTS = Kind(
    _mounts,
    lambda value: {key: mount.encode() for key, mount in value.items()},
    lambda data: {key: mounts.Mount.decode(key, item) for key, item in data.items()},
    True,
    written=readable.mount,
)
VOLUMES_FROM = Kind(volumes_from.parse, list, tuple, True, argument=_LIST, written=readable.source)
IMAGE_VOLUME = Kind(
    volumes_from.parse_image_volume, argument=of_type("str", choices=[*volumes_from.IMAGE_VOLUME_WORDS])
)
HEALTH = Kind(_health, list, tuple, True)
HEALTH_TEST = Kind(healthtest.parse_test, list, tuple, True, argument=_RAW)
HEALTH_INTERVAL = Kind(healthtest.parse_interval, written=readable.span)
HEALTH_ACTION = Kind(healthtest.parse_action, argument=of_type("str", choices=[*healthtest.ACTIONS]))
SPAN = Kind(durations.duration, written=readable.span)
POSITIVE_SPAN = Kind(durations.positive, written=readable.span)
COUNT = Kind(_count(0), argument=_INT)
POSITIVE_COUNT = Kind(_count(1), argument=_INT)
