# SPDX-License-Identifier: GPL-3.0-or-later
"""Manual and completion are generated from the verbs, and role ``slipway.oci.host`` ships the current output."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from _engine.agent.cli import verb_table
from _engine.agent.verbs import dispatch

PLACES = {"root": "/var/lib/slipway", "run_root": "/run/slipway"}
SHARE = "roles/host/files/share"
TEXTS = {
    f"{SHARE}/bash-completion/completions/slipway": ("completion", "bash"),
    f"{SHARE}/zsh/site-functions/_slipway": ("completion", "zsh"),
    f"{SHARE}/man/man8/slipway.8": ("man",),
}


@pytest.mark.parametrize("path", TEXTS)
def test_the_role_has_what_the_program_prints(tree, capsys, path):
    """The role's files equal the program's output (slipway man > FILE)."""
    assert dispatch.run([*TEXTS[path]], **PLACES) == 0
    assert capsys.readouterr().out == (tree / path).read_text()


def test_every_verb_is_loaded_by_its_own_name():
    """A verb's own loader adds it, and the help lists all verbs in order."""
    names = [
        entry.words for entry in verb_table.entries(dispatch.parser_of(**PLACES)) if " " not in entry.words
    ]
    aliases = {"umount"}
    assert names == ["", *(name for name in dispatch.VERBS if name not in aliases)]
    for verb in {*dispatch.VERBS} - aliases:
        found = verb_table.entries(dispatch.parser_of(**PLACES, verb=verb))
        assert verb in [entry.words for entry in found], verb


def test_every_option_is_explained():
    """Every option has a help text."""
    silent = [
        f"{verb.words} {entry.flags}"
        for verb in verb_table.entries(dispatch.parser_of(**PLACES))
        for entry in verb.entries
        if entry.flags and not entry.help
    ]
    assert silent == []


def test_the_manual_is_read_by_man(tree, need):
    """The page has no request that roff does not know."""
    need(shutil.which("groff"), "groff")
    page = tree / SHARE / "man/man8/slipway.8"
    done = subprocess.run(
        ["groff", "-man", "-ww", "-Tutf8", "-z", str(page)], check=True, capture_output=True, text=True
    )
    assert done.stderr == ""


#: The words of the command line, with the last one being completed, and the completions.
COMPLETED = [
    (["p"], ["ps", "pause", "pull", "push"]),
    (["ps", "--a"], ["--all"]),
    (["rm", ""], "containers"),
    (["rm", "--force", ""], "containers"),
    (["--root", "/srv", "rm", ""], "containers"),
    (["rm", "--time", ""], []),
    (["rmi", ""], "images"),
    (["volume", ""], ["ls", "inspect", "rm"]),
    (["volume", "rm", ""], "volumes"),
    (["network", "rm", ""], "networks"),
    (["inspect", "--type", "v"], ["volume"]),
    (["completion", ""], ["bash", "zsh"]),
]
NAMES = {
    "containers": ["web", "worker"],
    "images": ["localhost/box:1"],
    "volumes": ["data"],
    "networks": ["back"],
}
STUB = """#!/bin/sh
case "$*" in
    *"ps --all --format {{.Names}}") echo web; echo worker ;;
    *"images --format {{.Names}}") echo localhost/box:1 ;;
    *"volume ls --quiet") echo data ;;
    *"network ls --quiet") echo back ;;
esac
"""


@pytest.fixture
def stub(tmp_path):
    """Return a program that answers like slipway, with names of its own."""
    program = tmp_path / "slipway"
    program.write_text(STUB)
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(("words", "offered"), COMPLETED)
def test_completion_of_bash(tree, stub, words, offered):
    """Verbs, options, choices and names are completed; values of unknown kinds are not."""
    script = (
        'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _slipway; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    file = tree / SHARE / "bash-completion/completions/slipway"
    done = subprocess.run(
        ["bash", "-c", script, str(file), str(stub), *words], check=True, capture_output=True, text=True
    )
    expected = NAMES[offered] if isinstance(offered, str) else offered
    found = [word for word in done.stdout.split() if not word.startswith("--") or words[-1].startswith("-")]
    assert found == expected, done.stderr
