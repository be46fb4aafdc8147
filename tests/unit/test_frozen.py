# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import dataclasses
import pickle

import pytest

from _engine import frozen
from _engine.frozen import dataclass, field, fields, replace


@dataclass(frozen=True)
class Ours:
    """A class made by this module."""

    name: str
    number: int = 0
    names: dict[str, str] = field(default_factory=dict)
    seen: int = field(default=7, compare=False)
    row: str | None = field(default=None, metadata={"row": 1})


@dataclass(frozen=True)
class Derived(Ours):
    """A subclass with one more field and another default."""

    number: int = 5
    more: str = "more"


@dataclass(frozen=True, repr=False)
class Hidden:
    """A class whose values must not be shown."""

    secret: str


@dataclasses.dataclass(frozen=True)
class Original:
    """The same as ``Ours``, made by the standard library."""

    name: str
    number: int = 0
    names: dict[str, str] = dataclasses.field(default_factory=dict)
    seen: int = dataclasses.field(default=7, compare=False)
    row: str | None = dataclasses.field(default=None, metadata={"row": 1})


@pytest.mark.parametrize(
    ("values", "named"),
    [
        (("a",), {}),
        (("a", 1, {"b": "c"}, 2, "d"), {}),
        (("a",), {"row": "r", "number": 3}),
        ((), {"name": "a"}),
        ((), {}),
        (("a",), {"name": "b"}),
        (("a", 1, {}, 2, "d", 6), {}),
        (("a",), {"nothing": 1}),
    ],
)
def test_it_is_made_as_the_original_is(values, named):
    """Values are positional or named, with defaults; missing, extra or unknown ones: TypeError."""
    try:
        wanted = vars(Original(*values, **named))
    except TypeError:
        with pytest.raises(TypeError):
            Ours(*values, **named)
        return
    assert vars(Ours(*values, **named)) == wanted
    assert list(vars(Ours(*values, **named))) == list(wanted)
    assert repr(Ours(*values, **named)) == repr(Original(*values, **named)).replace("Original", "Ours")


def test_equality_is_that_of_the_compared_fields():
    """Only compared fields count, for the hash too; other classes are never equal."""
    assert Ours("a", seen=1) == Ours("a", seen=2)
    assert Ours("a") != Ours("b")
    assert Ours("a") != Derived("a", number=0)
    assert len({Hidden("a"), Hidden("a"), Hidden("b")}) == 2
    with pytest.raises(TypeError):
        hash(Ours("a"))


def test_it_can_not_be_changed():
    """Fields can't be set, added or deleted; a default from a factory is not shared."""
    one = Ours("a")
    for act in (
        lambda: setattr(one, "name", "b"),
        lambda: setattr(one, "new", 1),
        lambda: delattr(one, "name"),
    ):
        with pytest.raises(AttributeError, match="can't be changed"):
            act()
    assert one.names is not Ours("a").names


def test_a_copy_with_changes():
    """``replace`` changes the given fields, keeps the class, and rejects unknown fields."""
    one = Derived("a", names={"b": "c"})
    assert replace(one, name="z", more="less") == Derived("z", names={"b": "c"}, more="less")
    assert one.name == "a"
    with pytest.raises(TypeError):
        replace(one, nothing=1)
    for again in (copy.copy(one), copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        assert again == one


def test_fields_tell_what_was_declared():
    """Inherited fields come first, each once, with annotation and metadata as written."""
    assert [(item.name, item.type) for item in fields(Derived("a"))] == [
        ("name", "str"),
        ("number", "int"),
        ("names", "dict[str, str]"),
        ("seen", "int"),
        ("row", "str | None"),
        ("more", "str"),
    ]
    assert {item.name: dict(item.metadata) for item in fields(Ours) if item.metadata} == {"row": {"row": 1}}
    assert (Ours.number, Derived.number, Derived("a").number, hasattr(Ours, "names")) == (0, 5, 5, False)


def test_what_is_not_to_be_shown():
    """A class without a repr shows none of its values."""
    assert "hush" not in repr(Hidden("hush"))


def test_no_other_kind_is_made():
    """Declaring a mutable class is refused."""
    with pytest.raises(TypeError):
        frozen.dataclass(frozen=False)
