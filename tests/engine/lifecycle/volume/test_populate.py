# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy-up of a container's first start, the owners that it sets, and volumes that a task fills.

SLIPWAY_AT_ONCE=50 starts 50 containers at the same time on one fresh volume.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest
from tracer import KILL, trace

from _engine.errors import InUse, InvalidOption, NotFound
from _engine.lifecycle.converge.volume import converge_volume
from _engine.lifecycle.info import info
from _engine.lifecycle.resources.volume import get_volume
from _engine.lifecycle.resources.volume_open import opened
from _engine.lifecycle.volume import populate, repopulate
from _engine.lifecycle.volume.replace import OwnFileSystem
from _engine.model.volume.spec import PopulateFrom, Refill, VolumeSpec
from _engine.state import events
from dockerarchive import layer
from enginehost import Host

AT_ONCE = int(os.environ.get("SLIPWAY_AT_ONCE", "8"))
SLEEP = ("sleep", "1000")
PRIVATE = {"uidmap": ["0:100000:65536"], "stop_timeout": 0}
FILES = {"data": None, "data/first": b"of the image", "data/second": b"of the image", "empty": None}
#: A script that starts a container on request, and prints its first process.
STARTER = """
import json, sys
from pathlib import Path
from enginehost import Host
top, runtime, image, name = sys.argv[1:]
host = Host(Path(top), runtime, image)
print("ready", flush=True)
sys.stdin.readline()
outcome = host.want("started", "sleep", "1000", name=name, volume=["shared:/data"], stop_timeout=0)
print(json.dumps(outcome.result["container"]["State"]["Pid"]))
"""


@pytest.fixture
def image(built, busybox) -> str:
    """Return an image with two files in /data, and its own user."""
    return built("localhost/data:1", busybox, layer(FILES))


def names(path: Path) -> list[str]:
    """Return the names in a directory."""
    return sorted(os.listdir(path))


def owner(path: Path) -> tuple[int, int]:
    """Return the owner of a path."""
    return path.stat().st_uid, path.stat().st_gid


def shape(host: Host, name: str = "data") -> dict:
    """Return a volume in podman's shape."""
    with host.open(read_only=True) as engine:
        return info.volumes(engine, [name]).result["volumes"][0]


def told(host: Host, kind: str = "volume") -> list[tuple[str, str]]:
    """Return action and name of the events about volumes."""
    with host.open(read_only=True) as engine, engine.database.reading() as connection:
        return [(event.action, event.name) for event in events.read(connection) if event.kind == kind]


def fill(
    host: Host, name: str = "data", *, again: bool = False, source: tuple | None = None, check: bool = False
):
    """Do what module volume does with populate."""
    refill = Refill(again, PopulateFrom(*source) if source else None)
    with host.open(**({"read_only": True} if check else {})) as engine:
        return repopulate.fill(
            engine, name, refill, lambda: converge_volume(engine, VolumeSpec(name), "present")
        )


def snapshots(host: Host, name: str = "data") -> list[Path]:
    """Return the contents of a volume's snapshots."""
    top = host.data(name).parent / "snapshots"
    return [top / one / "data" for one in names(top)] if top.is_dir() else []


# -- a container's first start ---------------------------------------------------------------------


@pytest.mark.parametrize(("user", "wanted"), [(None, (0, 0)), ("1000:1001", (1000, 1001))])
def test_what_the_image_has_not_belongs_to_the_user(host, user, wanted):
    """If the image lacks the directory, a fresh volume belongs to the container's user (libpod)."""
    host.start(*SLEEP, volume=["data:/none"], stop_timeout=0, **({"user": user} if user else {}))
    assert owner(host.data("data")) == wanted


def test_what_the_image_has_belongs_to_whom_it_says(host, image):
    """A directory of the image determines the volume's owner, also with nocopy."""
    host.start(
        *SLEEP, image=image, volume=["data:/data", "bare:/data2:nocopy"], user="1000:1001", stop_timeout=0
    )
    assert (owner(host.data("data")), owner(host.data("bare"))) == ((0, 0), (1000, 1001))


