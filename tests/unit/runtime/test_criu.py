# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether CRIU works here, with stub programs that print real output."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from _engine.errors import HostLacks, RuntimeFailed
from _engine.runtime import criu
from _engine.runtime.oci import OciRuntime


@pytest.fixture
def program(tmp_path):
    """Return a function that creates a stub program with this output and exit code."""

    def program(name, said="", code=0):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\necho \"$@\" >> {path}.asked\ncat <<'END'\n{said}\nEND\nexit {code}\n")
        path.chmod(0o755)
        return str(path)

    return program


def runtime(path, name="runc"):
    """Return the runtime at this path."""
    return OciRuntime(path, name, "/nowhere")


def test_fit(program):
    """A runc passes, and a crun built with CRIU, if CRIU's own check does."""
    good = program("criu", "Looks good.")
    criu.check(runtime("/bin/false"), program=good)
    assert Path(f"{good}.asked").read_text() == "check\n"
    criu.check(runtime(program("crun", "crun version 1.9\n+SYSTEMD +CRIU +YAJL"), "crun"), program=good)


CASES = {
    "crun without": ("crun", "+SYSTEMD +YAJL", "Looks good.", 0, "crun was built without CRIU"),
    "kernel": (
        "runc",
        "",
        "Error (criu/vdso.c:381): vdso: Unexpected rt vDSO area bounds\nError (criu/vdso.c:613): no\n",
        1,
        "can't work on this host: vdso: Unexpected rt vDSO area bounds; no",
    ),
    "other words": ("runc", "", "You need to be root", 1, "can't work on this host: You need to be root"),
    "no words": ("runc", "", "", 3, "criu check exited with status 3"),
}


@pytest.mark.parametrize("case", CASES)
def test_unfit(program, case):
    """The error contains CRIU's message and a remedy."""
    name, version, said, code, words = CASES[case]
    with pytest.raises(HostLacks, match=words) as caught:
        criu.check(runtime(program(name, version), name), program=program("criu", said, code))
    assert caught.value.remedy


def test_no_criu():
    """The error names a missing CRIU."""
    with pytest.raises(HostLacks, match="/nowhere/criu, which creates checkpoints, is not installed"):
        criu.check(runtime("/bin/false"), program="/nowhere/criu")


LOG = """(00.000000) Version: 3.17.1 (gitid 0)
(00.054300) Error (criu/files-reg.c:1831): Can't open file held on restore: No such file
(00.054400)      1: Error (criu/files.c:1241): Can't open the file
(00.054500) Error (criu/cr-restore.c:2531): Restoring FAILED.
(00.054500) Error (criu/cr-restore.c:2531): Restoring FAILED.
"""


def test_log(tmp_path):
    """CRIU's errors, each once, and the log's path are added to the runtime's error; no log adds nothing."""
    (tmp_path / "restore.log").write_text(LOG)
    error = RuntimeFailed("runc restore: criu failed", runtime="runc")
    criu.add_log(error, str(tmp_path / "restore.log"))
    assert error.message == (
        "runc restore: criu failed; CRIU reports: Can't open file held on restore: No such file;"
        " Can't open the file; Restoring FAILED."
    )
    assert str(tmp_path) in error.remedy
    plain = RuntimeFailed("runc restore: no", runtime="runc")
    criu.add_log(plain, str(tmp_path / "nowhere.log"))
    assert str(plain) == "runc restore: no"


def test_settings(tmp_path):
    """A restore's bundle names CRIU's configuration with the new cgroup; other annotations stay."""
    (tmp_path / "config.json").write_text(json.dumps({"annotations": {"a": "b"}, "root": {}}))
    criu.configure(str(tmp_path), "/slipway/x")
    document = json.loads((tmp_path / "config.json").read_text())
    assert document["annotations"]["a"] == "b"
    with open(document["annotations"]["org.criu.config"], encoding="ascii") as stream:
        assert stream.read() == "cgroup-root /slipway/x\n"
