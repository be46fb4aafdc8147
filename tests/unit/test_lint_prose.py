# SPDX-License-Identifier: GPL-3.0-or-later
"""The linter of prose finds a refused phrase in each kind of text, and leaves code, the glossary and what is allowed alone."""

from __future__ import annotations

import subprocess

import pytest

WRONG = {
    "plugins/a.py": '"""Tell whether the container is made anew."""\n',
    "plugins/b.py": "x = 1  # whoever holds it\n",
    "docs/a.md": "# A page\n\nThe container is in a control group.\n",
    "roles/r/tasks/main.yml": "- name: Have the volume\n",
    "changelogs/fragments/a.yml": "bugfixes:\n  - is cleared away\n",
}
RIGHT = {
    "plugins/a.py": 'anew = "recreate"\nwhoever = anew\n"""made anew"""  # lint-prose: allow\n',
    "CONTRIBUTING.md": "# C\n\n## Prose\n\n| recreate | make anew |\n",
}


def run(tree, top, files):
    """Run the linter on these files."""
    for name, text in files.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return subprocess.run([tree / "tests/lint-prose", top], check=False, capture_output=True, text=True)


@pytest.mark.parametrize("name", WRONG)
def test_refused(tree, tmp_path, name):
    """A refused phrase is found, with its file."""
    done = run(tree, tmp_path, {name: WRONG[name]})
    assert (done.returncode, done.stderr.partition(":")[0]) == (1, name)


def test_allowed(tree, tmp_path):
    """Names in code, the glossary and marked lines are no faults."""
    done = run(tree, tmp_path, RIGHT)
    assert (done.returncode, done.stderr) == (0, "")
