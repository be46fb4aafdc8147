# SPDX-License-Identifier: GPL-3.0-or-later
"""Each option of module volume takes effect: setting it changes the request."""

from __future__ import annotations

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.slipway.oci.plugins.module_utils._engine.errors import NotBuiltYet
from ansible_collections.slipway.oci.plugins.module_utils._engine.model.volume.options import (
    OWN_WORDS,
    DriverOptions,
)
from ansible_collections.slipway.oci.plugins.module_utils._module.tasks.volume import to_volume
from ansible_collections.slipway.oci.plugins.module_utils._module.tasks.volume_options import ARGUMENTS

#: A value of each option, and what it needs beside.
VALUES = {
    "name": ("other", {}),
    "state": ("absent", {}),
    "label": ({"tier": 1}, {}),
    "options": ({"type": "tmpfs"}, {}),
    "uid": (5, {}),
    "gid": (5, {}),
    "mode": ("0700", {}),
    "recreate": (True, {}),
    "force": (True, {}),
    "populate": ("again", {"populate_from": {"image": "app:1", "path": "/a"}}),
    "populate_from": ({"image": "app:1", "path": "/a"}, {"populate": "again"}),
}
#: The engine's own words of ``options``, each with a value.
WORDS = {"uid": "5", "gid": "5", "mode": "0700", "size": "1m", "inodes": "9", "timeout": "7"}


def request(**options):
    """Return the engine's request of a task with these options."""
    checked = ArgumentSpecValidator({**ARGUMENTS}).validate({"name": "data", **options})
    assert checked.error_messages == []
    return to_volume(checked.validated_parameters)


def test_every_option_has_a_case():
    """An option that is added needs a value here; the driver has one value only, and others are refused."""
    assert {*VALUES, "driver"} == {*ARGUMENTS}
    assert request(driver="local") == request()
    with pytest.raises(NotBuiltYet, match="driver"):
        request(driver="nfs")


@pytest.mark.parametrize("option", VALUES)
def test_an_option_takes_effect(option):
    """A task with the option, in each of its spellings, has a different request than one without it."""
    value, beside = VALUES[option]
    without = request(**{"populate": "once", **beside} if option == "populate" else beside)
    asked = [request(**{**beside, word: value}) for word in (option, *ARGUMENTS[option].get("aliases", ()))]
    assert asked[0] != without
    assert all(one == asked[0] for one in asked)


@pytest.mark.parametrize("word", OWN_WORDS)
def test_a_word_of_the_driver_is_stored_and_shown(word):
    """Each word of the engine's own is kept, comes back from storage, and is shown as a user writes it."""
    options = request(options={"o": f"{word}={WORDS[word]}"}).spec.driver_options
    assert options != request().spec.driver_options
    assert DriverOptions.decode(options.encode()) == options
    assert [text.partition("=")[0] for text in options.words_for_inspect()] == [word]


def test_what_a_volume_is_has_no_default():
    """What a task leaves out stays as it is, so only the task's own options have a default."""
    assert {name for name, argument in ARGUMENTS.items() if "default" in argument} == {
        "state",
        "recreate",
        "force",
    }
