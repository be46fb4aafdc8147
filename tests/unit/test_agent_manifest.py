# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of the files that make the agent is what agent/main.py imports, directly or not."""

from __future__ import annotations

from _engine.agent.manifest import MODULES
from sourcetree import PLUGINS, dotted, imports, target

ENGINE = "module_utils._engine."
MAIN = PLUGINS / "module_utils/_engine/agent/main.py"


def closure() -> set[str]:
    """Return the names, below _engine, of all modules that main.py needs, itself among them."""
    seen, waiting = set(), [MAIN]
    while waiting:
        file = waiting.pop()
        name = dotted(PLUGINS, file)
        if file.name == "__init__.py" or name in seen:
            continue
        seen.add(name)
        waiting += filter(
            None, (target(PLUGINS, found.name) for found in imports(PLUGINS, file) if found.inside)
        )
    return {name.removeprefix(ENGINE) for name in seen}


def test_manifest_is_the_closure_of_main():
    """Every module that the agent may import is shipped, and no other."""
    assert tuple(sorted(closure())) == MODULES
