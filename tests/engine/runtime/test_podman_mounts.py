# SPDX-License-Identifier: GPL-3.0-or-later
"""Every form of a mount, compared with podman: what is refused, and the mounts of config.json.

Where the two differ, the form names the difference, and docs/compat.md has the reason; a stale difference
fails.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
from podmanbundle import comparable, ours

from _engine.errors import EngineError
from _engine.model.container import kinds

COMPAT = Path(__file__).parents[3] / "docs/compat.md"


class Form(NamedTuple):
    """An option's text; ``{d}`` is a destination, ``{tmp}`` a host directory, ``differs`` a difference."""

    option: str
    text: str
    differs: str = ""


FLAGS = (
    "ro",
    "rw",
    "nosuid",
    "suid",
    "nodev",
    "dev",
    "noexec",
    "exec",
    "nosuid,nodev,noexec",
    "suid,dev,exec,ro",
)
PROPAGATIONS = "private rprivate shared rshared slave rslave unbindable runbindable".split()
#: Endings of a mount of a path or a volume in ``volume``.
ENDS = (
    *(
        f":{words}"
        for words in (*FLAGS, *PROPAGATIONS, "bind", "rbind", "bind,private", "bind,rslave", "z", "Z")
    ),
    *(f":{words}" for words in ("copy", "nocopy", "cached", "delegated", "z,ro,noexec")),
    "",
)
VOLUMES = (
    *(Form("volume", f"{{tmp}}/a:{{d}}{end}") for end in ENDS),
    *(Form("volume", f"data{{n}}:{{d}}{end}") for end in ENDS),
    *(Form("volume", f"{source}:{{d}}:U", "owner") for source in ("{tmp}/a", "data{n}")),
    *(Form("volume", f"{source}:{{d}}:U,z,ro,noexec", "owner") for source in ("{tmp}/a", "data{n}")),
    Form("volume", "{d}"),
    Form("volume", "{tmp}/../{leaf}/a:{d}"),
    Form("volume", "{tmp}/a/:{d}/"),
    Form("volume", "{tmp}/file:{d}:ro"),
    Form("volume", "{tmp}/a:{d}:O", "overlay"),
    Form("volume", "{tmp}/a:{d}:O,U", "overlay"),
    Form("volume", "{tmp}/a:{d}:O,upperdir={tmp}/u,workdir={tmp}/w", "overlay"),
    Form("volume", "over{n}:{d}:O", "overlay"),
    Form("volume", "{tmp}/a:{d}:idmap", "idmap"),
    Form("volume", "{tmp}/a:{d}:idmap=uids=0-1-10#10-11-10;gids=0-100-10", "idmap"),
    Form("volume", "shift{n}:{d}:ro,idmap=uids=0-1-10;gids=0-1-10", "idmap"),
)
KEYS = (
    *FLAGS[:-2],
    *PROPAGATIONS,
    *(f"{key}={value}" for key in ("ro", "rw", "readonly") for value in ("true", "false", "TRUE")),
    "readonly",
    "chown=false",
    "consistency=cached",
)
BINDS = (
    *(Form("mount", f"type=bind,source={{tmp}}/a,destination={{d}},{key}") for key in KEYS),
    *(Form("mount", f"type=bind,src={{tmp}}/a,dst={{d}},bind-propagation={word}") for word in PROPAGATIONS),
    *(
        Form("mount", f"type=bind,src={{tmp}}/a,dst={{d}},{key}", "owner")
        for key in ("U", "U=true", "chown=true")
    ),
    Form("mount", "type=bind,src={tmp}/a,target={d}"),
    Form("mount", "src={tmp}/a,type=bind,target={d}/"),
    Form("mount", "type=bind,src={tmp}/a,dst={d},bind-nonrecursive"),
    Form("mount", "type=bind,src={tmp}/a,dst={d},bind-nonrecursive,slave"),
    Form("mount", "type=bind,src={tmp}/a,dst={d},relabel=shared"),
    Form("mount", "type=bind,src={tmp}/a,dst={d},relabel=private"),
    Form("mount", "type=bind,src={tmp}/a,dst={d},z"),
    Form("mount", "type=bind,src={tmp}/a,dst={d},Z,ro"),
    Form("mount", 'type=bind,"src={tmp}/a,b",dst={d}'),
    Form("mount", "type=bind,src={tmp}/a,dst={d},idmap", "idmap"),
    Form("mount", "type=bind,src={tmp}/a,dst={d},idmap=uids=0-1-10;gids=0-1-10", "idmap"),
)
NAMED = (
    *(Form("mount", f"type=volume,source=more{{n}},destination={{d}},{word}") for word in FLAGS[:-2]),
    *(Form("mount", f"type=volume,src=more{{n}},dst={{d}},{key}", "owner") for key in ("U", "chown=true")),
    Form("mount", "type=volume,src=more{n},dst={d}"),
    Form("mount", "type=volume,src=more{n},target={d},consistency=delegated"),
    Form("mount", "source=more{n},destination={d}", "newer"),
    Form("mount", "type=volume,source=more{n},destination={d},relabel=shared", "newer"),
    Form("mount", "type=volume,destination={d}"),
    Form("mount", "type=volume,src=more{n},dst={d},readonly", "newer"),
    Form("mount", "type=volume,src=more{n},dst={d},ro=true"),
    Form("mount", "type=volume,src=more{n},dst={d},subpath=/a", "newer"),
    Form("mount", "type=volume,src=more{n},dst={d},volume-subpath=a", "newer"),
    Form("mount", "type=volume,src=more{n},dst={d},idmap", "newer"),
)
MEMORY = (
    *(Form("mount", f"type=tmpfs,destination={{d}},{word}") for word in FLAGS[:-2]),
    *(Form("tmpfs", f"{{d}}:{words}") for words in (*FLAGS, *PROPAGATIONS)),
    Form("mount", "type=tmpfs,dst={d}"),
    Form("mount", "type=tmpfs,dst={d},tmpfs-size=1m,tmpfs-mode=1777"),
    Form("mount", "type=tmpfs,dst={d},tmpfs-mode=0700"),
    Form("mount", "type=tmpfs,dst={d},tmpcopyup"),
    Form("mount", "type=tmpfs,dst={d},notmpcopyup"),
    Form("mount", "type=tmpfs,dst={d},U=true"),
    Form("mount", "type=tmpfs,dst={d},chown"),
    Form("mount", "type=tmpfs,dst={d},consistency=cached"),
    Form("mount", "type=tmpfs,dst={d},readonly", "newer"),
    Form("mount", "type=tmpfs,dst={d},rslave", "newer"),
    Form("mount", "type=tmpfs,dst={d},noswap", "newer"),
    Form("tmpfs", "{d}"),
    Form("tmpfs", "{d}:size=64m,mode=1777"),
    Form("tmpfs", "{d}:size=50%"),
    Form("tmpfs", "{d}:size=1048576,mode=700,noexec"),
    Form("tmpfs", "{d}:tmpcopyup"),
    Form("tmpfs", "{d}:notmpcopyup"),
    Form("tmpfs", "{d}:U"),
    Form("tmpfs", "{d}:noatime", "newer"),
    Form("tmpfs", "{d}:noswap", "newer"),
    Form("mount", "type=ramfs,dst={d}", "newer"),
    Form("mount", "type=ramfs,dst={d},ro", "newer"),
)
OTHERS = (
    Form("mount", "type=devpts,destination={d}"),
    Form("mount", "type=devpts,dst={d},uid=5,gid=5,mode=0620,max=1024,newinstance"),
    Form("mount", "type=devpts,dst={d},ptmxmode=0666", "newer"),
    Form("mount", "type=image,source=localhost/assets:1,destination={d}", "image"),
    Form("mount", "type=image,src=localhost/assets:1,dst={d},rw=true", "image"),
    Form("mount", "type=image,src=localhost/assets:1,dst={d},readwrite=false", "image"),
    Form("mount", "type=image,src=localhost/assets:1,dst={d},rw", "newer"),
    Form("mount", "type=image,src=localhost/assets:1,dst={d},subpath=/bin", "newer"),
    Form("mount", "type=bind,src={tmp}/a,dest={d}", "newer"),
)
#: Options of docker, or of this engine, that podman lacks.
MORE = (
    Form("mount", "type=bind,src={tmp}/a,dst={d},bind-recursive=disabled", "docker"),
    Form("mount", "type=bind,src={tmp}/a,dst={d},ro,bind-recursive=readonly", "docker"),
    Form("mount", "type=bind,src={tmp}/a,dst={d},bind-create-src", "docker"),
    Form("mount", "type=volume,src=more{n},dst={d},volume-nocopy", "docker"),
    Form("mount", "type=image,src=localhost/assets:1,dst={d},image-subpath=bin", "docker"),
    Form("volume", "{tmp}/a:{d}:rro", "own-words"),
    Form("volume", "{tmp}/a:{d}:", "own-words"),
    Form("volume", "data{n}:{d}:,ro,", "own-words"),
    Form("volume", "{tmp}/new:{d}:create", "own-words"),
    Form("volume", "data{n}:{d}:nocreate", "newer"),
    Form("mount", "type=tmpfs,dst={d},size=1m,mode=700", "own-words"),
    Form("mount", "type=bind,src={tmp}/a,dst={d},rbind", "own-words"),
    Form("mount", "type=bind,src={tmp}/a,dst={d},ro=1", "own-words"),
)
#: Forms that both refuse, and that only one of the two refuses.
REFUSED = (
    *(
        Form("volume", text)
        for text in ("", ":", "{tmp}/a:", ":{d}", "a:b", "{tmp}/a:{d}:ro:rw", "x/y:{d}", "-x:{d}")
    ),
    *(
        Form("volume", f"{{tmp}}/a:{{d}}:{words}")
        for words in ("foo", "RO", "ro,rw", "exec,noexec", "suid,nosuid")
    ),
    *(
        Form("volume", f"{{tmp}}/a:{{d}}:{words}")
        for words in ("dev,nodev", "z,Z", "bind,rbind", "shared,slave")
    ),
    *(Form("volume", f"{{tmp}}/a:{{d}}:{words}") for words in ("size=1m", "tmpcopyup", "U=true", "ro=true")),
    *(
        Form("volume", f"{{tmp}}/a:{{d}}:{words}")
        for words in ("O,ro", "O,Z", "O,upperdir={tmp}/u", "noatime")
    ),
    *(
        Form("mount", text)
        for text in ("type=foo,dst={d}", "type=bind,src={tmp}/a", "type=bind,src=,dst={d}")
    ),
    *(
        Form("mount", f"type=bind,src={{tmp}}/a,dst={{d}},{key}")
        for key in ("foo", "ro,rw", "U=yes", "relabel=x")
    ),
    *(
        Form("mount", f"type=bind,src={{tmp}}/a,dst={{d}},{key}")
        for key in ("bind-propagation=x", "tmpfs-size=1m")
    ),
    *(
        Form("mount", f"type=tmpfs,dst={{d}},{key}")
        for key in ("src=/a", "bind", "z", "uid=5", "tmpcopyup,notmpcopyup")
    ),
    *(
        Form("mount", f"type=volume,src=x,dst={{d}},{key}")
        for key in ("volume-label=a=b", "foo=1", "bind-nonrecursive=x")
    ),
    *(
        Form("mount", f"type=image,src=localhost/assets:1,{key}")
        for key in ("ro=x", "dst={d},rw=x", "dst={d},nosuid")
    ),
    *(Form("mount", f"type=devpts,{key}") for key in ("uid=5", "dst={d},ro", "dst={d},src=x")),
    *(Form("tmpfs", f"{{d}}:{words}") for words in ("foo", "ro,rw", "bind", "z", "uid=5", "mode=1,mode=2")),
    Form("tmpfs", "rel"),
    Form("volume", "./etc:{d}", "relative-source"),
    Form("volume", "{tmp}/a:{d}/../other", "dots"),
    Form("volume", "{tmp}/a:/", "root"),
    Form("volume", "over{n}:{d}:O,ro", "overlay-options"),
    Form("mount", "type=bind,dst=/etc", "no-source"),
    Form("mount", "type=volume,src=opt{n},dst={d},volume-opt=o=uid=5", "volume-opt"),
    Form("mount", "type=tmpfs,dst={d},tmpfs-size=lots", "checked-early"),
    Form("mount", "type=devpts,dst={d},uid=x", "checked-early"),
    Form("tmpfs", "{d}:mode=999", "checked-early"),
)
#: Forms of newer podmans that this engine lacks; podman's package refuses them too.
LATER = (
    Form("mount", "type=glob,src={tmp}/a*,dst={d}", "glob"),
    Form("mount", "type=artifact,src=x,dst={d}", "artifact"),
    Form("mount", "type=bind,src={tmp}/a,dst={d},no-dereference", "no-dereference"),
)
FORMS = (*VOLUMES, *BINDS, *NAMED, *MEMORY, *OTHERS, *MORE)
#: Differences of forms that podman's package refuses.
UNKNOWN_TO_PODMAN = {"newer", "docker", "own-words", *(form.differs for form in LATER)}


