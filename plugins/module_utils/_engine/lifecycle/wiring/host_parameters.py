# SPDX-License-Identifier: GPL-3.0-or-later
"""Remember which of the host's parameters the engine has set for its networks, since they stay set.

Those of a bridge go with it and are not kept. A boot sets all of them back, so what is known is of one boot.
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
    """Keep what was set for a network, but for its bridge; what a parameter was before the first time is what it was."""
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
    """Return the parameters that the engine has set since the boot and that still are so, by their names in sysctl(8)."""
    with engine.database.reading() as connection:
        known = _parsed(meta.get(connection, meta.PARAMETERS))
    return {
        name.replace(".", "|").replace("/", ".").replace("|", "/"): {"before": before, "after": after}
        for name, (before, after) in sorted(known.items())
        if sysctl.read(name) == after
    }


def _parsed(text: str | None) -> dict[str, list[str]]:
    """Return what was kept in this boot; what can't be read is not known, since nothing hangs on it."""
    try:
        kept = jsontext.parse_object(text or "{}")
        if kept.get("boot") != boot_id():
            return {}
        return {str(name): [str(before), str(after)] for name, (before, after) in kept["set"].items()}
    except (ValueError, LookupError, TypeError, AttributeError):
        return {}
