# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation of modules as Ansible reads it, and modules run as a host runs them."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
from functools import cache

import pytest
import yaml

from sourcetree import PLUGINS

COLLECTION = "ansible_collections.slipway.oci.plugins"
#: What AnsiballZ's wrapper does before it calls main(), with the tree in place of the zip.
WRAPPER = """
import importlib, sys
from ansible.module_utils import basic
basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE = sys.stdin.buffer.read(), "legacy"
importlib.import_module(sys.argv[1]).main()
"""


@cache
def _texts(path):
    """Return the texts that a file or its class assigns, by name; nothing is imported for it."""
    nodes = ast.walk(ast.parse((PLUGINS / path).read_text()))
    assigned = (
        node for node in nodes if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
    )
    return {node.targets[0].id: node.value.value for node in assigned}


def _fragment(name):
    """Return the text of a fragment of the collection or of Ansible."""
    if name.startswith("ansible.builtin."):
        module = importlib.import_module(f"ansible.plugins.doc_fragments.{name.rpartition('.')[2]}")
        return module.ModuleDocFragment.DOCUMENTATION
    file, _dot, variant = name.removeprefix("slipway.oci.").partition(".")
    return _texts(f"doc_fragments/{file}.py")[variant.upper() or "DOCUMENTATION"]


@pytest.fixture(scope="session")
def text_of():
    """Return a function that returns the parsed DOCUMENTATION, EXAMPLES or RETURN of a module."""
    return lambda name, text: yaml.safe_load(_texts(f"modules/{name}.py")[text])


@pytest.fixture(scope="session")
def options_of(text_of):
    """Return a function that returns a module's documented options by name, including those of its fragments."""

    def options_of(name):
        documentation = text_of(name, "DOCUMENTATION")
        options = dict(documentation["options"])
        for fragment in documentation["extends_documentation_fragment"]:
            found = yaml.safe_load(_fragment(fragment)).get("options", {})
            options = {**found, **options}
        return options

    return options_of


@pytest.fixture
def run_module(tmp_path):
    """Return a function that runs a module on its own engine, and returns its result."""
    where = {"root": str(tmp_path / "root"), "run_root": str(tmp_path / "run")}

    def run_module(name, options, *, check=False):
        internal = {
            "_ansible_check_mode": check,
            "_ansible_tmpdir": str(tmp_path),
            "_ansible_remote_tmp": str(tmp_path),
        }
        arguments = json.dumps({"ANSIBLE_MODULE_ARGS": {**where, **options, **internal}}).encode()
        done = subprocess.run(
            [sys.executable, "-c", WRAPPER, f"{COLLECTION}.modules.{name}"],
            input=arguments,
            capture_output=True,
            check=False,
            cwd=PLUGINS.parent,
            env={
                "PYTHONPATH": str(PLUGINS.parent / ".build/collections"),
                "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            },
        )
        assert done.stdout, done.stderr.decode()
        return json.loads(done.stdout)

    return run_module
