# SPDX-License-Identifier: GPL-3.0-or-later
"""Record which kernel parameters of the host the engine has set for its networks, because they stay set.

Those of a bridge go with it and are not recorded. A reboot resets all, so the record is valid for one boot.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from ...kernel.boot import boot_id
from ...kernel.net import sysctl
from ...model.network.spec import NetworkRecord
from ...model.values import jsontext
from ...state import meta
from ..core.engine import Engine


def keep(engine: Engine, network: NetworkRecord, changed: Iterable[sysctl.Changed]) -> None:
    """Record what was set for a network, except for its bridge; keep a parameter's first recorded value."""
    own = f"/{network.interface}/"
    found = {one.name: [one.before, one.after] for one in changed if own not in one.name}
    if not found:
        return
    with engine.database.transaction(durable=False) as connection:
        known = _parsed(meta.get(connection, meta.PARAMETERS))
        before = {name: [known[name][0], values[1]] for name, values in found.items() if name in known}
        kept = {"boot": boot_id(), "set": {**known, **found, **before}}
        meta.put(connection, meta.PARAMETERS, json.dumps(kept))


def told(engine: Engine) -> dict[str, dict[str, str]]:
    """Return the parameters, by sysctl(8) name, that the engine set in this boot and that are unchanged."""
    with engine.database.reading() as connection:
        known = _parsed(meta.get(connection, meta.PARAMETERS))
    return {
        name.replace(".", "|").replace("/", ".").replace("|", "/"): {"before": before, "after": after}
        for name, (before, after) in sorted(known.items())
        if sysctl.read(name) == after
    }


def _parsed(text: str | None) -> dict[str, list[str]]:
    """Return what was recorded in this boot; ignore what cannot be parsed, because nothing depends on it."""
    try:
        kept = jsontext.parse_object(text or "{}")
        if kept.get("boot") != boot_id():
            return {}
        return {str(name): [str(before), str(after)] for name, (before, after) in kept["set"].items()}
    except (ValueError, LookupError, TypeError, AttributeError):
        return {}