@pytest.mark.parametrize(
    "first",
    [
        {"volume": ["data:/none"]},
        {"volume": ["data:/empty"]},
        {"volume": ["data:/data:nocopy"]},
        {"volume": ["data:/none"], "command": ["sh", "-c", "echo 1 > /none/mine; rm /none/mine"]},
    ],
    ids=["nothing there", "an empty directory", "nocopy", "written and emptied"],
)
def test_a_first_mount_that_copied_nothing_leaves_it_to_a_later_one(host, image, first):
    """An empty volume is filled by the first container with content, as in podman.

    The owner and mode of its root are set once, at the first attach (libpod's NeedsChown).
    """
    words = {"image": image, "stop_timeout": 0, "detach": False, "rm": True, "user": "1000:1001"}
    host.want("started", name="first", **{"command": ["true"], **words, **first})
    given = owner(host.data("data"))
    assert (shape(host)["NeedsCopyUp"], shape(host)["populated_from"]) == (True, None)
    host.want("started", "true", name="second", volume=["data:/data"], **words)
    assert (names(host.data("data")), owner(host.data("data"))) == (["first", "second"], given)
    assert (shape(host)["NeedsCopyUp"], shape(host)["populated_from"]["path"]) == (False, "/data")
    for path in host.data("data").iterdir():
        path.unlink()
    host.want("started", "true", name="third", volume=["data:/data"], **words)
    assert names(host.data("data")) == []


def test_a_container_that_runs_sees_what_is_copied_later(host, image):
    """A volume in use by a running container is filled in place, so that the container sees the content."""
    pid = host.start(*SLEEP, name="sidecar", volume=["data:/backup"], stop_timeout=0)["State"]["Pid"]
    inode = host.data("data").stat().st_ino
    host.want("started", "true", image=image, volume=["data:/data"], detach=False, rm=True)
    seen = Path(f"/proc/{pid}/root/backup")
    assert (names(seen), (seen / "first").read_bytes(), seen.stat().st_ino) == (
        ["first", "second"],
        b"of the image",
        inode,
    )
    assert names(host.data("data").parent) == ["data"]


def test_what_a_running_container_writes_meanwhile_stays(host, image, need):
    """A file that a container creates during the copy-up is never replaced or removed."""
    need(os.uname().machine == "x86_64", "x86-64, whose registers the tracer knows")
    host.start(*SLEEP, name="sidecar", volume=["data:/backup"], stop_timeout=0)
    data = host.data("data")

    def fill_it() -> None:
        host.want("started", "true", image=image, volume=["data:/data"], detach=False, rm=True)

    def write_first(call):
        if call.name == "renameat2":
            data.joinpath("first").write_text("mine")

    status, _calls = trace(fill_it, write_first)
    assert (status, data.joinpath("first").read_text(), names(data)) == (0, "mine", ["first", "second"])


def test_many_first_starts_at_once(host, image, python_child):
    """Concurrent starts on one fresh volume copy once, and all run on the same directory."""
    count = AT_ONCE
    starters = [python_child(STARTER, host.top, host.runtime, image, f"c{number}") for number in range(count)]
    for starter in starters:
        assert starter.stdout.readline() == "ready\n"
    for starter in starters:
        starter.stdin.write("go\n")
        starter.stdin.flush()
    pids = [json.loads(starter.communicate(timeout=600)[0]) for starter in starters]
    places = [Path(f"/proc/{pid}/root/data") for pid in pids] + [host.data("shared")]
    assert [names(place) for place in places] == [["first", "second"]] * (count + 1)
    assert len({place.stat().st_ino for place in places}) == 1
    assert told(host).count(("populate", "shared")) == 1
    assert len(shape(host, "shared")["used_by"]) == count


