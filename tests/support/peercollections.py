# SPDX-License-Identifier: GPL-3.0-or-later
"""Other people's collections to compare with: containers.podman and ansible.posix, out of the package ``ansible``, pinned."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from fcntl import LOCK_EX, flock
from pathlib import Path

_WANTED = ("ansible_collections/containers/podman/", "ansible_collections/ansible/posix/")
_PIN = "requirements/peers.txt"


def peer_collections(tree: Path) -> Path:
    """Return a directory for ANSIBLE_COLLECTIONS_PATH with the two; of the package's hundred they alone are kept, in .build."""
    place = tree / ".build/peers"
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("w", encoding="ascii") as file:
        flock(file, LOCK_EX)
        pin, had = (tree / _PIN).read_text(), place / "had"
        if not had.exists() or had.read_text() != pin:
            _download(tree, place)
            had.write_text(pin)
    return place


def _download(tree: Path, place: Path) -> None:
    shutil.rmtree(place / "ansible_collections", ignore_errors=True)
    pip = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--dest",
        place,
        "-r",
        tree / _PIN,
    ]
    subprocess.run(pip, check=True)
    (wheel,) = place.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(place, [name for name in packed.namelist() if name.startswith(_WANTED)])
    wheel.unlink()
