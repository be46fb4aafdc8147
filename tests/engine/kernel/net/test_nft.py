# SPDX-License-Identifier: GPL-3.0-or-later
"""Change and read nftables, by the library and by the program."""

from __future__ import annotations

import pytest

from _engine.errors import CommandFailed, HostLacks
from _engine.kernel import command
from _engine.kernel.net import netns, nft

#: What stands for the program where only the library is installed: the same options, the same library.
PROGRAM = """#!{python}
import sys
sys.path.insert(0, {engine!r})
from _engine.errors import CommandFailed
from _engine.kernel.net import nft
assert sys.argv[-2:] == ["-f", "-"]
try:
    sys.stdout.write(nft._by_library(nft._library(), sys.stdin.read(), as_json=sys.argv[1:-2] == ["--json", "--numeric"]))
except CommandFailed as error:
    sys.exit(error.fields["stderr"])
"""


@pytest.fixture(params=[nft.LIBRARY, nft.PROGRAM])
def backend(request, monkeypatch, tmp_path, tree, need):
    """Let there be only one of the two."""
    import sys

    if request.param == nft.LIBRARY:
        need(nft._load() is not None, "libnftables")
        return request.param
    monkeypatch.setattr(nft, "_loaded", [])
    monkeypatch.setattr(nft, "LIBRARY", "libnone.so.1")
    if command.find_program("nft") is None:
        program = tmp_path / "nft"
        program.write_text(PROGRAM.format(python=sys.executable, engine=str(tree / "plugins/module_utils")))
        program.chmod(0o755)
        monkeypatch.setattr(command, "SEARCH_PATH", f"{tmp_path}:{command.SEARCH_PATH}")
    return request.param


def test_a_table_is_made_and_read(space, backend):
    """A script is carried out in the caller's namespace, and the table read back with numbers for names."""
    assert nft.backend() == backend
    script = (
        'table inet t { map m { type inet_service : ipv4_addr; elements = { 80 comment "x" : 10.0.0.1 }; }; }'
    )
    assert netns.call(space, lambda: nft.table("inet", "t")) is None
    netns.call(space, lambda: nft.apply(script))
    assert netns.call(space, lambda: nft.has_table("inet", "t"))
    found = netns.call(space, lambda: nft.table("inet", "t"))
    maps = [item["map"]["elem"] for item in found if "map" in item]
    assert maps == [[[{"elem": {"val": 80, "comment": "x"}}, "10.0.0.1"]]]
    assert not nft.has_table("inet", "t")


def test_a_script_is_done_as_a_whole_or_not_at_all(space, backend):
    """A script with an error in it changes nothing, and the error is what nftables says."""
    with pytest.raises(CommandFailed, match="No such file or directory"):
        netns.call(space, lambda: nft.apply("table inet t\ndelete element inet t m { 80 }"))
    assert not netns.call(space, lambda: nft.has_table("inet", "t"))


def test_a_host_without_either_is_told(monkeypatch):
    """Where neither library nor program is installed, the error says which role installs them."""
    monkeypatch.setattr(nft, "_loaded", [None])
    monkeypatch.setattr(command, "SEARCH_PATH", "/nonexistent")
    with pytest.raises(HostLacks, match=r"slipway\.oci\.host") as caught:
        nft.apply("table inet t")
    assert caught.value.fields == {"program": "nft"}
