# SPDX-License-Identifier: GPL-3.0-or-later
"""A module run from its zip finds the engine on the host, or requests it, and verifies the archive."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from _engine import archive
from _engine.agent import sources
from _engine.agent.install import install
from _engine.model.engine.layout import Layout
from sourcetree import PLUGINS

PACKAGE = Path("ansible_collections/slipway/oci/plugins")
#: What AnsiballZ does with a module in its zip.
RUN = f"""
import runpy, sys
sys.path.insert(0, sys.argv[1])
from ansible.module_utils import basic
basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE = sys.stdin.buffer.read(), "legacy"
runpy.run_module("{".".join(PACKAGE.parts)}.modules.volume", run_name="__main__")
"""


@pytest.fixture(scope="module")
def payload(tmp_path_factory) -> Path:
    """Pack a module as AnsiballZ does."""
    path = tmp_path_factory.mktemp("payload") / "payload.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for directory in (*PACKAGE.parents, PACKAGE, PACKAGE / "module_utils", PACKAGE / "modules"):
            if directory.name:
                packed.writestr(f"{directory}/__init__.py", "")
        for file in (PLUGINS / "modules/volume.py", *PLUGINS.glob("module_utils/_entry/*.py")):
            packed.write(file, PACKAGE / file.relative_to(PLUGINS))
    return path


@pytest.fixture(scope="module")
def engine(tmp_path_factory) -> dict[str, str]:
    """Pack the engine, and return the action plugin's option for it."""
    path = tmp_path_factory.mktemp("engine") / "engine.zip"
    path.write_bytes(archive.pack(sources.files()))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"name": sources.name(), "archive": str(path), "sha256": digest}


def ran(payload: Path, root: Path, told: dict[str, object] | None) -> dict[str, object]:
    """Run the module in check mode, and return its result."""
    params = {"name": "v", "root": str(root), "run_root": f"{root}-run", "_ansible_check_mode": True}
    arguments = {"ANSIBLE_MODULE_ARGS": {**params, **({"_slipway_engine": told} if told else {})}}
    done = subprocess.run(
        [sys.executable, "-c", RUN, payload],
        input=json.dumps(arguments).encode(),
        check=False,
        capture_output=True,
    )
    assert done.stdout, done.stderr.decode()
    return json.loads(done.stdout)


def test_the_engine_is_asked_for(payload, engine, tmp_path):
    """If it is missing, or the required one is unknown, nothing else happens."""
    for told in (None, {"name": engine["name"]}):
        result = ran(payload, tmp_path / "root", told)
        assert (result["failed"], result["error"]) == (True, "engine_missing")
    assert os.listdir(tmp_path) == []


def test_an_archive_that_was_not_sent_is_not_run(payload, engine, tmp_path):
    """The archive must be, byte for byte, the one that the controller has packed."""
    other = tmp_path / "other.zip"
    other.write_bytes(Path(engine["archive"]).read_bytes() + b"\0")
    result = ran(payload, tmp_path / "root", {**engine, "archive": str(other)})
    assert (result["error"], "is not the archive that was sent" in result["msg"]) == ("engine_missing", True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root opens an engine")
def test_the_engine_is_used(payload, engine, tmp_path):
    """It is used from the archive, and then from its installation; the result is the same."""
    root = tmp_path / "root"
    told = ran(payload, root, engine)
    assert (told["changed"], told["invocation"]["module_args"]["name"]) == (True, "v")
    assert "_slipway_engine" not in told["invocation"]["module_args"]
    assert not root.exists()
    install(Layout(str(root), f"{root}-run"))
    assert ran(payload, root, {"name": engine["name"]})["changed"]
    assert ran(payload, root, {"name": engine["name"], "asks": True}) == {"changed": False}


@pytest.mark.parametrize("where", ["agent/current/", "agent", "."])
def test_what_others_can_write_to_is_not_run(payload, engine, tmp_path, where):
    """An engine in a directory that others can write to is treated as missing."""
    root = tmp_path / "root"
    install(Layout(str(root), f"{root}-run"))
    os.chmod(root / where, 0o722)
    assert ran(payload, root, {"name": engine["name"]})["error"] == "engine_missing"
