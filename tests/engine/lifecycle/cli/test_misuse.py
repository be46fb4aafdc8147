# SPDX-License-Identifier: GPL-3.0-or-later
"""Usage errors of ``slipway``, and the output of ``load``."""

from __future__ import annotations

import subprocess

import pytest

from _engine.agent.main import main
from dockerarchive import layer, write_archive

#: Invalid words after the verb's options.
WRONG = [
    "nothing",
    "ps --nothing",
    "ps --filter foo=1",
    "ps --filter exited=x",
    "ps --filter name=[",
    "ps --last x",
    "images --filter foo=1",
    "volume ls --filter foo=1",
    "events --filter foo=1",
    "events --since nonsense",
    "logs --since nonsense box",
    "logs --tail x box",
    "kill --signal FOO box",
    "stop --time x box",
    "wait --condition nonsense box",
    "inspect --type nonsense box",
    "exec --nothing box true",
]


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """Return the paths of an empty engine."""
    from _engine.lifecycle.host.opening import open_engine

    top = tmp_path_factory.mktemp("cli")
    places = {"root": f"{top}/root", "run_root": f"{top}/run"}
    with open_engine(**places):
        pass
    return places


@pytest.mark.parametrize("words", WRONG)
def test_wrong_use_is_2(places, capsys, words):
    """An unknown verb, option, or value of an option exits with 2 and is named, whatever the verb."""
    try:
        code = main(words.split(), **places)
    except SystemExit as left:
        code = left.code
    assert (code, capsys.readouterr().out) == (2, "")


def test_load_tells_what_the_archive_has(host, tmp_path):
    """Loading an image that exists under another name prints the archive's names; a pipe has no file name."""
    content = layer({"etc": None, "etc/file": b"x"})
    for name in ("localhost/first:1", "localhost/second:1"):
        archive = write_archive(tmp_path / "image.tar", name, [content])
        done = host.agent("load", "--input", str(archive))
        assert (done.returncode, done.stdout) == (0, f"Loaded image: {name}\n"), done
    words = [host.layout.agent_program, "load"]
    empty = subprocess.run(words, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert empty.returncode == 125
    assert "standard input" in empty.stderr
    assert "/tmp" not in empty.stderr
    assert host.agent("rmi", "--force", name).returncode == 0
