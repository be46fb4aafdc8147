# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module reports a Python that is too old, with the required and the found version."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from sourcetree import PLUGINS

MODULES = sorted(path.stem for path in PLUGINS.glob("modules/*.py"))
#: Runs each module as Ansible does, and reports its output and its exit code.
RUN = """
import contextlib, io, json, runpy, sys
told = {}
for name in sys.argv[1:]:
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        try:
            runpy.run_module("ansible_collections.slipway.oci.plugins.modules." + name, run_name="__main__")
        except SystemExit as end:
            told[name] = [end.code, said.getvalue()]
        except Exception as error:
            told[name] = [repr(error), said.getvalue()]
print(json.dumps(told))
"""


@pytest.fixture
def old_python(need) -> str:
    """Return a Python 3.8, with which ansible-core still runs modules."""
    places = [*Path.home().glob(".pyenv/versions/3.8.*/bin/python3.8"), shutil.which("python3.8")]
    found = next((os.fspath(place) for place in places if place), None)
    need(found, "Python 3.8")
    return found


def test_python_is_too_old(old_python, tree):
    """Every module refuses Python 3.8 with a message and a code, before code that it can't parse."""
    path = {**os.environ, "PYTHONPATH": str(tree / ".build/collections"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [old_python, "-c", RUN, *MODULES], check=True, capture_output=True, text=True, env=path
    )
    told = json.loads(done.stdout)
    assert {code for code, _said in told.values()} == {1}, told
    for _code, said in told.values():
        result = json.loads(said)
        assert (result["failed"], result["error"], result["needed"]) == (True, "python_too_old", "3.9")
        assert result["found"].startswith("3.8.")
        assert f"{old_python} is Python 3.8." in result["msg"]
        assert "ansible_python_interpreter" in result["msg"]
