# SPDX-License-Identifier: GPL-3.0-or-later
"""Put odd values into good JSON, since mutated text is seldom JSON any more."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Iterator
from typing import Any

#: What a field may hold though nobody expects it. A list of 1,500 lists is deeper than Python's decoder reads.
_ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, 10**400, 1.5, float("inf"), float("nan")),
    *(
        "",
        " ",
        "\0",
        "\ud800",
        "\udcff",
        "\x1b[2J",
        "a\nb",
        "/",
        "//x",
        "..",
        "../../../outside/canary",
        "rel",
        "/a/../b",
    ),
    *(
        "0",
        "1000",
        "-1",
        "4294967295",
        "9" * 5000,
        "root",
        "a:b:c",
        "%s",
        "{{ 1 }}",
        "x" * 70_000,
        "2026-13-45T99:99:99Z",
    ),
    *(
        "sha256:",
        "sha256:" + "0" * 64,
        "sha512:" + "0" * 128,
        "SIGFOO",
        "SIGRTMIN+3",
        "\N{SUPERSCRIPT TWO}",
        "80/tcp",
    ),
    *(
        [],
        {},
        [None],
        [""],
        [[]],
        [{}],
        {"": ""},
        {"a": None},
        {"\ud800": "\ud800"},
        ["x"] * 300,
        [1, "a", None],
        {"a": {"a": {}}},
    ),
)
_DEEP = "[" * 1500 + "]" * 1500
_PLACE = "a place for nested lists"
#: Fields that are replaced at most, and the places among which one byte can choose: an input of 96 KiB took half a minute here,
#: and none of it in the engine.
_FIELDS, _REACHED = 64, 256


def grafted(good: Any, data: bytes) -> bytes:
    """Return the JSON of ``good`` with a field replaced for each two of the first bytes of the data: where, and by what."""
    value = copy.deepcopy(good)
    chosen = data[: 2 * _FIELDS]
    for where, what in itertools.zip_longest(chosen[::2], chosen[1::2], fillvalue=0):
        odd = [*_ODD, _PLACE][what % (len(_ODD) + 1)]
        places = list(itertools.islice(_places(value), _REACHED))
        if not places:
            break
        holder, key = places[where % len(places)]
        holder[key] = copy.deepcopy(odd)
    return json.dumps(value).replace(json.dumps(_PLACE), _DEEP).encode()


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each place that holds a value: its list or object, and the index or key."""
    if not isinstance(value, (dict, list)):
        return
    for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        yield from _places(inner)
