# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from _engine.errors import InvalidOption
from _engine.model.container import tuning
from _engine.model.container.spec import ContainerSpec

BASE = {"name": "box", "image": "i", "network": ["none"]}
GOOD = {
    ("umask", "27"): "0027",
    ("umask", "0"): "0000",
    ("umask", 77): "0077",
    ("oom_score_adj", -1000): -1000,
    ("oom_score_adj", 0): 0,
    ("memory_swappiness", 0): 0,
    ("memory_swappiness", -1): None,
    ("blkio_weight", 10): 10,
    ("blkio_weight", 0): None,
    ("device_cgroup_rule", ("c 42:* mwr", "b *:7 r")): ("b *:7 r", "c 42:* rwm"),
    ("device_cgroup_rule", ("a *:* rwm", "a rwm")): ("a rwm",),
    ("timezone", "local"): "local",
    ("timezone", "America/Argentina/Ushuaia"): "America/Argentina/Ushuaia",
    ("timezone", ""): None,
}
BAD = [
    ("umask", "0888"),
    ("umask", "7777"),
    ("umask", "-1"),
    ("oom_score_adj", 1001),
    ("memory_swappiness", 101),
    ("blkio_weight", 9),
    ("device_cgroup_rule", ("c 42 rwm",)),
    ("device_cgroup_rule", ("d 1:1 r",)),
    ("device_cgroup_rule", ("c 1:1 x",)),
    ("device_cgroup_rule", ("a 1:1 r",)),
    ("device_cgroup_rule", ("c r",)),
    ("timezone", "../../etc/passwd"),
    ("timezone", "/etc/localtime"),
]


@pytest.mark.parametrize("case", GOOD, ids=str)
def test_good_values(case):
    """Each value has one canonical form."""
    option, value = case
    assert getattr(ContainerSpec.parse({**BASE, option: value}), option) == GOOD[case]


@pytest.mark.parametrize(("option", "value"), BAD, ids=str)
def test_bad_values(option, value):
    """Values that the kernel does not accept are refused, naming the option."""
    with pytest.raises(InvalidOption) as caught:
        ContainerSpec.parse({**BASE, option: value})
    assert caught.value.fields["option"] == option


def test_files_of_a_cgroup():
    """Keys are file names, not paths; values are strings."""
    wanted = {"memory.high": "5", "io.bfq.weight": "8:0 200"}
    assert tuning.cgroup_conf("cgroup_conf", {"memory.high": 5, "io.bfq.weight": "8:0 200"}) == wanted
    for name in ("../memory.high", "memory", "memory.high/x", ""):
        with pytest.raises(InvalidOption):
            tuning.cgroup_conf("cgroup_conf", {name: 1})


def test_parts_of_a_rule():
    """A star means all numbers."""
    assert tuning.decode_rule("c 42:* rwm") == ("c", 42, None, "rwm")
    assert tuning.decode_rule("a rwm") == ("a", None, None, "rwm")
