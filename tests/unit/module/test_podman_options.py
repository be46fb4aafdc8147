# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of podman's modules about podman itself are refused with a remedy."""

from __future__ import annotations

import importlib

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.slipway.oci.plugins.module_utils._engine.errors import InvalidOption
from ansible_collections.slipway.oci.plugins.module_utils._module.podman_options import (
    CONTAINER,
    IMAGE,
    LOGGED_IN,
    PROGRAM,
    PULLED,
    QUADLET,
    foreign_options,
    refuse_foreign,
)

#: Module to the options that it refuses.
REFUSED = {
    "container": CONTAINER,
    "container_copy": PROGRAM,
    "container_exec": PROGRAM,
    "container_export": (*PROGRAM, "volume"),
    "container_info": PROGRAM,
    "engine_info": PROGRAM,
    "image": PULLED,
    "image_import": (*PROGRAM, "volume"),
    "image_info": PROGRAM,
    "image_load": PROGRAM,
    "image_push": PROGRAM,
    "image_prune": PROGRAM,
    "image_remove": IMAGE,
    "image_save": PROGRAM,
    "image_tag": PROGRAM,
    "login": LOGGED_IN,
    "logout": PROGRAM,
    "network": QUADLET,
    "network_info": PROGRAM,
    "prune": PROGRAM,
    "volume": QUADLET,
    "volume_export": PROGRAM,
    "volume_import": PROGRAM,
    "volume_info": PROGRAM,
}
#: A value of each type.
VALUES = {"str": "podman", "bool": True, "path": "/x", "raw": "0644", "dict": {"a": "b"}, "list": ["a"]}


@pytest.mark.parametrize("module", REFUSED)
def test_a_module_knows_the_words_of_its_twin(monkeypatch, options_of, module):
    """The module takes the options into its argument spec, documents them, and refuses each."""
    code = importlib.import_module(
        f"ansible_collections.slipway.oci.plugins.module_utils._module.modules.{module}"
    )
    given = []
    for runner in {"run", "look"} & vars(code).keys():
        monkeypatch.setattr(code, runner, lambda *_words, foreign=(), **_more: given.append(foreign))
    code.main()
    assert given == [REFUSED[module]]
    assert set(REFUSED[module]) <= set(options_of(module))


@pytest.mark.parametrize("name", sorted({name for names in REFUSED.values() for name in names}))
def test_each_is_refused_with_a_remedy(name):
    """The error names the option and the remedy, but no secret; false and empty values are allowed."""
    spec = foreign_options([name])
    value = VALUES[spec[name]["type"]]
    done = ArgumentSpecValidator(spec).validate({name: value})
    assert not done.error_messages
    with pytest.raises(InvalidOption) as caught:
        refuse_foreign([name], done.validated_parameters)
    assert (caught.value.fields["option"], bool(caught.value.remedy)) == (name, True)
    assert name != "password" or "podman" not in str(caught.value)
    refuse_foreign([name], {name: None})
    refuse_foreign([name], {name: type(value)()})


def test_removing_an_image_may_say_so():
    """A task written for podman_image works unchanged with state: absent, and with no other state."""
    refuse_foreign(IMAGE, {"state": "absent", "pull": False})
    with pytest.raises(InvalidOption) as caught:
        refuse_foreign(IMAGE, {"state": "present", "pull": False})
    assert caught.value.fields["option"] == "state"
