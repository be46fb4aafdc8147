# SPDX-License-Identifier: GPL-3.0-or-later
"""OCI hooks with real programs on both runtimes."""

from __future__ import annotations

import json

import pytest

from _engine.errors import InvalidOption, RuntimeFailed
from enginehost import eventually

STAGES = ["prestart", "createRuntime", "createContainer", "poststart", "poststop"]


@pytest.fixture
def directory(tmp_path):
    """Return a function that writes a hook file and its program, and the directory of the files."""
    (tmp_path / "hooks.d").mkdir()

    def write(name, script, *, folder="hooks.d", when=None, stages=("prestart",), **entry):
        program = tmp_path / f"{name}.sh"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        (tmp_path / folder).mkdir(exist_ok=True)
        data = {
            "version": "1.0.0",
            "hook": {"path": str(program), **entry},
            "when": when or {"always": True},
            "stages": list(stages),
        }
        (tmp_path / folder / f"{name}.json").write_text(json.dumps(data))
        return str(tmp_path / folder)

    return write


def test_each_stage_gets_the_state(host, directory, tmp_path):
    """Each stage runs once, with the container's state as input, and its own arguments and environment."""
    script = f'cat > {tmp_path}/$1; echo "$SAY" >> {tmp_path}/said'
    for stage in STAGES:
        where = directory(
            stage, script, stages=[stage], args=["hook", stage], env=["SAY=word", "PATH=/usr/bin:/bin"]
        )
    shape = host.start("true", hooks_dir=[where])
    host.ended()
    eventually((tmp_path / "poststop").exists, "the last stage")
    for stage in STAGES:
        assert json.loads((tmp_path / stage).read_text())["id"] == shape["Id"]
    assert (tmp_path / "said").read_text().split() == ["word"] * len(STAGES)


def test_a_hook_inside(host, directory):
    """A startContainer hook is a program of the container, and runs before the container's own."""
    where = directory(
        "inside", "", stages=["startContainer"], path="/bin/sh", args=["sh", "-c", "echo hook > /mark"]
    )
    host.start("sh", "-c", "cat /mark", hooks_dir=[where])
    host.ended()
    assert host.log()[0] == "hook\n"


def test_precreate_changes_the_container(host, directory):
    """The output of a precreate hook becomes the container's config.json."""
    where = directory("change", "sed 's/before/after/'", stages=["precreate"])
    host.start("echo", "before", hooks_dir=[where])
    host.ended()
    assert host.log()[0] == "after\n"


def test_conditions_choose(host, directory, tmp_path):
    """A hook whose conditions do not hold does not run."""
    for name, when in {
        "annotated": {"annotations": {"^mark$": "^yes$"}},
        "other": {"annotations": {"^mark$": "^no$"}},
        "mounts": {"hasBindMounts": True},
        "command": {"commands": ["^true$"]},
    }.items():
        where = directory(name, f"touch {tmp_path}/ran-{name}", when=when)
    host.start("true", hooks_dir=[where], annotation={"mark": "yes"})
    host.ended()
    assert sorted(path.name for path in tmp_path.glob("ran-*")) == ["ran-annotated", "ran-command"]


def test_a_later_directory_hides(host, directory, tmp_path):
    """A file hides one with the same name in an earlier directory."""
    first = directory("one", f"touch {tmp_path}/first")
    (tmp_path / "one.sh").rename(tmp_path / "first.sh")
    file = tmp_path / "hooks.d/one.json"
    file.write_text(file.read_text().replace("one.sh", "first.sh"))
    second = directory("one", f"touch {tmp_path}/second", folder="more.d")
    host.start("true", hooks_dir=[first, second])
    host.ended()
    assert ((tmp_path / "first").exists(), (tmp_path / "second").exists()) == (False, True)


@pytest.mark.parametrize("stage", ["precreate", "prestart"])
def test_a_hook_that_fails_fails_the_start(host, directory, stage):
    """The error names the hook, and nothing is left."""
    where = directory("bad", "cat > /dev/null; echo broken glass >&2; exit 3", stages=[stage])
    with pytest.raises(RuntimeFailed) as caught:
        host.start("true", hooks_dir=[where])
    assert "bad.sh" in str(caught.value) or "hook" in str(caught.value)
    assert host.mounts() == []


@pytest.mark.parametrize("script", ["sleep 1000", "echo no json", "echo '[]'"])
def test_a_precreate_hook_that_says_nothing_good(host, directory, script):
    """A hook that hangs is killed at its timeout, and output that is not a config.json is refused."""
    where = directory("bad", script, stages=["precreate"], timeout=1)
    with pytest.raises(RuntimeFailed) as caught:
        host.start("true", hooks_dir=[where])
    assert "bad.sh" in str(caught.value)


def test_what_is_broken_is_named_before_anything_changes(host, directory, tmp_path):
    """A missing directory, invalid JSON or a missing program is refused by name; nothing is changed."""
    where = directory("one", "true")
    (tmp_path / "one.sh").unlink()
    bad = tmp_path / "bad.d"
    bad.mkdir()
    (bad / "x.json").write_text("{")
    before = host.picture()
    for dirs, named in (([f"{where}/no"], "/no"), ([str(bad)], "x.json"), ([where], "one.sh")):
        with pytest.raises(InvalidOption) as caught:
            host.start("true", hooks_dir=dirs)
        assert named in str(caught.value)
    assert host.picture() == before
