# SPDX-License-Identifier: GPL-3.0-or-later
"""An option in module_defaults breaks no task that does not use it."""

from __future__ import annotations

import importlib

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.slipway.oci.plugins.module_utils._module.not_built import NOT_BUILT
from ansible_collections.slipway.oci.plugins.module_utils._module.tasks.container_request import to_request

from sourcetree import PLUGINS

FILE = {"container": "app", "path": "/etc/app.conf", "content": "x"}
#: Module to its tasks, as short as they can be.
TASKS = {
    "container": [
        {"name": "app", "state": state}
        for state in ("absent", "present", "created", "started", "stopped", "healthy", "paused", "restarted")
    ],
    "container_checkpoint": [{"name": "app"}],
    "container_commit": [{"container": "app"}],
    "container_copy": [{"container": "app", "src": "/a", "dest": "/b"}],
    "container_diff": [{"container": "app"}],
    "container_exec": [{"name": "app", "command": "true"}, {"name": "app", "argv": ["true"], "detach": True}],
    "container_export": [{"container": "app", "dest": "/a"}],
    "container_file": [FILE, {**FILE, "state": "absent"}, {**FILE, "state": "directory"}],
    "container_info": [{}],
    "container_mount": [{"container": "app", "state": state} for state in ("mounted", "unmounted")],
    "container_restore": [{"name": "app"}],
    "engine_info": [{}],
    "events_info": [{}],
    "image": [{"name": "app", "state": state} for state in ("present", "latest", "absent")],
    "image_build": [],  # refused, whatever is asked for
    "image_cache": [{"parent": "app", "key": "a"}],
    "image_import": [{"src": "/a", "name": "app"}],
    "image_info": [{}],
    "image_load": [{"input": "/a"}],
    "image_push": [{"name": "app"}],
    "image_prune": [{}],
    "image_remove": [{"name": "app"}],
    "image_save": [{"image": ["app"], "dest": "/a"}],
    "image_tag": [{"image": "app", "target_names": ["b"]}],
    "login": [{}],
    "logout": [{}],
    "network": [
        {"name": "app", "state": state, "subnet": ["10.1.0.0/24"]} for state in ("present", "absent")
    ],
    "network_info": [{}],
    "prune": [{"system": True}],
    "store_check": [{}],
    "volume": [{"name": "data", "state": state} for state in ("present", "absent", "mounted", "unmounted")],
    "volume_content": [{"name": "data", "src": "/a", "remote_src": True}],
    "volume_export": [{"name": "data", "dest": "/a"}],
    "volume_import": [{"name": "data", "src": "/a"}],
    "volume_info": [{}],
    "volume_snapshot": [
        {"name": "data", "snapshot": "a", "state": state} for state in ("present", "absent", "restored")
    ],
}
#: Values of options where one of the type is not enough; of one module's alone where another one has the option too.
VALUES = {
    "network": ["none"],
    "mode": "0644",
    "directory_mode": "0755",
    "options": ["type=tmpfs"],
    "populate_from": {"image": "app", "path": "/app"},
    "populate": "again",
    "files": [{"path": "a", "content": "b"}],
    "filters": ["event=start"],
    ("image_prune", "filters"): {"label": "a"},
    **{("prune", kind): True for kind in ("container", "image", "network", "volume")},
    "creates": "/x",
    "removes": "/x",
    "workdir": "/x",
    "since": "1h",
    "until": "1h",
    "changes": ["CMD true"],
    "healthcheck": "true",
    "health_startup_cmd": "true",
    "command": "true",
    "entrypoint": "true",
    "name": ["app"],
    "log_opt": {"tag": "x"},
    "driver": "local",
    ("network", "driver"): "bridge",
    "pull": "newer",
    "platform": "linux/arm64",
    "retry_delay": "5s",
    "gateway": ["10.1.0.9"],
    "ip_range": ["10.1.0.128/25"],
    "dns": ["192.0.2.1"],
    "route": ["10.2.0.0/16,10.1.0.9"],
}
TYPES = {"bool": True, "int": 1, "float": 1.0, "str": "1", "path": "/x", "dict": {"a": "b"}, "list": ["/x"]}
#: The other way to say what the task says already, or a half of what belongs together: such a default is about the very task.
RIVALS = {
    ("container", "image"),
    ("container_exec", "command"),
    ("container_exec", "argv"),
    ("container_exec", "stdin"),
    ("container_file", "src"),
    ("container_file", "template"),
    ("image", "src"),
    ("image", "username"),
    ("image", "password"),
    ("image_push", "username"),
    ("image_push", "password"),
    ("login", "username"),
    ("login", "password"),
    ("network", "net_config"),
    ("volume", "populate_from"),
}


def reading(monkeypatch, name):
    """Return a module's argument spec and what it makes its request with."""
    module = importlib.import_module(
        f"ansible_collections.slipway.oci.plugins.module_utils._module.modules.{name}"
    )
    found = []
    for runner in {"run", "look"} & vars(module).keys():
        monkeypatch.setattr(module, runner, lambda spec, read, _act, **_more: found.append((spec, read)))
    module.main()
    return found[0]


def test_every_module_is_tried():
    """The table has a task for each module."""
    assert sorted(TASKS) == sorted(path.stem for path in PLUGINS.glob("modules/*.py"))


@pytest.mark.parametrize("module", TASKS)
def test_a_default_breaks_no_task(monkeypatch, module):
    """Each option of a module, set for all of its tasks, is used or ignored in each."""
    spec, read = reading(monkeypatch, module)
    for task in TASKS[module]:
        for option in {*spec} - {*task, "parcel"} - NOT_BUILT.keys():
            if (module, option) in RIVALS:
                continue
            usual = spec[option].get("choices", [TYPES.get(spec[option].get("type"))])[0]
            value = VALUES.get((module, option), VALUES.get(option, usual))
            done = ArgumentSpecValidator(spec).validate({**task, option: value})
            assert not done.error_messages, (task, option)
            assert read(done.validated_parameters) is not None


@pytest.mark.parametrize(
    "option",
    [
        {"network": ["none"]},
        {"read_only": False},
        {"memory": "64m"},
        {"env_file": ["/gone"]},
        {"memory": "bad"},
    ],
)
@pytest.mark.parametrize("state", ["started", "stopped", "restarted"])
def test_only_an_image_makes_a_task_describe_a_container(monkeypatch, option, state):
    """Without an image, a task only sets the state, and other options of the container are kept separately."""
    spec, _read = reading(monkeypatch, "container")
    params = ArgumentSpecValidator(spec).validate({"name": "app", "state": state, **option})
    request = to_request(params.validated_parameters)
    assert (request.spec, request.aside) == (None, option)
