# SPDX-License-Identifier: GPL-3.0-or-later
"""With each option a task that finds nothing to do is recognised, and returns what the whole way returns, to the byte."""

from __future__ import annotations

import shutil

import pytest
from ansible_collections.slipway.oci.plugins.module_utils._engine.lifecycle.preflight import container, limits
from ansible_collections.slipway.oci.plugins.module_utils._engine.lifecycle.resources import (
    id_mapping,
    userns_access,
)
from bothways import BASE

from optioncases import ALONE, NETWORK, ROWS

#: Options with which a task always goes the whole way: others have a part in its result.
WHOLE = {"volumes_from", "image_volume"}
OPTIONS = [
    *ROWS,
    *(row for row in ALONE if row.option not in ("name", "image", "rootfs", "log_driver")),
]


@pytest.fixture
def any_host(place, monkeypatch):
    """Leave out what a host has to have for some options."""
    monkeypatch.setattr(userns_access, "check", lambda *_arguments: None)
    monkeypatch.setattr(container, "_check_cgroup_version", lambda *_arguments: None)
    (place / "nodes").write_text("0-1\n")
    monkeypatch.setitem(limits._ONLINE, "cpuset_mems", str(place / "nodes"))
    for name in ("SUBUID", "SUBGID"):
        place.joinpath(name).write_text("containers:100000:65536\nann:200000:10\nbob:300000:10\n")
        monkeypatch.setattr(id_mapping, name, str(place / name))


@pytest.mark.usefixtures("any_host")
@pytest.mark.parametrize("row", OPTIONS, ids=lambda row: row.option)
def test_both_ways(need, ways, lent, row):
    """With each option a task is recognised, returning what the whole way does, in check mode too; another value is not."""
    need(row.option != "init" or shutil.which("catatonit"), "catatonit")
    lent.bring("box", "absent")
    for name in ("one", "two"):
        if row.option in ("volumes_from", "requires"):
            ways(**{**BASE, "name": name, "state": "created", "volume": ["data:/data"]}).whole()
    if row.beside.get("network") == [NETWORK["name"]]:
        lent.network(**NETWORK)
    options = {**BASE, "state": "created", **row.task(row.first)}
    task, other = ways(**options), ways(**{**options, **row.task(row.altered)})
    assert (task.whole()["changed"], task.recalled()) == (True, None)
    result = task.whole()
    assert not result["changed"]
    assert task.both_recalled() == [None if row.option in WHOLE else result] * 2
    assert task.whole(check=True) == result
    assert other.both_recalled() == [None, None]
    assert other.whole()["changed"]
    assert task.both_recalled() == [None, None]
