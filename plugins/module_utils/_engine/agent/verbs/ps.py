# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway ps``: the running containers, or all; options are those of podman-ps(1)."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from ...lifecycle.core.engine import Engine
from ...lifecycle.info import info
from ...lifecycle.inspect import filters
from ..cli import listing
from ..cli.listing import Field, Shape, short_id
from ..cli.table import age, human_size

#: The table's state includes what a user asks next (pid, exit code); a template has separate fields for it.
_USUAL = ("ID", "Names", "Image", "Summary", "RunningFor", "Ports")


def add(verbs: Any) -> None:
    """Add the verb."""
    text = "list running containers, or with --all all containers"
    parser = verbs.add_parser("ps", help=text, description=text)
    parser.add_argument("--all", "-a", action="store_true", help="containers in any state")
    parser.add_argument("--last", "-n", type=int, metavar="N", help="the N newest containers, in any state")
    parser.add_argument("--latest", "-l", action="store_true", help="the newest container, in any state")
    parser.add_argument("--size", "-s", action="store_true", help="show the size of each writable layer")
    listing.add_options(parser, filters=filters.CONTAINERS)
    parser.set_defaults(verb=_ps)


def _ps(engine: Engine, arguments: argparse.Namespace) -> None:
    wanted = filters.parse(arguments.filter, filters.CONTAINERS)
    found = filters.choose(
        info.containers(engine, size=arguments.size).result["containers"], wanted, filters.CONTAINERS
    )
    newest = 1 if arguments.latest else arguments.last
    if newest is not None:
        found = found[max(0, len(found) - newest) :]
    elif not arguments.all and "status" not in dict(wanted):
        # As in podman, a filter by status selects from containers in any state.
        found = [shape for shape in found if shape["State"]["Status"] == "running"]
    usual = (*_USUAL, "Size") if arguments.size else _USUAL
    listing.show(arguments, found, FIELDS, usual, lambda shape: str(shape["Id"]))


def state(seen: Mapping[str, Any]) -> str:
    """Return a state with what a user asks next: the pid, or the exit code."""
    if seen["Status"] == "running":
        health = (seen.get("Health") or {}).get("Status")
        return f"running, pid {seen['Pid']}{f' ({health})' if health else ''}"
    if seen.get("Checkpointed"):
        return "exited, checkpointed"
    if seen["Status"] == "exited":
        code = "unknown code" if seen["ExitCode"] is None else f"code {seen['ExitCode']}"
        return f"exited, {code}{', out of memory' if seen['OOMKilled'] else ''}"
    return str(seen["Status"])


def status(seen: Mapping[str, Any]) -> str:
    """Return a state in podman's format: ``Up 3 hours (healthy)``, ``Exited (1) 2 days ago``."""
    if seen["Status"] == "running":
        health = (seen.get("Health") or {}).get("Status")
        return f"Up {age(seen['StartedAt']).removesuffix(' ago')}{f' ({health})' if health else ''}"
    if seen["Status"] == "exited":
        code = "?" if seen["ExitCode"] is None else seen["ExitCode"]
        return f"Exited ({code}) {age(seen['FinishedAt'])}"
    return str(seen["Status"]).capitalize()


def ports(shape: Shape) -> str:
    """Return the published ports in podman's format: ``0.0.0.0:8080->80/tcp``."""
    published = shape["NetworkSettings"]["Ports"].items()
    return ", ".join(
        f"{_address(one['HostIp'])}:{one['HostPort']}->{port}"
        for port, found in published
        for one in found or ()
    )


def _address(text: str) -> str:
    if ":" in text:
        return f"[{text}]"
    return text or "0.0.0.0"  # noqa: S104  (podman's notation for any address)


def _size(shape: Shape) -> str:
    return human_size(shape["SizeRw"]) if shape.get("SizeRw") is not None else ""


FIELDS: Mapping[str, Field] = {
    "ID": Field(
        "CONTAINER ID", lambda shape, whole: str(shape["Id"]) if whole else short_id(str(shape["Id"]))
    ),
    "Names": Field("NAMES", lambda shape, _whole: shape["Name"]),
    "Image": Field("IMAGE", lambda shape, _whole: shape["ImageName"] or shape["Rootfs"]),
    "ImageID": Field("IMAGE ID", lambda shape, whole: shape["Image"] if whole else short_id(shape["Image"])),
    "Command": Field("COMMAND", lambda shape, _whole: " ".join(shape["Config"]["Cmd"] or ())),
    "Summary": Field("STATUS", lambda shape, _whole: state(shape["State"])),
    "State": Field("STATE", lambda shape, _whole: shape["State"]["Status"]),
    "Status": Field("STATUS", lambda shape, _whole: status(shape["State"])),
    "RunningFor": Field("CREATED", lambda shape, _whole: age(shape["Created"])),
    "CreatedAt": Field("CREATED AT", lambda shape, _whole: shape["Created"]),
    "Pid": Field("PID", lambda shape, _whole: shape["State"]["Pid"]),
    "ExitCode": Field("EXIT CODE", lambda shape, _whole: shape["State"]["ExitCode"]),
    "Exited": Field("EXITED", lambda shape, _whole: shape["State"]["Status"] == "exited"),
    "Restarts": Field("RESTARTS", lambda shape, _whole: shape["RestartCount"]),
    "Labels": Field("LABELS", lambda shape, _whole: shape["Config"]["Labels"] or {}),
    "Label": Field("LABEL", lambda shape, _whole: shape["Config"]["Labels"] or {}),
    "Mounts": Field("MOUNTS", lambda shape, _whole: [mount["Destination"] for mount in shape["Mounts"]]),
    "Networks": Field("NETWORKS", lambda shape, _whole: ", ".join(filters.networks(shape))),
    "Ports": Field("PORTS", lambda shape, _whole: ports(shape)),
    "Size": Field("SIZE", lambda shape, _whole: _size(shape)),
}
