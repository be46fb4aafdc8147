# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the modules for images become requests of the engine."""

from __future__ import annotations

import pytest
from ansible_collections.slipway.oci.plugins.module_utils._engine.errors import InvalidOption
from ansible_collections.slipway.oci.plugins.module_utils._module.tasks.image.local import to_import

TREE = {"src": "/srv/tree", "name": "tree", "commit_message": None}


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        (None, ()),
        (["CMD /bin/app", "USER 1000"], ("CMD /bin/app", "USER 1000")),
        ([{"CMD": "/bin/app"}, {"User": "root"}], ("CMD /bin/app", "User root")),
        ([{"CMD": ["/bin/app", "--port"]}], ('CMD ["/bin/app", "--port"]',)),
        ([{"EXPOSE": 80, "USER": 0}], ("EXPOSE 80", "USER 0")),
    ],
)
def test_changes_are_lines_of_a_dockerfile(changes, lines):
    """A change is such a line, or a mapping as podman_import has it; a list is the exec form."""
    assert to_import({**TREE, "changes": changes}).changes == lines


def test_what_is_no_change_is_refused():
    """A number is neither a line nor a mapping."""
    with pytest.raises(InvalidOption, match="changes: 1 is no change"):
        to_import({**TREE, "changes": [1]})
