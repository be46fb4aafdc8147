# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible.errors import AnsibleParserError
from ansible_collections.slipway.oci.plugins.plugin_utils.container_filters import STATUSES, chooser

from _engine.lifecycle.inspect.container import _WORDS
from _engine.model.container.status import MOVES

IMAGE_ID = "0123456789ab" + "c" * 52


def shape(**changes):
    """Return a container as inspect shows it, as far as filters look."""
    return {
        "Name": "web-1",
        "Image": IMAGE_ID,
        "ImageName": "registry.example:5000/team/app:1",
        "State": {"Status": "running", "Health": {"Status": ""}},
        "Config": {"Labels": {"tier": "front", "empty": "", "sum": "a=b"}},
        "NetworkSettings": {},
        "HostConfig": {"NetworkMode": "host"},
        **changes,
    }


ROOTFS = {"Image": "", "ImageName": ""}
JOINED = {"NetworkSettings": {"Networks": {"blue": {}, "red": {}}}, "HostConfig": {"NetworkMode": "bridge"}}
CASES = [
    ({}, {}, True),
    ({"status": "running"}, {}, True),
    ({"status": ["paused", "running"]}, {}, True),
    ({"status": "exited"}, {}, False),
    ({"status": "running", "name": "db"}, {}, False),
    ({"label": "tier"}, {}, True),
    ({"label": "tier=front"}, {}, True),
    ({"label": "tier=back"}, {}, False),
    ({"label": "empty="}, {}, True),
    ({"label": "sum=a=b"}, {}, True),
    ({"label": ["tier", "empty"]}, {}, True),
    ({"label": ["tier", "other"]}, {}, False),
    ({"label": "tier"}, {"Config": {"Labels": None}}, False),
    ({"name": "eb"}, {}, True),
    ({"name": ["^eb", r"-\d$"]}, {}, True),
    ({"name": "^eb"}, {}, False),
    ({"name": 1}, {}, True),
    ({"image": "registry.example:5000/team/app:1"}, {}, True),
    ({"image": "registry.example:5000/team/app"}, {}, True),
    ({"image": "team/app:1"}, {}, True),
    ({"image": "app"}, {}, True),
    ({"image": "app:2"}, {}, False),
    ({"image": "pp"}, {}, False),
    ({"image": "team"}, {}, False),
    ({"image": "app"}, {"ImageName": f"docker.io/library/app@sha256:{IMAGE_ID}"}, True),
    ({"image": "0123456789ab"}, {}, True),
    ({"image": f"sha256:{IMAGE_ID}"}, {}, True),
    ({"image": "0123456789a"}, {}, False),
    ({"image": "0123456789ab"}, ROOTFS, False),
    ({"image": "app"}, ROOTFS, False),
    ({"network": "host"}, {}, True),
    ({"network": "none"}, {}, False),
    ({"network": ["green", "red"]}, JOINED, True),
    ({"health": "none"}, {}, True),
    ({"health": "healthy"}, {}, False),
    ({"health": "healthy"}, {"State": {"Status": "running", "Health": {"Status": "healthy"}}}, True),
]


@pytest.mark.parametrize(("filters", "changes", "passes"), CASES)
def test_filters(filters, changes, passes):
    """A container matches a filter if it would match podman's."""
    assert chooser(filters)(shape(**changes)) is passes


WRONG = [
    ({"state": "running"}, "none named 'state'. Use one of status, label"),
    ({"status": "up"}, "status must be one of created, .*, not 'up'"),
    ({"health": "ill"}, "health must be one of"),
    ({"name": "("}, "not a valid regular expression"),
    ({"label": []}, "empty list"),
    ({"label": {"tier": "front"}}, "must be a string or a list of strings"),
    ({"image": [None]}, "must be a string"),
]


@pytest.mark.parametrize(("filters", "why"), WRONG)
def test_filters_that_are_refused(filters, why):
    """A mistake in a filter is an error before any host is queried."""
    with pytest.raises(AnsibleParserError, match=why):
        chooser(filters)


def test_every_status_has_its_word():
    """The filter accepts all values that results contain."""
    assert set(STATUSES) == {_WORDS.get(status, status) for status in MOVES}
