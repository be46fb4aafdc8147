# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from _engine.errors import InUse
from _engine.frozen import replace
from _engine.model.engine.record import LayerRecord
from _engine.state import images


def test_a_record_comes_back_as_it_was(connection, image):
    """Config bytes, names and the order of layers survive, including repeated layers."""
    record = image("a", ["x:1", "y:1"], "cabac", config=b'{\n "os": "linux"}\xff', manifest_digest="sha256:9")
    images.insert(connection, record)
    assert images.get(connection, record.id) == record
    assert images.by_name(connection, "y:1") == record
    assert images.by_name(connection, "z:1") is None
    assert images.get(connection, "sha256:none") is None


def test_inserting_again_changes_nothing(connection, image):
    """Adding an image again keeps its time and names; a manifest digest found later is added."""
    first = image("a", ["x:1"], "ab")
    images.insert(connection, first)
    images.insert(connection, replace(first, created=99, names=("y:1",), manifest_digest="sha256:9"))
    images.insert(connection, replace(first, created=99, names=()))
    assert images.all(connection) == (replace(first, names=("x:1", "y:1"), manifest_digest="sha256:9"),)


def test_a_name_moves_to_the_newer_image(connection, image):
    """A name given to another image is removed from the first, which remains."""
    images.insert(connection, image("a", ["x:1", "x:2"]))
    images.insert(connection, image("b", ["x:1"]))
    assert images.names(connection) == {"x:1": f"sha256:{'b' * 64}", "x:2": f"sha256:{'a' * 64}"}
    images.remove_name(connection, "x:2")
    images.remove_name(connection, "x:2")
    assert images.get(connection, f"sha256:{'a' * 64}").names == ()


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("aa", "a"),
        ("sha256:aa", "a"),
        ("a" * 64, "a"),
        ("ab", ""),
        ("", ""),
        ("sha256:", ""),
        ("_", ""),
        ("sha", ""),
    ],
)
def test_find(connection, image, asked, found):
    """An image is found by a prefix of its digest."""
    images.insert(connection, image("a"))
    images.insert(connection, image("b"))
    assert [record.id[-1] for record in images.find(connection, asked)] == list(found)


def test_layers_outlive_their_image(connection, image):
    """A layer's row can be deleted only when no image uses the layer."""
    images.insert(connection, image("a", ["x:1"], "12"))
    images.insert(connection, image("b", [], "13"))
    assert images.unreferenced_layers(connection) == ()
    images.delete(connection, f"sha256:{'a' * 64}")
    images.delete(connection, f"sha256:{'a' * 64}")
    assert images.names(connection) == {}
    assert [layer.chain_id[0] for layer in images.unreferenced_layers(connection)] == ["2"]
    with pytest.raises(InUse) as caught:
        images.delete_layer(connection, "1" * 64)
    assert caught.value.fields["users"] == [f"sha256:{'b' * 64}"]
    images.delete_layer(connection, "2" * 64)
    assert set(images.layers(connection)) == {"1" * 64, "3" * 64}


def test_layers_can_come_before_their_image(connection, image):
    """A layer unpacked earlier keeps its row when an image with it arrives."""
    layer = LayerRecord("1" * 64, "sha256:1", 42)
    images.add_layers(connection, [layer])
    images.insert(connection, image("a", [], "1"))
    assert images.layers(connection) == {"1" * 64: layer}
