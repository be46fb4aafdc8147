# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway commit`` with the options of podman-commit(1)."""

from __future__ import annotations

import pytest
from commits import empty

from _engine.lifecycle.info import info


@pytest.fixture
def box(host):
    """Return a container that has written a file."""
    host.start("sh", "-c", "echo x >/new", label={"l": "1"}, volume=["/own", "data:/data"])
    host.ended()
    yield host
    empty(host)


def shape(host, name: str) -> dict[str, object]:
    """Return an image."""
    with host.open(read_only=True) as engine:
        (found,) = info.images(engine, [name], must_exist=True).result["images"]
    return found


def test_words(box, tmp_path):
    """Each option has podman's effect on the image; the id is printed, and written to a file on request."""
    words = ["-a", "me", "-m", "because", "-c", "ENV A=2", "--change", "USER 7", "--include-volumes", "-q"]
    done = box.agent("commit", *words, "--iidfile", str(tmp_path / "id"), "box", "localhost/out:1")
    assert (done.returncode, done.stderr) == (0, "")
    found = shape(box, "localhost/out:1")
    assert done.stdout.strip() == (tmp_path / "id").read_text() == found["Id"]
    assert (found["Author"], found["History"][-1]["comment"]) == ("me", "because")
    config = found["Config"]
    assert (config["User"], config["Env"]) == ("7", ["PATH=/bin", "A=2"])
    assert (config["Volumes"], config["Labels"]) == ({"/data": {}, "/own": {}}, {"l": "1"})


def test_without_a_name(box):
    """An unnamed image is found by its id; ``--squash`` gives it one layer."""
    begun = box.record().id[:7]
    done = box.agent("commit", "--squash", "--pause=false", begun)
    found = shape(box, done.stdout.strip())
    assert (found["RepoTags"], len(found["RootFS"]["Layers"])) == ([], 1)


def test_misuse(box):
    """An unknown container, an invalid name and an invalid change are errors."""
    cases = {
        ("nosuch", "a"): (125, "no container named 'nosuch'"),
        ("box", "Capital"): (125, "has capital letters"),
        ("--pause", "maybe", "box"): (2, "invalid choice"),
        ("-c", "RUN x", "box"): (125, "RUN x"),
    }
    for words, (code, told) in cases.items():
        done = box.agent("commit", *words)
        assert (done.returncode, told in done.stderr) == (code, True), done.stderr
