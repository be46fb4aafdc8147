# SPDX-License-Identifier: GPL-3.0-or-later
"""The limits of a container, and how to change those of a running one."""

from __future__ import annotations

import itertools

import pytest

from _engine.model.container.spec import ContainerSpec
from _engine.runtime.config.limits import Ground, change, limits

MIB = 1 << 20
GROUND = Ground("0-7", "0", "v1", takes_none=True)


def of(**options):
    """Return the limits of a container with these options."""
    spec = ContainerSpec.parse({"name": "web", "image": "app:1", "network": ["none"], **options})
    return limits(spec, counts_swap=True)


CHANGES = [
    ({}, {}, {}),
    ({"memory": "64m"}, {"memory": "65536k"}, {}),
    ({}, {"memory": "64m"}, {"memory": {"limit": 64 * MIB, "swap": 128 * MIB}}),
    ({"memory": "64m"}, {}, {"memory": {"limit": -1, "swap": -1}}),
    # A pair is complete even if one half is unchanged: the kernel requires them to be consistent.
    ({"memory": "64m"}, {"memory": "64m", "memory_swap": "-1"}, {"memory": {"limit": 64 * MIB, "swap": -1}}),
    ({"cpus": "1"}, {"cpus": "2"}, {"cpu": {"period": 100_000, "quota": 200_000}}),
    ({"cpus": "1"}, {}, {"cpu": {"period": 100_000, "quota": -1}}),
    ({"cpu_shares": 512}, {}, {"cpu": {"shares": 1024}}),
    ({"cpuset_cpus": "0"}, {}, {"cpu": {"cpus": "0-7"}}),
    ({"cpuset_mems": "0"}, {"cpuset_mems": "1"}, {"cpu": {"mems": "1"}}),
    ({"memory_reservation": "1m"}, {}, {"memory": {"reservation": -1}}),
    ({"pids_limit": 7}, {}, {"pids": {"limit": 2048}}),
    ({}, {"pids_limit": -1}, {"pids": {"limit": -1}}),
    ({"blkio_weight": 500}, {"blkio_weight": 200}, {"blockIO": {"weight": 200}}),
    ({"blkio_weight": 500}, {}, {"blockIO": {"weight": 100}}),
    ({"memory": "64m", "pids_limit": 7}, {"memory": "64m", "pids_limit": 8}, {"pids": {"limit": 8}}),
]


@pytest.mark.parametrize(("before", "after", "needed"), CHANGES)
def test_changes(before, after, needed):
    """Unchanged limits are omitted, removed ones are set explicitly, and pairs are complete."""
    assert change(of(**before), of(**after), GROUND) == needed


@pytest.mark.parametrize(("one", "two"), [*itertools.combinations([item[1] for item in CHANGES], 2)])
def test_the_way_back_names_the_same(one, two):
    """A change and its reversal concern the same limits."""
    forth, back = change(of(**one), of(**two), GROUND), change(of(**two), of(**one), GROUND)
    assert {(group, name) for group in forth for name in forth[group]} == {
        (group, name) for group in back for name in back[group]
    }


NOTHING = [
    (GROUND, {"shares": 1024, "quota": -1, "period": 100_000}, -1, -1),
    (GROUND._replace(version="v2"), {"shares": 2598, "quota": -1, "period": 100_000}, 0, -1),
    (
        GROUND._replace(takes_none=False),
        {"shares": 1024, "quota": 819_200_000, "period": 100_000},
        -1,
        4194304,
    ),
]


@pytest.mark.parametrize(("ground", "cpu", "reservation", "pids"), NOTHING)
def test_no_limit_in_the_words_of_kernel_and_runtime(ground, cpu, reservation, pids):
    """The unlimited value depends on the cgroup version and on the runtime."""
    before = of(cpus="1", cpu_shares=5, memory_reservation="1m")
    after = of(pids_limit=-1)
    assert change(before, after, ground) == {
        "cpu": cpu,
        "memory": {"reservation": reservation},
        "pids": {"limit": pids},
    }
    # crun's formula, which yields 100, the kernel's default weight.
    assert 1 + (2598 - 2) * 9999 // 262142 == 100


def test_swap_is_not_limited_where_nobody_counts_it():
    """On a kernel without swap accounting, only memory is limited."""
    spec = ContainerSpec.parse({"name": "web", "image": "app:1", "network": ["none"], "memory": "64m"})
    assert limits(spec, counts_swap=False)["memory"] == {"limit": 64 * MIB}
