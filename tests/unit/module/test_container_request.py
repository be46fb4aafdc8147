# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of module container become a request of the engine."""

from __future__ import annotations

import pytest
from ansible_collections.slipway.oci.plugins.module_utils._engine.errors import InvalidOption, NotBuiltYet
from ansible_collections.slipway.oci.plugins.module_utils._module.not_built import NOT_BUILT
from ansible_collections.slipway.oci.plugins.module_utils._module.tasks.container_options import argument_spec
from ansible_collections.slipway.oci.plugins.module_utils._module.tasks.container_request import to_request


def request_of(**options):
    """Return the request of a task that writes these options; Ansible sets all others to their default or None."""
    defaults = {name: argument.get("default") for name, argument in argument_spec().items()}
    return to_request({**defaults, "name": "app", **options})


def test_a_task_that_only_names_a_state_asks_nothing_of_the_container():
    """Without any option of the container its spec is left alone."""
    request = request_of(state="stopped", stop_time=3, force_restart=True)
    assert (request.spec, request.state, request.stop_time, request.force_restart) == (
        None,
        "stopped",
        3,
        True,
    )


def test_an_image_makes_a_spec():
    """With an image, the task describes the whole container."""
    spec = request_of(image="app", network=["host"], memory="256m", env={"MODE": "test"}).spec
    assert (spec.name, spec.image, spec.memory, spec.env) == ("app", "app", 256 * 1024**2, {"MODE": "test"})


def test_what_is_to_go_needs_no_valid_container(tmp_path):
    """A full task with state: absent does not fail because of a missing env_file or network."""
    request = request_of(image="gone", env_file=[str(tmp_path / "gone")], state="absent")
    assert (request.spec, request.state) == (None, "absent")


@pytest.mark.parametrize("state", ["started", "absent"])
@pytest.mark.parametrize("name", NOT_BUILT)
def test_an_option_that_is_not_built_is_refused(name, state):
    """Each option of podman_container that the engine lacks is refused by name, whatever its value."""
    with pytest.raises(NotBuiltYet, match=f"{name}: not implemented yet") as caught:
        request_of(**{name: False}, state=state)
    assert (caught.value.fields["option"], bool(caught.value.remedy)) == (name, True)


def test_all_options_that_are_not_built_are_named_at_once():
    """The error names all of them."""
    with pytest.raises(NotBuiltYet, match=r"pod, gpus: not implemented yet|gpus, pod: not implemented yet"):
        request_of(pod="p", gpus="all")


def test_an_unset_network_is_the_default_one():
    """A task without a network is the same as one with the default network, or podman's name for it."""
    assert {
        request_of(image="app", network=word).spec.network for word in (None, ["slipway"], ["bridge"])
    } == {()}


@pytest.mark.parametrize(("name", "value"), [("name", "-x"), ("stop_time", -2), ("memory", "12x")])
def test_a_wrong_value_is_refused_by_option(name, value):
    """The error names the option and the value."""
    with pytest.raises(InvalidOption) as caught:
        request_of(**{"image": "app", "network": ["none"], name: value})
    assert (caught.value.fields["option"], caught.value.fields["value"]) == (name, value)


def test_env_stands_over_env_file(tmp_path):
    """Variables of a file are part of env, those of the task take precedence, and the file is recorded."""
    path = tmp_path / "env"
    path.write_text("MODE=file\nLEVEL=1\n")
    spec = request_of(image="app", network=["none"], env={"MODE": "task"}, env_file=[str(path)]).spec
    assert (spec.env, spec.env_file) == ({"MODE": "task", "LEVEL": "1"}, (str(path),))


@pytest.mark.parametrize(
    ("asked", "detach", "wait", "told"),
    [
        ({"state": "healthy"}, True, False, "detach: false has no effect with state: healthy"),
        ({"state": "paused"}, True, False, "detach: false has no effect with state: paused"),
        (
            {"state": "restarted", "wait": True},
            True,
            True,
            "detach: false has no effect with state: restarted",
        ),
        ({"wait": True}, False, False, "wait: true has no effect with detach: false"),
    ],
)
def test_waiting_for_two_things(asked, detach, wait, told):
    """Waiting for the exit contradicts a state that keeps running: one of them applies, with a warning."""
    request = request_of(detach=False, **asked)
    assert (request.detach, request.wait) == (detach, wait)
    assert request.remarks[0].startswith(told)


def test_how_long_to_wait():
    """The wait and its timeout are passed on; by default a task does not wait, and at most for five minutes."""
    plain, asked = request_of(), request_of(wait=True, wait_timeout=7.5)
    assert (plain.wait, plain.wait_timeout) == (False, 300.0)
    assert (asked.wait, asked.wait_timeout) == (True, 7.5)
