# SPDX-License-Identifier: GPL-3.0-or-later
"""Published and exposed ports: grammar, canonical form, and collisions."""

from __future__ import annotations

import pytest

from _engine.errors import InvalidOption
from _engine.model.network.ports import collide, exposed, parse_exposed, parse_published, published, singly
from _engine.model.network.wiring import Port

TAKEN = [
    ("8080:80", "8080:80/tcp"),
    (8080, "8080/tcp"),
    ("80", "80/tcp"),
    (":80", "80/tcp"),
    ("0:80", None),
    ("8080:80/UDP", "8080:80/udp"),
    ("127.0.0.1:8080:80", "127.0.0.1:8080:80/tcp"),
    ("127.0.0.1::80", "127.0.0.1::80/tcp"),
    ("0.0.0.0:8080:80", "0.0.0.0:8080:80/tcp"),
    ("[::1]:8080:80/sctp", "[::1]:8080:80/sctp"),
    ("[0:0:0:0:0:0:0:1]:8080:80", "[::1]:8080:80/tcp"),
    ("[::]::80", "[::]::80/tcp"),
    ("8000-8005:80-85", "8000-8005:80-85/tcp"),
    ("8000-8000:80-80", "8000:80/tcp"),
]


@pytest.mark.parametrize(("text", "canonical"), TAKEN)
def test_published(text, canonical):
    """Each spelling has a canonical form, which parses to itself."""
    if canonical is None:
        with pytest.raises(InvalidOption):
            parse_published("publish", [text])
        return
    assert parse_published("publish", [text]) == (canonical,)
    assert parse_published("publish", [canonical]) == (canonical,)


def test_several_protocols():
    """One string can publish a port with several protocols."""
    assert parse_published("publish", ["53:53/tcp,udp"]) == ("53:53/tcp", "53:53/udp")


REFUSED = [
    "",
    "http",
    "80:",
    "0",
    "65536:80",
    "80:80:80",
    "localhost:80:80",
    "1.2.3.4:80:80:80",
    "::1:80:80",
    "[::1]80:80",
    "[::1]:80",
    "[::1:80:80",
    "80/tcpp",
    "80/",
    "8000-8005:80-84",
    "8005-8000:85-80",
    "8000-:80",
    "+80:80",
    "٨٠:80",
    None,
    {"80": "80"},
]


@pytest.mark.parametrize("text", REFUSED)
def test_refused(text):
    """An invalid published port is refused, and the remedy has the format."""
    with pytest.raises(InvalidOption) as refused:
        parse_published("publish", [text])
    assert refused.value.fields["option"] == "publish"


COLLIDING = [
    (["80:80", "80:81"], True),
    (["80:80", "80:80"], False),
    (["80:80", "80:80/udp"], False),
    (["127.0.0.1:80:80", "80:81"], True),
    (["127.0.0.1:80:80", "0.0.0.0:80:81"], True),
    (["127.0.0.1:80:80", "[::]:80:81"], False),
    (["127.0.0.1:80:80", "127.0.0.2:80:81"], False),
    (["[::1]:80:80", "[::]:80:81"], True),
    (["80-90:80-90", "90:1"], True),
    (["80-90:80-90", "91:1"], False),
    (["80", "81"], False),
]


@pytest.mark.parametrize(("texts", "refused"), COLLIDING)
def test_collisions(texts, refused):
    """A host port can be published only once; repetitions are ignored."""
    if refused:
        with pytest.raises(InvalidOption, match="publishes the same host port"):
            parse_published("publish", texts)
    else:
        assert len(parse_published("publish", texts)) == len(set(texts))


def test_ports_that_the_engine_chooses_never_collide():
    """Ports that the engine will choose do not collide."""
    assert not collide(Port("tcp", "", 0, 80), Port("tcp", "", 0, 81))


def test_singly():
    """A range is split into single ports; those that the engine chooses are chosen singly."""
    assert [*singly(published(["8000-8002:80-82", "90-91"]))] == [
        Port("tcp", "", 8000, 80),
        Port("tcp", "", 8001, 81),
        Port("tcp", "", 8002, 82),
        Port("tcp", "", 0, 90),
        Port("tcp", "", 0, 91),
    ]


def test_exposed():
    """Exposed ports are numbers and ranges with a protocol."""
    canonical = parse_exposed("expose", [80, "8000-8002/udp", "80/tcp", "53/tcp,udp"])
    assert canonical == ("53/tcp", "53/udp", "80/tcp", "8000-8002/udp")
    assert exposed(canonical)[-2:] == (("udp", 8001), ("udp", 8002))


@pytest.mark.parametrize("text", ["", "8080:80", "x", "80/x", "5-4", 0])
def test_exposed_refused(text):
    """An invalid port is refused."""
    with pytest.raises(InvalidOption):
        parse_exposed("expose", [text])
