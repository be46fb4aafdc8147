# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from _engine.model.values.capabilities import CAPABILITIES, DEFAULT
from _engine.runtime.config import seccomp

DEBIAN = Path("/usr/share/containers/seccomp.json")
#: Calls added by later kernels, which the file of 2022 lacks.
NEWER = frozenset(
    "cachestat fchmodat2 futex_requeue futex_wait futex_waitv futex_wake getxattrat io_pgetevents_time64 listmount"
    " listxattrat map_shadow_stack mseal removexattrat set_mempolicy_home_node setxattrat statmount"
    " riscv_flush_icache riscv_hwprobe".split()
)
#: Intended differences: setns is in two lists of the file, of which the first wins; libaio uses
#: io_pgetevents.
DIFFERENT = frozenset({"setns", "io_pgetevents"})


def rules_by_name(profile):
    """Return a profile's rules by call, regardless of order and grouping."""
    result = {}
    for rule in profile["syscalls"]:
        told = [(item["index"], item["value"], item["op"]) for item in rule.get("args") or ()]
        for name in rule["names"]:
            result.setdefault(name, set()).add((rule["action"], rule.get("errnoRet"), tuple(sorted(told))))
    return result


SETS = (DEFAULT, frozenset(), frozenset(CAPABILITIES), *(frozenset({name}) for name in CAPABILITIES))


@pytest.mark.parametrize("machine", ["x86_64", "aarch64", "s390x", "ppc64le", "armv7l", "riscv64"])
def test_same_as_the_distributions_profile(need, machine):
    """Our table matches containers/common's profile for every capability and machine."""
    need(DEBIAN.exists(), "golang-github-containers-common")
    document = json.loads(DEBIAN.read_text())
    for held in SETS:
        theirs = rules_by_name(seccomp.resolve(document, held, machine))
        ours = rules_by_name(seccomp.profile(held, machine))
        differ = {name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name)}
        assert differ - DIFFERENT - NEWER == set(), held


def test_what_is_in_no_list_does_not_exist():
    """An unknown call gets ENOSYS, so that programs fall back."""
    made = seccomp.profile(DEFAULT, "x86_64")
    assert (made["defaultAction"], made["defaultErrnoRet"]) == ("SCMP_ACT_ERRNO", errno.ENOSYS)
    assert made["architectures"] == ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]


def test_unknown_machine_leaves_the_choice_to_the_runtime():
    """A machine that is not in the table gets no list of ABIs."""
    assert seccomp.profile(DEFAULT, "loongarch64")["architectures"] == []


def test_a_users_profile_is_resolved():
    """Rules are selected by machine and capability, and keep their arguments and errno."""
    document = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [
            {
                "names": ["a"],
                "action": "SCMP_ACT_ERRNO",
                "errnoRet": 1,
                "includes": {"caps": ["CAP_SYS_ADMIN"]},
            },
            {"names": ["b"], "action": "SCMP_ACT_ERRNO", "excludes": {"caps": ["CAP_CHOWN"]}},
            {"names": ["c"], "action": "SCMP_ACT_ERRNO", "includes": {"arches": ["arm64"]}},
            {"names": ["d"], "action": "SCMP_ACT_ERRNO", "excludes": {"arches": ["amd64"]}},
            {"name": "e", "action": "SCMP_ACT_KILL", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]},
        ],
    }
    assert seccomp.resolve(document, frozenset({"CAP_CHOWN"}), "x86_64")["syscalls"] == [
        {"names": ["e"], "action": "SCMP_ACT_KILL", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]}
    ]
    found = seccomp.resolve(document, frozenset({"CAP_SYS_ADMIN"}), "aarch64")
    assert [rule["names"] for rule in found["syscalls"]] == [["a"], ["b"], ["c"], ["d"], ["e"]]
    assert found["architectures"] == ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]


def test_table_travels_light():
    """The table is sent with each task, so its source is smaller than 20 KiB."""
    assert Path(seccomp.__file__).stat().st_size < 20 * 1024
