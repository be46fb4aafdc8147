# SPDX-License-Identifier: GPL-3.0-or-later
"""``--filter`` and ``--format`` of the command line."""

from __future__ import annotations

import pytest

from _engine.agent.cli import output, template
from _engine.errors import EngineError, InvalidOption, PathTooLong, Setting, Words
from _engine.lifecycle.inspect import filters


def container(name: str, made: int, **state: object) -> dict[str, object]:
    """Return the part of a container's shape that filters use."""
    return {
        "Id": f"{made}a" * 32,
        "Name": name,
        "Created": f"2026-01-0{made}T00:00:00.000000000Z",
        "Image": "c0ffee" * 10,
        "ImageName": "localhost/box:1",
        "State": {"Status": "running", "ExitCode": 0, **state},
        "Config": {"Labels": {"tier": name} if name != "bare" else None},
        "Mounts": [{"Name": "data", "Source": "/srv", "Destination": "/data"}] if name == "web" else [],
        "NetworkSettings": {"Networks": {"web-net": {}} if name == "web" else {}},
        "HostConfig": {
            "NetworkMode": "none",
            "RestartPolicy": {"Name": "on-failure" if name == "web" else "", "MaximumRetryCount": 3},
        },
    }


CONTAINERS = [
    container("web", 1, Health={"Status": "healthy"}),
    container("bare", 2, Status="exited", ExitCode=3),
    container("worker", 3, Status="created"),
]
CHOSEN = [
    ("", "web bare worker"),
    ("name=we", "web"),
    ("name=^w", "web worker"),
    ("name=bare name=worker", "bare worker"),
    ("id=2a2a", "bare"),
    ("status=exited", "bare"),
    ("status=stopped status=created", "bare worker"),
    ("exited=3", "bare"),
    ("exited=0", ""),
    ("label=tier", "web worker"),
    ("label=tier label=tier=web", "web"),
    ("label!=tier", "bare"),
    ("volume=data", "web"),
    ("volume=/data", "web"),
    ("volume=/srv", "web"),
    ("volume=other", ""),
    ("ancestor=box:1", "web bare worker"),
    ("ancestor=localhost/box:1", "web bare worker"),
    ("ancestor=c0ffeec0ffee", "web bare worker"),
    ("ancestor=other", ""),
    ("ancestor=No/Name", ""),
    ("health=healthy", "web"),
    ("health=none", "bare worker"),
    ("before=bare", "web"),
    ("since=web status=exited", "bare"),
    ("until=2026-01-02T12:00:00Z", "web bare"),
    ("network=none", "bare worker"),
    ("network=web-net", "web"),
    ("restart-policy=no", "bare worker"),
    ("restart-policy=on-failure:3", "web"),
    ("restart-policy=on-failure:4", ""),
]


@pytest.mark.parametrize(("texts", "names"), CHOSEN)
def test_filters_of_containers(texts, names):
    """Any filter of one key must match, of labels all, and so must each key."""
    wanted = filters.parse(texts.split(), filters.CONTAINERS)
    found = filters.choose(CONTAINERS, wanted, filters.CONTAINERS)
    assert [shape["Name"] for shape in found] == names.split()


IMAGES = [
    {"Id": "a" * 64, "RepoTags": ["localhost/box:1"], "Created": "2026-01-01", "Labels": {"a": "b"}},
    {"Id": "b" * 64, "RepoTags": [], "Created": "2026-01-02", "Labels": None},
]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("reference=box", "a"),
        ("reference=*/box:1", "a"),
        ("reference=bo", ""),
        ("dangling=true", "b"),
        ("dangling=false", "a"),
        ("label=a=b", "a"),
        ("since=localhost/box:1", "b"),
        ("id=^bb", "b"),
    ],
)
def test_filters_of_images(text, ids):
    """Images are filtered by name, label and time."""
    found = filters.choose(IMAGES, filters.parse([text], filters.IMAGES), filters.IMAGES)
    assert "".join(shape["Id"][0] for shape in found) == ids


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("stat=x", "near: status"),
        ("status", "is not a filter"),
        ("name=[", "is not a pattern"),
        ("exited=soon", "is not an exit code"),
        ("before=nothing", "matches nothing"),
        ("until=soon", "not a point in time"),
    ],
)
def test_filters_that_are_none(text, words):
    """An invalid filter is reported with the valid keys."""
    with pytest.raises(InvalidOption, match=words):
        filters.choose(CONTAINERS, filters.parse([text], filters.CONTAINERS), filters.CONTAINERS)


SHAPE = {"A": {"B": [1, None], "C": {"k": True, "a": ""}}, "N": 7, "M": None}
RENDERED = [
    ("{{.N}}", "7"),
    ("x{{ .A.B }}y", "x[1 <nil>]y"),
    ("{{.A.C}}", "map[a: k:true]"),
    ("{{json .A.C}}", '{"k": true, "a": ""}'),
    ('{{index .A.C "k"}}{{index .A.C "none"}}', "true"),
    (r"{{.N}}\t{{.N}}\n", "7\t7\n"),
    ("{{.M}}", "<nil>"),
    ("plain", "plain"),
    ("", ""),
]


@pytest.mark.parametrize(("text", "line"), RENDERED)
def test_templates(text, line):
    """Fields, json and index are rendered as in Go."""
    assert template.parse(text).render(template.look_into(SHAPE)) == line


@pytest.mark.parametrize(
    "text",
    ["{{range .A}}x{{end}}", "{{.N", "}}", "{{.N | upper}}", "{{}}", "{{.Nope}}", "{{.N.B}}", "{{- .N}}"],
)
def test_templates_that_are_refused(text):
    """An invalid template, or an unknown field, is refused and not printed."""
    with pytest.raises(InvalidOption) as caught:
        template.parse(text).render(template.look_into(SHAPE))
    assert caught.value.remedy


def test_a_table_has_headings():
    """A table's headings are those of its fields."""
    assert template.parse(r"table {{.N}}\t{{.A.B}}").headings({"N": "NUMBER", "A": "ALL"}) == "NUMBER\tALL"


TOLD = [
    (InvalidOption("filter", "x", "is bad"), ("--filter",), "--filter: 'x' is bad"),
    (InvalidOption("filter", "x", "is bad"), (), "filter: 'x' is bad"),
    (EngineError("no", remedy=Words("Write ", Setting("force", True))), ("--force",), "no. Write --force"),
    (
        EngineError("no", remedy=Words("Write ", Setting("delete_depend", True))),
        ("--depend",),
        "no. Write --depend",
    ),
    (
        EngineError("no", remedy=Words("Or ", Setting("runtime", "crun"))),
        (),
        "no. Or runtime: crun in its task",
    ),
    (
        EngineError("no", remedy=Words("Write ", Setting("become", True))),
        (),
        "no. Write sudo before the command",
    ),
    (EngineError(Words(Setting("time"), " is bad")), ("--time",), "--time is bad"),
    (PermissionError(13, "Permission denied", "/x"), (), "/x: Permission denied"),
    (OSError(36, "File name too long", "/x" * 3000), (), str(PathTooLong("/x" * 3000))),
]


@pytest.mark.parametrize(("error", "flags", "text"), TOLD)
def test_errors_in_the_words_of_the_command_line(error, flags, text):
    """A task's option is reported as the verb's flag, or as an option of the task."""
    assert output.told(error, frozenset(flags)) == text
    assert "--" not in str(error)  # a task's words are its own