def populate_from(host: Host, rootfs: Path, *mounts: str, **options: object) -> None:
    """Do what a container's start does for its volumes, with another root file system."""
    host.want("created", *SLEEP, volume=[*mounts], **options)
    with host.open() as engine:
        populate.populate(engine, host.record(), os.fspath(rootfs))


@pytest.fixture
def rootfs(tmp_path) -> Path:
    """Return a root file system whose /data belongs to 100005, as with mapped ids on the host."""
    top = tmp_path / "rootfs"
    (top / "data").mkdir(parents=True)
    (top / "data/file").write_text("x")
    for path in (top / "data", top / "data/file"):
        os.chown(path, 100005, 100006)
    return top


def test_subpaths_of_one_volume(host, rootfs):
    """Each mounted subpath is created in the fresh volume with the image's content, and recorded."""
    populate_from(
        host, rootfs, "data:/data:subpath=a/b", "data:/none:subpath=c", "data:/data/sub:subpath=d,nocopy"
    )
    data = host.data("data")
    assert (names(data), names(data / "a/b"), names(data / "c"), names(data / "d")) == (
        ["a", "c", "d"],
        ["file"],
        [],
        [],
    )
    told = shape(host)["populated_from"]
    assert (told["path"], told["subpath"], told["entries"]) == ("/data", "a/b", 1)


def test_a_subpath_is_not_made_in_a_volume_that_holds_anything(host, rootfs):
    """A volume with data is not written to: a missing subpath is an error at its mount."""
    host.volume("data")
    host.data("data").joinpath("mine").touch()
    with pytest.raises(InvalidOption, match="a/b"):
        populate_from(host, rootfs, "data:/data:subpath=a/b")
    assert names(host.data("data")) == ["mine"]


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("", (100005, 100006)),
        (":idmap", (5, 6)),
        (":idmap=uids=1000-100000-10;gids=2000-100000-10", (1005, 2006)),
        (":idmap=uids=@1000-0-10;gids=@2000-0-10", (1005, 2006)),
    ],
)
def test_ids_on_the_disk_of_an_idmapped_volume(private_host, rootfs, word, wanted):
    """The container's own files have the first ids of the mount's mapping on the disk."""
    populate_from(private_host, rootfs, f"data:/data{word}", **PRIVATE)
    data = private_host.data("data")
    assert (owner(data), owner(data / "file")) == (wanted, wanted)


# -- a task ----------------------------------------------------------------------------------------


def test_filled_when_it_is_made(host, image):
    """Once: the volume has data before any container (pain P21); a second run changes nothing."""
    source = ("localhost/data:1", "/data")
    outcome = fill(host, source=source)
    assert outcome.actions == ("created volume data", "filled volume data from localhost/data:1:/data")
    assert outcome.result["volume"]["populated_from"]["path"] == "/data"
    assert names(host.data("data")) == ["first", "second"]
    host.data("data").joinpath("first").unlink()
    assert not fill(host, source=source).changed
    host.start(*SLEEP, image=image, volume=["data:/data"], stop_timeout=0)
    assert names(host.data("data")) == ["second"]
    assert told(host)[-2:] == [("create", "data"), ("populate", "data")]


def test_once_leaves_alone_what_was_attached_or_holds_anything(host, image):
    """A volume that was attached to a container, or written to, is not fresh."""
    host.start(*SLEEP, image=image, volume=["data:/none"], stop_timeout=0)
    host.volume("other")
    host.data("other").joinpath("mine").touch()
    for name, wanted in {"data": [], "other": ["mine"]}.items():
        assert not fill(host, name, source=(image, "/data")).changed
        assert names(host.data(name)) == wanted