class Place:
    """The directory of the forms' sources; expands a form to an option's value."""

    def __init__(self, tmp: Path) -> None:
        self.tmp = tmp
        for name in ("a", "a,b", "u", "w", "new"):
            (tmp / name).mkdir()
        (tmp / "file").write_text("x")

    def written(self, form: Form, number: int) -> str:
        """Return the text with its own destination and volume."""
        text = form.text.replace("{tmp}", str(self.tmp)).replace("{leaf}", self.tmp.name)
        return text.replace("{d}", f"/f/{number}").replace("{n}", str(number))

    def raw(self, form: Form, number: int) -> dict:
        """Return the module's option."""
        text = self.written(form, number)
        if form.option != "tmpfs":
            return {form.option: [text]}
        destination, _colon, words = text.partition(":")
        return {"tmpfs": {destination: words}}


def joined(raws: list[dict]) -> dict:
    """Return the options of all forms."""
    made: dict = {"volume": [], "mount": [], "tmpfs": {}}
    for raw in raws:
        for option, value in raw.items():
            made[option] = {**made[option], **value} if option == "tmpfs" else [*made[option], *value]
    return made


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Place:
    """Yield the sources of the forms."""
    return Place(tmp_path_factory.mktemp("sources"))


@pytest.fixture(scope="module")
def assets(podman, busybox_root):
    """Provide podman with the image that the forms name."""
    packed = subprocess.run(["tar", "-C", busybox_root, "-c", "etc"], check=True, capture_output=True).stdout
    path = podman.top / "assets.tar"
    path.write_bytes(packed)
    assert podman.run("import", str(path), "localhost/assets:1").returncode == 0


