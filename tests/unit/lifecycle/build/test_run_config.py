# SPDX-License-Identifier: GPL-3.0-or-later
"""The run configuration of an image that is committed from a container."""

from __future__ import annotations

import pytest

from _engine.frozen import replace
from _engine.lifecycle.build import run_config
from _engine.model.container.spec import ContainerSpec
from _engine.model.engine.record import ContainerRecord
from _engine.model.network.wiring import Port

BASE = {
    "Cmd": ["a"],
    "Entrypoint": ["/e"],
    "Env": ["A=1", "B=2"],
    "User": "1",
    "WorkingDir": "/w",
    "Labels": {"l": "1", "slipway.oci.stage": "x"},
    "Volumes": {"/v": {}},
    "Healthcheck": {"Test": ["NONE"]},
}
CASES = [
    ({}, {}),
    ({"command": ["b"]}, {"Cmd": ["b"]}),
    ({"entrypoint": ["/f"]}, {"Entrypoint": ["/f"], "Cmd": []}),
    ({"entrypoint": []}, {"Entrypoint": [], "Cmd": []}),
    ({"entrypoint": ["/f"], "command": ["b"]}, {"Entrypoint": ["/f"], "Cmd": ["b"]}),
    ({"env": {"B": "3", "C": "x=y"}}, {"Env": ["A=1", "B=3", "C=x=y"]}),
    ({"user": "2", "workdir": "/x"}, {"User": "2", "WorkingDir": "/x"}),
    ({"label": {"m": "2", "slipway.oci.owner": "me"}}, {"Labels": {"l": "1", "m": "2"}}),
    ({"expose": ["80", "53/udp"]}, {"ExposedPorts": {"53/udp": {}, "80/tcp": {}}}),
    ({"volume": ["/own", "named:/named", "/etc:/etc"]}, {"Volumes": {"/v": {}, "/own": {}}}),
    ({"tmpfs": {"/t": ""}}, {}),
]


def record(**options: object) -> ContainerRecord:
    """Return a container with these options."""
    spec = ContainerSpec.parse({"name": "box", "image": "app", "network": ["none"], **options})
    return ContainerRecord("0" * 64, spec, 1)


@pytest.mark.parametrize(("options", "wanted"), CASES)
def test_of_a_container(options, wanted):
    """The container's options override the parent's values; labels of one object are not inherited."""
    found = run_config.of_container(BASE, record(**options), include_volumes=False)
    usual = {**BASE, "Labels": {"l": "1"}, "ExposedPorts": {}}
    assert found == {**usual, **wanted}


def test_all_volumes():
    """On request all volumes and bind mounts are declared as volumes, and no other mounts."""
    one = record(volume=["/own", "named:/named", "/etc:/etc"], tmpfs={"/t": ""})
    found = run_config.of_container({}, one, include_volumes=True)
    assert [*found["Volumes"]] == ["/etc", "/named", "/own"]


def test_published_ports():
    """Published ports are exposed."""
    one = replace(record(), ports=(Port("tcp", "", 8080, 80),))
    assert run_config.of_container({}, one, include_volumes=False)["ExposedPorts"] == {"80/tcp": {}}


def test_of_the_image_alone():
    """Nothing of the container is included, and the parent's configuration is unchanged."""
    assert run_config.of_image(BASE) == {**BASE, "Labels": {"l": "1"}}
    assert BASE["Labels"] == {"l": "1", "slipway.oci.stage": "x"}
