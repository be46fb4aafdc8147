# SPDX-License-Identifier: GPL-3.0-or-later
"""Which container and which image a name means, for a task and for a person."""

from __future__ import annotations

import pytest

from _engine.errors import InvalidOption, NotFound
from _engine.lifecycle.core.engine import Engine
from _engine.lifecycle.core.images import find_image, find_typed_image
from _engine.lifecycle.core.lookup import find, find_typed
from _engine.model.container.spec import ContainerSpec
from _engine.model.engine.layout import Layout
from _engine.model.engine.record import ContainerRecord, ImageRecord
from _engine.state import containers, images
from _engine.state.database import open_database

#: The name of each container by its id.
NAMES = {"6db" + "1" * 61: "front", "eef0" + "2" * 60: "db1", "eef1" + "3" * 60: "deaf", "9" * 64: "a" * 12}
IMAGES = {"4" * 64: ("localhost/app:1",), "56" * 32: ("localhost/444444444444:latest",)}


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    """Yield an engine with these containers and images in its database."""
    path = tmp_path_factory.mktemp("engine")
    with open_database(str(path / "state.db")) as database:
        with database.transaction() as connection:
            for number, (id_, name) in enumerate(NAMES.items()):
                containers.insert(
                    connection,
                    ContainerRecord(
                        id_,
                        ContainerSpec.parse({"name": name, "image": "x", "network": ["none"]}),
                        created=number,
                    ),
                )
            for id_, names in IMAGES.items():
                images.insert(connection, ImageRecord(id_, b"{}", 1, None, names, ()))
        yield Engine(Layout(str(path), str(path / "run")), database)


@pytest.mark.parametrize(
    ("text", "task", "person"),
    [
        ("front", "front", "front"),
        ("6db" + "1" * 61, "front", "front"),
        ("6db" + "1" * 9, "front", "front"),
        ("a" * 12, "a" * 12, "a" * 12),
        ("6db1", NotFound, NotFound),  # similar to a name
        ("6db1111111", NotFound, "front"),
        ("6", NotFound, "front"),
        ("99", NotFound, "a" * 12),
        ("db", NotFound, NotFound),  # a part of a name
        ("eef", NotFound, InvalidOption),  # ambiguous
        ("eef02", NotFound, "db1"),
        ("9999999999999999x", NotFound, NotFound),
        ("6DB", NotFound, NotFound),
        ("dea", NotFound, NotFound),
        ("", NotFound, NotFound),
    ],
)
def test_containers(engine, text, task, person):
    """A task finds a name or a full id; a person also a prefix of one id, unless a name is similar."""
    for look, means in ((find, task), (find_typed, person)):
        if isinstance(means, str):
            assert look(engine, text).name == means
        else:
            with pytest.raises(means):
                look(engine, text)


def test_a_beginning_with_a_name_near(engine):
    """If an id has this prefix and a name is similar, both are reported, and neither is taken."""
    with engine.database.transaction() as connection:
        containers.insert(
            connection,
            ContainerRecord(
                "db" * 32,
                ContainerSpec.parse({"name": "cache", "image": "x", "network": ["none"]}),
                created=9,
            ),
        )
    with pytest.raises(NotFound, match=r"near: db1.*For container cache give more digits"):
        find_typed(engine, "db")


@pytest.mark.parametrize(
    ("text", "task", "person"),
    [
        ("app:1", "4", "4"),
        ("4" * 64, "4", "4"),
        ("4" * 12, "5", "5"),  # a name takes precedence over an id
        ("sha256:" + "5656565656565656" * 4, "5", "5"),
        ("56" * 6, "5", "5"),
        ("56" * 7, NotFound, "5"),
        ("sha256:5656", NotFound, "5"),
        ("56", NotFound, "5"),
        ("7", NotFound, NotFound),
    ],
)
def test_images(engine, text, task, person):
    """An image is found by name, else by its full id; a person may give a prefix of the id."""
    for look, means in ((_of_task, task), (find_typed_image, person)):
        if isinstance(means, str):
            assert look(engine, text).id[0] == means
        else:
            with pytest.raises(means):
                look(engine, text)


def _of_task(engine, text):
    with engine.database.reading() as connection:
        return find_image(connection, text)