@pytest.fixture(scope="module")
def both(podman, place, busybox_root, assets):
    """Return podman's mounts and ours of all forms that podman accepts, by destination, in one container."""
    known = [(number, form) for number, form in enumerate(FORMS) if form.differs not in UNKNOWN_TO_PODMAN]
    words = [word for number, form in known for word in (f"--{form.option}", place.written(form, number))]
    raw = joined([place.raw(form, number) for number, form in known])
    theirs, mine = comparable(podman.make(words)), comparable(ours(busybox_root, raw))
    return theirs["mounts"], mine["mounts"]


@pytest.mark.parametrize(
    "number", range(len(FORMS)), ids=lambda number: f"{FORMS[number].option} {FORMS[number].text}"
)
def test_form(request, place, number):
    """A form is parsed and gives podman's mount, or differs as docs/compat.md says."""
    form = FORMS[number]
    (mount,) = kinds.MOUNTS.parse("mounts", place.raw(form, number)).values()
    assert mount.destination == f"/f/{number}"
    if form.differs in UNKNOWN_TO_PODMAN:
        return
    theirs, mine = request.getfixturevalue("both")
    same = theirs[mount.destination] == mine[mount.destination]
    assert same is not bool(form.differs), (theirs[mount.destination], mine[mount.destination])


