# SPDX-License-Identifier: GPL-3.0-or-later
"""Every word of a module of containers.podman has an answer in the module of the same purpose here."""

from __future__ import annotations

import ast
import importlib
import json

import pytest
import yaml

from peercollections import peer_collections

MODULES = "ansible_collections.slipway.oci.plugins.modules"
PAIRS = {
    "container": "podman_container",
    "container_copy": "podman_container_copy",
    "container_exec": "podman_container_exec",
    "container_export": "podman_export",
    "container_info": "podman_container_info",
    "engine_info": "podman_system_info",
    "image_import": "podman_import",
    "image_info": "podman_image_info",
    "image_load": "podman_load",
    "image_remove": "podman_image",
    "image_save": "podman_save",
    "image_tag": "podman_tag",
    "login": "podman_login",
    "logout": "podman_logout",
    "network": "podman_network",
    "network_info": "podman_network_info",
    "prune": "podman_prune",
    "volume": "podman_volume",
    "volume_export": "podman_export",
    "volume_import": "podman_import",
    "volume_info": "podman_volume_info",
}
#: What theirs has and ours is another module for, by purpose: the container of an export, an image's changes.
ELSEWHERE = {
    "volume_export": {"container"},
    "volume_import": {"commit_message", "change", "changes"},
}


@pytest.fixture(scope="module")
def theirs(tree):
    """Return a function that gives the words of one of their modules, aliases too."""
    top = peer_collections(tree) / "ansible_collections/containers/podman/plugins/modules"

    def theirs(name: str) -> set[str]:
        nodes = ast.walk(ast.parse((top / f"{name}.py").read_text()))
        text = next(
            node.value.value
            for node in nodes
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "DOCUMENTATION"
        )
        return words(yaml.safe_load(text).get("options") or {})

    return theirs


def words(options) -> set[str]:
    """Return names and aliases."""
    return {word for name, option in options.items() for word in (name, *option.get("aliases", ()))}


def ours(monkeypatch, name: str) -> set[str]:
    """Return the words that a module of ours takes, as Ansible is told."""
    module = importlib.import_module(f"{MODULES}.{name}")
    begun = importlib.import_module(f"{MODULES.rpartition('.')[0]}.module_utils._module.ansible_module")
    told = []

    class Told(Exception):
        """Ends the module where Ansible would begin."""

    def begin(spec, **_more):
        told.append(spec)
        raise Told

    monkeypatch.setattr(begun, "Module", begin)
    with pytest.raises(Told):
        module.main()
    return words(json.loads(json.dumps(told[0], default=dict)))


@pytest.mark.parametrize("module", PAIRS)
def test_no_word_of_theirs_is_unknown(monkeypatch, theirs, module):
    """A task that was theirs is not told "Unsupported parameters"."""
    assert theirs(PAIRS[module]) - ELSEWHERE.get(module, set()) - ours(monkeypatch, module) == set()
