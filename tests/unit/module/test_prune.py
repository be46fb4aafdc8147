# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of prune and image_prune, in the format of podman_prune, become one request."""

from __future__ import annotations

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.slipway.oci.plugins.module_utils._engine.errors import InvalidOption
from ansible_collections.slipway.oci.plugins.module_utils._engine.model.engine.prune import ImagePrune, Prune
from ansible_collections.slipway.oci.plugins.module_utils._module.tasks.prune import (
    ARGUMENTS,
    IMAGE_ARGUMENTS,
    to_image_prune,
    to_prune,
)


def wish(read, arguments, **options):
    """Return the request of a task."""
    done = ArgumentSpecValidator(arguments).validate(options)
    assert not done.error_messages
    return read(done.validated_parameters)


KINDS = {
    "one kind": ({"container": True}, Prune(containers=())),
    "filters": (
        {"volume": True, "volume_filters": {"label": {"a": "b"}, "until": "1h"}},
        Prune(volumes=(("label", "a=b"), ("until", "1h"))),
    ),
    "lists": (
        {"network": True, "network_filters": {"label": ["a", "b"], "dangling": True}},
        Prune(networks=(("label", "a"), ("label", "b"), ("dangling", "true"))),
    ),
    "podman's word for all": (
        {"image": True, "image_filters": {"dangling_only": False, "external": True, "until": "24h"}},
        Prune(images=ImagePrune(all=True, filters=(("until", "24h"),))),
    ),
    "dangling alone": (
        {"image": True, "image_filters": {"dangling_only": True}},
        Prune(images=ImagePrune()),
    ),
    "ours": (
        {"image": True, "image_keep_last": 2, "image_blobs": True},
        Prune(images=ImagePrune(keep_last=2, blobs=True)),
    ),
    "system": ({"system": True}, Prune(containers=(), networks=(), images=ImagePrune())),
    "system with all": (
        {"system": True, "system_all": True, "system_volumes": True},
        Prune((), (), (), ImagePrune(all=True)),
    ),
}


@pytest.mark.parametrize("case", KINDS.values(), ids=KINDS)
def test_what_is_pruned(case):
    """Only the selected types are pruned, each with its filters."""
    options, wanted = case
    assert wish(to_prune, ARGUMENTS, **options) == wanted


def test_images_alone():
    """Label and until are filters like others."""
    asked = wish(to_image_prune, IMAGE_ARGUMENTS, all=True, label=["a"], until="1h", filters={"id": "abc"})
    assert asked == Prune(
        images=ImagePrune(all=True, filters=(("id", "abc"), ("label", "a"), ("until", "1h")))
    )


WRONG = {
    "nothing": (to_prune, ARGUMENTS, {}, "nothing is selected"),
    "no value": (to_image_prune, IMAGE_ARGUMENTS, {"filters": {"label": None}}, "not a valid value of label"),
    "a nested list": (
        to_image_prune,
        IMAGE_ARGUMENTS,
        {"filters": {"id": [["a"]]}},
        "not a valid value of id",
    ),
    "no time": (to_image_prune, IMAGE_ARGUMENTS, {"until": "soon"}, "^until: 'soon' is not a point in time"),
    "below zero": (to_image_prune, IMAGE_ARGUMENTS, {"keep_last": -1}, "not a number of images"),
}


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_what_makes_no_sense(case):
    """Invalid options are refused before an engine is opened."""
    read, arguments, options, words = case
    with pytest.raises(InvalidOption, match=words):
        wish(read, arguments, **options)
