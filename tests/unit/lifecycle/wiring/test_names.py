# SPDX-License-Identifier: GPL-3.0-or-later
"""What a container in networks of its own finds in /etc/resolv.conf."""

from __future__ import annotations

import pytest

from _engine.lifecycle.wiring.names import resolv_conf
from _engine.model.container.spec import ContainerSpec

HOST = "search example.com\nnameserver 192.0.2.53\noptions edns0\n"
STUB = "nameserver 127.0.0.53\n"
GATEWAYS = ("10.9.0.1", "fd09::1")
#: Options, the host's file, servers of the networks, aardvark-dns's addresses; the text.
CASES = [
    ({}, HOST, (), (), "search example.com\nnameserver 192.0.2.53\noptions edns0\n"),
    ({}, STUB, (), (), "nameserver 192.0.2.54\n"),
    (
        {"dns": ["192.0.2.55"]},
        HOST,
        ("192.0.2.56",),
        (),
        "search example.com\nnameserver 192.0.2.56\noptions edns0\n",
    ),
    (
        {"dns": ["192.0.2.55"]},
        HOST,
        ("192.0.2.56",),
        GATEWAYS,
        "search dns.podman example.com\nnameserver 10.9.0.1\nnameserver fd09::1\noptions edns0\n",
    ),
    ({"dns_search": ["shop"]}, STUB, (), GATEWAYS, "search shop\nnameserver 10.9.0.1\nnameserver fd09::1\n"),
]


@pytest.mark.parametrize(("options", "host", "servers", "served", "text"), CASES)
def test_resolv_conf(options, host, servers, served, text):
    """The servers are aardvark-dns, else those of the networks, else the container's, else the host's that can be reached."""
    spec = ContainerSpec.parse({"name": "box", "image": "box", **options})
    assert resolv_conf(spec, host, "nameserver 192.0.2.54\n", servers, served) == text