def test_again_keeps_what_was_there(host, image):
    """Again: the same image and path are copied, and the old content is a snapshot with its inode."""
    host.start(*SLEEP, image=image, volume=["data:/data"], stop_timeout=0)
    data = host.data("data")
    data.joinpath("mine").write_text("mine")
    host.bring("box", "stopped")
    before, inode = shape(host)["populated_from"], data.stat().st_ino
    outcome = fill(host, again=True)
    assert outcome.actions == ("filled volume data again from localhost/data:1:/data",)
    assert names(data) == ["first", "second"]
    [old] = snapshots(host)
    assert (names(old), old.stat().st_ino) == (["first", "mine", "second"], inode)
    assert old.parent.name.startswith("before-populate-")
    after = shape(host)["populated_from"]
    assert (after["image"], after["path"]) == (before["image"], before["path"])
    assert after["at"] > before["at"]
    host.want("started", *SLEEP, image=image, volume=["data:/data"], stop_timeout=0)
    assert names(data) == ["first", "second"]


def test_again_from_elsewhere(host, image):
    """populate_from sets a new image and path, and the difference is reported."""
    fill(host, source=(image, "/data"))
    outcome = fill(host, again=True, source=(image, "/bin"))
    assert [(one.option, one.before, one.after) for one in outcome.differences] == [
        ("populated_from.path", "/data", "/bin")
    ]
    assert "busybox" in names(host.data("data"))
    assert fill(host, again=True).actions == ("filled volume data again from localhost/data:1:/bin",)
    assert len(snapshots(host)) == 2


def test_check_mode_foresees_it(host, image):
    """Check mode predicts the actions and changes nothing, for a missing and an existing volume."""
    source = (image, "/data")
    for again in (False, True):
        before = host.picture()
        foreseen = fill(host, again=again, source=source, check=True)
        assert host.picture() == before
        done = fill(host, again=again, source=source)
        assert (foreseen.actions, foreseen.differences) == (done.actions, done.differences)


def test_refused_under_a_container_that_runs(host, image):
    """A running container, which would keep the old content, is named, and nothing changes."""
    host.start(*SLEEP, image=image, volume=["data:/data"], stop_timeout=0)
    before = host.picture()
    for check in (True, False):
        with pytest.raises(InUse, match="running containers that would keep the old content: box"):
            fill(host, again=True, check=check)
    assert host.picture() == before


@pytest.mark.parametrize(
    ("again", "source", "error", "words"),
    [
        (True, None, InvalidOption, "never filled"),
        (False, ("nosuch", "/data"), NotFound, "no image named 'nosuch'"),
        (
            False,
            ("localhost/data:1", "/dato"),
            NotFound,
            "no directory in image localhost/data:1 named '/dato'",
        ),
        (True, ("localhost/data:1", "/data/first"), NotFound, "named '/data/first'"),
    ],
)
def test_bad_sources_change_nothing(host, image, again, source, error, words):
    """An unknown image or path is an error before the volume is created."""
    before = host.picture()
    for check in (True, False):
        with pytest.raises(error, match=words):
            fill(host, again=again, source=source, check=check)
    assert host.picture() == before


def test_an_image_that_is_gone(host, image, built, busybox):
    """If the volume's source image is missing, the error names it and says what to do."""
    from _engine.lifecycle.image.remove import remove_image

    gone = built("localhost/gone:1", busybox, layer({"gone": None, "gone/file": b"x"}))
    fill(host, source=(gone, "/gone"))
    with host.open() as engine:
        remove_image(engine, gone)
    with pytest.raises(NotFound, match="Add populate_from"):
        fill(host, again=True)
    built("localhost/gone:1", busybox)
    assert names(host.data("data")) == ["file"]


