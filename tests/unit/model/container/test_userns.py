# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from _engine.errors import InvalidOption
from _engine.model.container.spec import ContainerSpec
from _engine.model.container.userns import UserNamespace
from _engine.model.values.idmap import OVERFLOW, IdMap, Range, parse_ranges

BASE = {"name": "box", "image": "i", "network": ["none"]}
MAP = (Range(0, 100000, 65536),)
OTHER = (Range(0, 1, 2),)
GOOD = {
    "unset": ({}, None),
    "host": ({"userns": "host"}, None),
    "empty": ({"userns": "", "uidmap": []}, None),
    "uidmap": ({"uidmap": ["0:100000:65536"]}, UserNamespace("private", MAP, MAP)),
    "gidmap": ({"gidmap": ["0:100000:65536"]}, UserNamespace("private", MAP, MAP)),
    "both": (
        {"userns": "private", "uidmap": ["0:100000:65536"], "gidmap": ["0:1:2"]},
        UserNamespace("private", MAP, OTHER),
    ),
    "one id": ({"uidmap": ["5:7"]}, UserNamespace("private", (Range(5, 7, 1),), (Range(5, 7, 1),))),
    "sorted": (
        {"uidmap": ["5:7", "0:9"]},
        UserNamespace("private", *((Range(0, 9, 1), Range(5, 7, 1)),) * 2),
    ),
    "user": ({"subuidname": "ann"}, UserNamespace("private", subuid="ann", subgid="ann")),
    "group": ({"subgidname": "ann"}, UserNamespace("private", subuid="ann", subgid="ann")),
    "auto": ({"userns": "auto"}, UserNamespace("auto")),
    "auto with all": (
        {"userns": "auto:gidmapping=1:2:3,size=7,uidmapping=4:5:6"},
        UserNamespace("auto", (Range(4, 5, 6),), (Range(1, 2, 3),), 7),
    ),
    "container": ({"userns": "container:db"}, UserNamespace("container:db")),
    "path": ({"userns": "ns:/a//b"}, UserNamespace("ns:/a/b")),
}
BAD = {
    "keep-id": ({"userns": "keep-id:uid=1"}, "userns", "rootless"),
    "nomap": ({"userns": "nomap"}, "userns", "rootless"),
    "private alone": ({"userns": "private"}, "userns", "requires a mapping"),
    "unknown": ({"userns": "mine"}, "userns", "is not a namespace"),
    "auto with a map": ({"userns": "auto", "uidmap": ["0:1:1"]}, "uidmap", "conflicts with"),
    "host with a map": ({"userns": "host", "gidmap": ["0:1:1"]}, "gidmap", "conflicts with"),
    "map and user": ({"uidmap": ["0:1:1"], "subuidname": "ann"}, "subuidname", "conflicts with uidmap"),
    "auto's word": ({"userns": "auto:sizes=1"}, "userns", "unknown 'sizes'"),
    "auto's size": ({"userns": "auto:size=1k"}, "userns", "an invalid size"),
    "two sizes": ({"userns": "auto:size=1,size=2"}, "userns", "an invalid size"),
    "words": ({"uidmap": ["a:b:c"]}, "uidmap", "is not a range"),
    "negative": ({"uidmap": ["0:-1:5"]}, "uidmap", "is not a range"),
    "no ids": ({"uidmap": ["0:1:0"]}, "uidmap", "has invalid IDs"),
    "beyond": ({"uidmap": ["0:4294967290:9"]}, "uidmap", "has invalid IDs"),
    "twice inside": ({"uidmap": ["0:10:5", "4:20:5"]}, "uidmap", "overlaps 0:10:5"),
    "twice outside": ({"uidmap": ["0:10:5", "9:14:5"]}, "uidmap", "overlaps"),
}


@pytest.mark.parametrize("case", GOOD)
def test_good_values(case):
    """The five options make one value, which survives storing."""
    options, wanted = GOOD[case]
    spec = ContainerSpec.parse({**BASE, **options})
    assert spec.userns == wanted
    assert ContainerSpec.decode(spec.encode()).userns == wanted


@pytest.mark.parametrize("case", BAD)
def test_bad_values(case):
    """Invalid and contradicting values are refused, naming the option."""
    options, option, match = BAD[case]
    with pytest.raises(InvalidOption, match=match) as caught:
        ContainerSpec.parse({**BASE, **options})
    assert caught.value.fields["option"] == option


def test_too_many_ranges():
    """The kernel's limit is 340 ranges."""
    assert len(parse_ranges("uidmap", [f"{n}:{n}" for n in range(340)])) == 340
    with pytest.raises(InvalidOption, match="341 ranges"):
        parse_ranges("uidmap", [f"{n}:{n}" for n in range(341)])


def test_host_ids():
    """An ID of the container maps to one of the host; unmapped ones become nobody."""
    mapping = IdMap((Range(0, 1000, 2), Range(5, 9, 1)), (Range(0, 2000, 10),))
    assert (mapping.root, mapping.host(1, 9), mapping.host(5, 10)) == (
        (1000, 2000),
        (1001, 2009),
        (9, OVERFLOW),
    )
    assert mapping.host(2, 0)[0] == OVERFLOW
    assert (mapping.has_gid(9), mapping.has_gid(10)) == (True, False)
    assert IdMap.decode(mapping.encode()) == mapping


def test_the_way_back():
    """The inverse maps the host's IDs to the container's."""
    mapping = IdMap((Range(0, 1000, 2), Range(5, 9, 1)), (Range(0, 2000, 10),))
    back = mapping.inverse()
    assert back == IdMap((Range(9, 5, 1), Range(1000, 0, 2)), (Range(2000, 0, 10),))
    assert (back.host(1001, 2009), back.host(9, 0)) == ((1, 9), (5, OVERFLOW))
    assert back.inverse() == mapping
