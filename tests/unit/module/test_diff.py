# SPDX-License-Identifier: GPL-3.0-or-later
"""Differences are shown in the syntax of a task, with their cost, and without unrequested values."""

from __future__ import annotations

import json

import pytest
from ansible_collections.slipway.oci.plugins.module_utils._engine.lifecycle.core.outcome import Outcome
from ansible_collections.slipway.oci.plugins.module_utils._engine.model.container.spec import ContainerSpec
from ansible_collections.slipway.oci.plugins.module_utils._engine.model.image.config import ImageConfig
from ansible_collections.slipway.oci.plugins.module_utils._engine.plan.diff import (
    Difference,
    differences,
    image_difference,
)
from ansible_collections.slipway.oci.plugins.module_utils._module.diff import told
from ansible_collections.slipway.oci.plugins.module_utils._module.render import render


def spec_of(**options):
    """Return a container's spec."""
    return ContainerSpec.parse({"name": "app", "image": "app:1", "network": ["none"], **options})


def result_of(before, after, *, diff, cost="recreate"):
    """Return the result of a task that changes a container from one spec to the other."""
    outcome = Outcome(("changed",), differences(before, after, ImageConfig()), cost, {"spec": after.encode()})
    return told(render(outcome, subject="app"), outcome, diff=diff)


#: What is written, and how it is shown.
FORMS = [
    ({"memory": "64m"}, "memory", "64m"),
    ({"memory": "64m", "memory_swap": "-1"}, "memory_swap", -1),
    ({"memory": "65537"}, "memory", 65537),
    ({"shm_size": "1g"}, "shm_size", "1g"),
    ({"cpus": "1.5"}, "cpus", "1.5"),
    ({"cpus": "20"}, "cpus", "20"),
    ({"stop_signal": "9"}, "stop_signal", "KILL"),
    ({"stop_signal": "RTMIN+3"}, "stop_signal", 37),
    ({"ulimit": ["nofile=10:20"]}, "ulimit.nofile", "10:20"),
    ({"device": ["/dev/null:/dev/x:r"]}, "device./dev/x", "/dev/null:r"),
    ({"volume": ["/srv:/data:ro"]}, "mounts./data", "bind /srv:ro"),
    ({"volume": ["/data"]}, "mounts./data", "volume"),
    ({"healthcheck_interval": "90s"}, "healthcheck_interval", "1m30s"),
    ({"health_startup_interval": "500ms"}, "health_startup_interval", "500ms"),
    ({"label": {"a": "1048576"}}, "label.a", "1048576"),
]


@pytest.mark.parametrize(("options", "name", "shown"), FORMS)
def test_values_are_shown_as_they_are_written(options, name, shown):
    """Sizes, durations, signals and mounts are shown in the syntax of a task; the plan is canonical."""
    result = result_of(spec_of(), spec_of(**options), diff=True)
    assert result["diff"]["after"][name] == shown


def test_what_a_change_costs_is_shown():
    """With --diff, the cost of the whole change and of each option precedes the differences."""
    result = result_of(spec_of(), spec_of(memory="64m", read_only=True), diff=True)
    assert result["diff"]["prepared"] == "the change costs: recreate\nread_only: recreate\nmemory: live\n"
    assert "prepared" not in result_of(spec_of(), spec_of(memory="64m"), diff=False)["diff"]
    assert "prepared" not in result_of(spec_of(), spec_of(), diff=True, cost="")["diff"]


def test_values_of_variables_are_shown_on_demand():
    """Without --diff, the names of variables are in diff, plan and spec, but not their values."""
    before, after = spec_of(env={"PASSWORD": "old-secret"}), spec_of(env={"PASSWORD": "new-secret"})
    hidden = result_of(before, after, diff=False)
    assert "secret" not in json.dumps(hidden)
    assert (hidden["diff"]["after"], hidden["spec"]["env"]) == ({"env.PASSWORD": None}, {"PASSWORD": None})
    assert hidden["plan"]["changes"][0]["option"] == "env.PASSWORD"
    shown = result_of(before, after, diff=True)
    assert (shown["diff"]["before"], shown["spec"]["env"]) == (
        {"env.PASSWORD": "old-secret"},
        {"PASSWORD": "new-secret"},
    )


def test_an_image_is_shown_by_name_and_id():
    """Two images of one name are distinguished by ID; one that does not exist yet has only its name."""
    found = image_difference(spec_of(), spec_of(image="app:2"), "1" * 64, None, strict=False)
    outcome = Outcome(("changed",), found, "recreate")
    result = told(render(outcome, subject="app"), outcome, diff=True)
    assert result["diff"]["before"] == {"image": "app:1 (111111111111)"}
    assert result["diff"]["after"] == {"image": "app:2"}


def test_other_diffs_are_left_alone():
    """Contents of files are shown only with --diff, and labels of a volume unchanged."""
    files = Outcome(("copied",), result={"diff": [{"before": "a", "after": "b"}]})
    assert told(render(files, subject=""), files, diff=False)["diff"] == []
    assert told(render(files, subject=""), files, diff=True)["diff"] == files.result["diff"]
    label = Outcome(("updated",), (Difference("labels.memory", "1", "1048576", "live"),), "live")
    assert told(render(label, subject=""), label, diff=True)["diff"]["after"] == {"labels.memory": "1048576"}