def test_killed_at_any_change_it_is_the_old_or_the_new(host, image, need):
    """Killed at any change, the volume is the old or the new; the next run converges."""
    need(os.uname().machine == "x86_64", "x86-64, whose registers the tracer knows")
    fill(host, source=(image, "/data"))
    data = host.data("data")
    _status, calls = trace(lambda: fill(host, again=True), lambda _call: None)
    step = 1 if os.environ.get("SLIPWAY_COPY_UP_KILLS") == "all" else max(1, len(calls) // 6)
    for number in range(step, len(calls) + 1, step):
        data.joinpath("mine").write_text("mine")
        kept = snapshots(host)
        status, _calls = trace(
            lambda: fill(host, again=True), lambda call, at=number: KILL if call.number == at else None
        )
        if not os.WIFSIGNALED(status):  # the number of calls is not always the same
            continue
        assert os.WTERMSIG(status) == signal.SIGKILL
        assert names(data) in (["first", "second"], ["first", "mine", "second"])
        fill(host, again=True)
        assert names(data) == ["first", "second"]
        found = [names(one) for one in snapshots(host) if one not in kept]
        assert found.count(["first", "mine", "second"]) == 1
    with host.open():
        pass


# -- file systems of their own ---------------------------------------------------------------------


def own(name: str = "data", **options: str) -> VolumeSpec:
    """Return the spec of a volume with its own file system."""
    return VolumeSpec(name, options={"type": "tmpfs", "device": "tmpfs", **options})


def test_a_volume_with_a_file_system_of_its_own_is_filled(host, image):
    """It is mounted before the copy-up, which uses a stage inside it, and recorded."""
    with host.open() as engine:
        converge_volume(engine, own(), "present")
    box = host.start(*SLEEP, image=image, volume=["data:/data"], stop_timeout=0)
    assert names(Path(f"/proc/{box['State']['Pid']}/root/data")) == ["first", "second"]
    assert shape(host)["populated_from"]["entries"] == 2
    host.bring("box", "stopped")
    with pytest.raises(OwnFileSystem, match="its own file system"):
        fill(host, again=True)


def test_what_a_killed_copy_up_left_is_finished_before_anybody_looks(host, image, need):
    """After a kill while entries are moved up, the next process finds the volume whole or empty."""
    need(os.uname().machine == "x86_64", "x86-64, whose registers the tracer knows")
    source = PopulateFrom(image, "/data")

    def filled() -> object:
        with host.open() as engine:
            return repopulate.fill(
                engine,
                "data",
                Refill(again=False, source=source),
                lambda: converge_volume(engine, own(), "mounted"),
            )

    seen = set()
    for number in range(1, 40):
        host.volume("data", "absent")
        with host.open() as engine:
            converge_volume(engine, own(), "mounted")
        renames = iter([None] * (number - 1) + [KILL])
        status, calls = trace(
            filled,
            lambda call, renames=renames: (
                next(renames, None) if call.name in ("rename", "renameat", "renameat2") else None
            ),
        )
        if not os.WIFSIGNALED(status):
            break
        assert calls
        with (
            host.open() as engine,
            engine.lock_volume("data", "test"),
            opened(engine, get_volume(engine, "data")) as data,
        ):
            seen.add(tuple(names(Path(data))))
    assert seen == {(), ("first", "second")}


# -- user namespaces -------------------------------------------------------------------------------


@pytest.fixture
def private_host(runtime, busybox, keep_clean):
    """Return an engine that a user namespace's root can reach, with the image ``localhost/data:1``."""
    top = Path(tempfile.mkdtemp(prefix="slipway-populate-"))
    top.chmod(0o711)
    try:
        host = Host(top / "engine", runtime, "localhost/data:1")
        top.joinpath("engine").mkdir(mode=0o711)
        host.build(host.image, busybox, layer(FILES))
        yield from keep_clean(host)
    finally:
        shutil.rmtree(top)


def test_owners_in_a_user_namespace(private_host):
    """The disk has the namespace's ids: on copied files, the root and created paths, also repopulated."""
    host = private_host
    host.start(*SLEEP, volume=["data:/data", "none:/none"], user="7:8", **PRIVATE)
    data = host.data("data")
    assert (owner(data), owner(data / "first")) == ((100000, 100000),) * 2
    assert owner(host.data("none")) == (100007, 100008)
    host.bring("box", "stopped")
    fill(host, again=True)
    assert (owner(data), owner(data / "first")) == ((100000, 100000),) * 2
