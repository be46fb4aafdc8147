# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and ids."""

from __future__ import annotations

import pytest

from _engine.model.values import capabilities, names


@pytest.mark.parametrize("name", ["a", "0", "App_1.x-y", "a..b", "a" * 255])
def test_a_name(name):
    """A name consists of letters, digits and three other characters."""
    assert names.check_name("name", name) == name


@pytest.mark.parametrize(
    "name", ["", "-a", ".a", "..", "_a", "a b", "a/b", "a\n", "\u00fc", "\uff41", "a" * 256, "a\0", "a:b", []]
)
def test_what_is_no_name(refused, name):
    """A name is not a path, an option, a hidden file, or too long for a directory."""
    refused(names.check_name, "name", name)


def test_ids_are_new():
    """An id is 64 random digits."""
    first, second = names.new_id(), names.new_id()
    assert names.is_id(first)
    assert first != second


@pytest.mark.parametrize("text", ["", "a" * 63, "a" * 65, "A" * 64, "g" * 64, "a" * 64 + "\n"])
def test_what_is_no_id(text):
    """Anything but 64 lower-case hexadecimal digits is not an ID."""
    assert not names.is_id(text)


def test_near_names():
    """At most three similar names are returned, the best first."""
    assert names.near("web-1", ["db", "web", "web-11", "web-2", "web-123"]) == ("web-11", "web-123", "web-2")
    assert names.near("x", ["abc"]) == ()


CAPABILITIES = {
    "net_admin": "CAP_NET_ADMIN",
    "CAP_Net_Admin": "CAP_NET_ADMIN",
    " chown ": "CAP_CHOWN",
    "all": "ALL",
    "cap_checkpoint_restore": "CAP_CHECKPOINT_RESTORE",
}


@pytest.mark.parametrize(("text", "name"), CAPABILITIES.items())
def test_a_capability(text, name):
    """A capability is accepted in any case, with or without CAP_."""
    assert capabilities.canonical_capability("cap_add", text) == name


@pytest.mark.parametrize("text", ["", "CAP_", "foo", "CAP_ALL", "NET ADMIN", "21", None])
def test_what_is_no_capability(refused, text):
    """Any other word is refused."""
    refused(capabilities.canonical_capability, "cap_drop", text)


def test_capabilities_stand_in_the_kernels_order():
    """A capability's position is its number, and the default set is a subset."""
    assert len(capabilities.CAPABILITIES) == 41
    assert [capabilities.CAPABILITIES.index(f"CAP_{name}") for name in ("CHOWN", "SYS_ADMIN", "SETFCAP")] == [
        0,
        21,
        31,
    ]
    assert set(capabilities.CAPABILITIES) > capabilities.DEFAULT