@pytest.mark.parametrize(
    "form", [form for form in FORMS if form.differs in UNKNOWN_TO_PODMAN], ids=lambda form: form.text
)
def test_unknown_to_podman(podman, place, assets, form):
    """Forms that only this engine accepts are refused by podman's package, so the table is correct."""
    try:
        assert podman.create([f"--{form.option}", place.written(form, 1)]).returncode
    finally:
        podman.remove()


@pytest.mark.parametrize("form", [*REFUSED, *LATER], ids=lambda form: f"{form.option} {form.text}")
def test_refused(podman, place, assets, form):
    """Invalid forms are refused as by podman; those that podman accepts have a reason in docs/compat.md."""
    with pytest.raises(EngineError) as caught:
        kinds.MOUNTS.parse("mounts", place.raw(form, 1))
    assert caught.value.remedy
    try:
        taken = podman.create([f"--{form.option}", place.written(form, 1)]).returncode == 0
        assert taken is bool(form.differs and form not in LATER)
    finally:
        podman.remove()


def test_the_order_is_podmans(podman, busybox_root, place):
    """Nested and overlapping destinations are mounted in podman's order: parents first."""
    paths = ["/a/b/c", "/a", "/ab", "/a/b", "/ab/c", "/a-b", "/a/b-c", "/b/c", "/b"]
    raw = {"volume": [f"{place.tmp}/a:{path}" for path in paths]}
    mine = [item["destination"] for item in ours(busybox_root, raw)["mounts"]]
    words = [word for text in raw["volume"] for word in ("-v", text)]
    theirs = [item["destination"] for item in podman.make(words)["mounts"]]
    for order in (mine, theirs):
        above = [(one, other) for one in order for other in order if other.startswith(f"{one}/")]
        assert [pair for pair in above if order.index(pair[0]) > order.index(pair[1])] == []


def test_every_difference_has_its_reason():
    """docs/compat.md explains exactly the differences of the tables above."""
    section = COMPAT.read_text().partition("\n## Mounts\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+) \| (.+) \| (.+) \|$", section, re.MULTILINE)
    assert all(all(part.strip() for part in row) for row in rows)
    named = [row[0] for row in rows]
    assert sorted(named) == sorted({form.differs for form in (*FORMS, *REFUSED, *LATER)} - {""})
