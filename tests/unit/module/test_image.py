# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the modules for images become requests of the engine."""

from __future__ import annotations

import pytest
from ansible_collections.slipway.oci.plugins.module_utils._engine.errors import InvalidOption
from ansible_collections.slipway.oci.plugins.module_utils._module.tasks.image.commit import (
    COMMIT_OPTIONS,
    to_commit,
)
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
    """A change is an instruction, or a mapping as in podman_import; a list is the exec form."""
    assert to_import({**TREE, "changes": changes}).changes == lines


def test_what_is_no_change_is_refused():
    """A number is neither an instruction nor a mapping."""
    with pytest.raises(InvalidOption, match="changes: 1 is not a change"):
        to_import({**TREE, "changes": [1]})


COMMIT = {**dict.fromkeys(COMMIT_OPTIONS), "container": "app"}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"timestamp": -1}, "timestamp: -1 is not a timestamp"),
        ({"timestamp": 253402300800}, "is not a timestamp"),
        ({"cache_key": []}, r"cache_key: \[\] is empty"),
        ({"changes": [1]}, "changes: 1 is not a change"),
    ],
)
def test_what_can_not_be_committed(given, told):
    """An invalid value is refused before anything is read."""
    with pytest.raises(InvalidOption, match=told):
        to_commit({**COMMIT, **given})


def test_a_commit():
    """Unset options are empty; a key may be of any type."""
    request = to_commit({**COMMIT, "cache_key": {"a": [1]}, "changes": [{"USER": 0}], "timestamp": 0})
    assert (request.image, request.cache_key, request.changes, request.timestamp) == (
        "",
        {"a": [1]},
        ("USER 0",),
        0,
    )
    assert to_commit(COMMIT).cache_key is None
