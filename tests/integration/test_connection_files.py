# SPDX-License-Identifier: GPL-3.0-or-later
"""Files through the connection, into and out of a container that has neither Python nor tar: any name, any size, nowhere else."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from inside import WAYS

MIB = 1 << 20
#: Many times what either side may keep in memory. ``make cycles`` takes a gibibyte.
LARGE = int(os.environ.get("SLIPWAY_LARGE_MIB", "160")) * MIB
#: Names of bytes that are no text, that shells would take apart, and as long as names can be.
NAMES = (b"\xff\xfe\x80 no text", b"-rf \n '\"$(reboot);\t\\", "ü€".encode() * 51, b"a" * 255)


def moved(inside, way: str, *moves: dict[str, object], **variables: object) -> list[dict[str, object]]:
    """Put and fetch files in the container ``bare`` and return the result of each."""
    play = inside.play("moves.yml", {"bare": inside.host("bare", way, **variables)}, moves=list(moves))
    return play["Moves"]["results"]


def went_well(results: list[dict[str, object]]) -> None:
    """Fail unless all of them did."""
    assert [each.get("msg") for each in results if each.get("failed") or each.get("unreachable")] == []


@pytest.fixture
def volume(inside) -> Path:
    """Return where the volume's content is on the host: nothing yet, whichever tests were before."""
    place = inside.node.data("bare-data")
    for path in place.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    return place


@pytest.mark.parametrize("way", WAYS)
def test_any_name(inside, tmp_path, volume, way):
    """A name is bytes, on the controller and in the container."""
    for name in NAMES:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(name)
    seen = tmp_path / "seen"
    seen.mkdir()
    here, there, back = (os.fsencode(f"{path}/") for path in (tmp_path, "/volume", seen))
    out = [{"put": (here + name).hex(), "to": (there + name).hex(), "hex": ["put", "to"]} for name in NAMES]
    home = [
        {"fetch": (there + name).hex(), "to": (back + name).hex(), "hex": ["fetch", "to"]} for name in NAMES
    ]
    went_well(moved(inside, way, *out, *home))
    for place in (volume, seen):
        found = {os.fsencode(path.name): path.read_bytes() for path in place.iterdir()}
        assert found == {name: name for name in NAMES}


def fill_sparse(path: Path, size: int) -> None:
    """Make a file of some data at its begin, in its middle and at its end, and holes between."""
    with path.open("wb") as file:
        for place in (0, size // 2, size - 5):
            file.seek(place)
            file.write(b"data!")


def fill_densely(path: Path, size: int) -> None:
    """Make a file without a hole, quickly."""
    block = random.Random(7).randbytes(MIB)
    with path.open("wb") as file:
        for number in range(size // MIB):
            file.write(number.to_bytes(8, "big") + block[8:])


@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize("way", WAYS)
def test_a_large_file(inside, tmp_path, volume, way, kind):
    """A large file goes in and comes out; what was a hole is a hole on either side."""
    source, back = tmp_path / kind, tmp_path / "back"
    {"dense": fill_densely, "sparse": fill_sparse}[kind](source, LARGE)
    results = moved(
        inside,
        way,
        {"put": str(source), "to": "/volume/large"},
        {"fetch": "/volume/large", "to": str(back)},
    )
    went_well(results)
    for copy in (volume / "large", back):
        assert subprocess.run(["cmp", source, copy], check=False).returncode == 0
        assert kind == "dense" or copy.stat().st_blocks * 512 < MIB
        copy.unlink()
    source.unlink()


def test_symlinks_stay_inside(inside, tmp_path, volume):
    """A symlink in the container leads to a place in the container, however it is written."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    root = inside.root("bare")
    (root / str(outside)[1:]).mkdir(parents=True)
    (root / str(outside)[1:] / "secret").write_text("of the container")
    (volume / "absolute").symlink_to(outside)
    (volume / "relative").symlink_to("../" * 30 + str(outside)[1:])
    for link in ("absolute", "relative"):
        back = tmp_path / link
        results = moved(
            inside,
            "local",
            {"put": __file__, "to": f"/volume/{link}/written"},
            {"put": __file__, "to": f"/../../volume/{link}/climbed"},
            {"fetch": f"/volume/{link}/secret", "to": str(back)},
        )
        went_well(results)
        assert back.read_text() == "of the container"
        for name in ("written", "climbed"):
            (root / str(outside)[1:] / name).unlink()
    assert os.listdir(outside) == ["secret"]
    shutil.rmtree(root / str(outside)[1:])


def test_what_only_runs_have(inside, tmp_path):
    """Files go into what is mounted in the running container alone, as tmpfs is."""
    (tmp_path / "file").write_text("in memory")
    went_well(moved(inside, "local", {"put": str(tmp_path / "file"), "to": "/dev/shm/file"}))
    placed = inside.root("bare") / "dev/shm/file"
    assert placed.read_text() == "in memory"
    placed.unlink()


def test_owners_and_modes(inside, tmp_path):
    """What is new is the user's, with the mode of the file here but nothing for others to write; what is there keeps its own."""
    there = inside.root("bare") / "tmp"
    there.chmod(0o1777)
    source = tmp_path / "source"
    source.write_text("new")
    source.chmod(0o767)
    (there / "old").write_text("something older")
    (there / "old").chmod(0o604)
    os.chown(there / "old", 1000, 2000)
    for user, owner in (("app", 1000), ("root", 0)):
        moves = [{"put": str(source), "to": f"/tmp/{name}"} for name in (user, "old")]
        went_well(moved(inside, "local", *moves, ansible_slipway_user=user))
        seen = (there / user).stat()
        assert (seen.st_uid, seen.st_gid, seen.st_mode & 0o7777) == (owner, owner, 0o745)
        (there / user).unlink()
    seen = (there / "old").stat()
    assert (seen.st_uid, seen.st_gid, seen.st_mode & 0o7777) == (1000, 2000, 0o604)
    assert (there / "old").read_text() == "new"
    (there / "old").unlink()


def test_what_can_not_be_passed(inside, tmp_path):
    """A file that can't be written or read fails the task, which names it and the reason; the host stays reachable."""
    (tmp_path / "file").write_bytes(bytes(2 * MIB))
    secret = inside.root("bare") / "root/secret"
    secret.write_text("secret")
    secret.chmod(0o600)
    here, back = str(tmp_path / "file"), str(tmp_path / "back")
    wrong = [
        ({"put": here, "to": "/nowhere/file"}, "/nowhere/file: No such file or directory"),
        ({"put": here, "to": "/tmp"}, "/tmp is a directory"),
        ({"put": here, "to": "/dev/null"}, "/dev/null is not a regular file"),
        ({"put": here, "to": "/root/secret"}, "/root/secret: Permission denied"),
        ({"put": here, "to": "/etc/new"}, "/etc/new: Permission denied"),
        ({"put": here, "to": "/proc/version"}, "/proc/version is on proc"),
        ({"put": f"{here}.not", "to": "/tmp/file"}, f"{here}.not does not exist"),
        ({"fetch": "/nowhere/file", "to": back}, "/nowhere/file: No such file or directory"),
        ({"fetch": "/root/secret", "to": back}, "/root/secret: Permission denied"),
        ({"fetch": "/tmp", "to": back}, "/tmp is a directory"),
    ]
    results = moved(inside, "local", *(move for move, _why in wrong), ansible_slipway_user="app")
    for (move, why), result in zip(wrong, results):
        assert result["failed"], move
        assert "unreachable" not in result
        assert why in result["msg"]
    assert secret.read_text() == "secret"
    secret.unlink()
