# SPDX-License-Identifier: GPL-3.0-or-later
"""A Debian with Python, sudo, su, sshd and systemd, made by debootstrap once and kept below a directory of the caller's.

All tests share one: it takes debootstrap most of a minute, and some packages more cost it seconds only.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path

from dockerarchive import write_archive

SUITE = "bookworm"
PACKAGES = ("python3", "sudo", "openssh-server", "systemd-sysv", "dbus", "runc", "conmon")
IMAGE = "localhost/debian:1"
#: ``root`` can be reached by su, ``deploy`` has to give its password to sudo, ``admin`` has not.
ROOT_PASSWORD, DEPLOY_PASSWORD = "root's own words", "deploy's own words"
#: Nothing reads these in a test, and they are half of the whole.
_WASTE = (
    "usr/share/doc usr/share/info usr/share/locale usr/share/man var/cache/apt var/lib/apt/lists dev".split()
)
_KEPT_UNUSED = 24 * 60 * 60


def debian_root(cache: Path, *more: str) -> Path:
    """Return the top of an unpacked Debian, with these packages besides; it is for all, so nobody may write to it."""
    return _made(cache, more) / "root"


def debian_archive(cache: Path, *more: str) -> Path:
    """Return the same as an archive for image_load, the image ``localhost/debian:1``, which sleeps unless told otherwise."""
    return _made(cache, more) / "debian.tar"


def _made(cache: Path, more: Sequence[str]) -> Path:
    """Return the directory with both, which is named after all that it is made by: this file and the packages."""
    packages = ",".join([*PACKAGES, *sorted(more)])
    key = hashlib.sha256(Path(__file__).read_bytes() + packages.encode()).hexdigest()[:12]
    place = cache / key
    with _locked(cache):
        if not place.exists():
            _sweep(cache)
            _make(cache / "making", packages)
            (cache / "making").rename(place)
        os.utime(place)
    return place


@contextmanager
def _locked(cache: Path) -> Iterator[None]:
    """Keep others out, who wait: of two test runs the second finds what the first has made."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w", encoding="ascii") as file:
        flock(file, LOCK_EX)
        yield


def _sweep(cache: Path) -> None:
    """Remove what a killed run left, and what nobody has used for a day."""
    for path in cache.iterdir():
        if path.is_dir() and (path.name == "making" or time.time() - path.stat().st_mtime > _KEPT_UNUSED):
            shutil.rmtree(path)


def _make(place: Path, packages: str) -> None:
    place.mkdir()
    root, tar = place / "root", place / "layer.tar"
    # debootstrap mounts /proc in the tree; in a mount namespace of its own that ends with it, however it ends.
    argv = ["unshare", "--mount", "debootstrap", "--variant=minbase", f"--include={packages}", SUITE, root]
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"debootstrap failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    _furnish(root)
    subprocess.run(["tar", "--numeric-owner", "--sort=name", "-cf", tar, "-C", root, "."], check=True)
    config = {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]}
    write_archive(place / "debian.tar", IMAGE, [tar.read_bytes()], **config, Cmd=["sleep", "infinity"])
    tar.unlink()


def _furnish(root: Path) -> None:
    """Add the users, and take out what no test needs."""
    for user in ("deploy", "admin"):
        subprocess.run(["chroot", root, "useradd", "-m", "-s", "/bin/bash", user], check=True)
    passwords = f"root:{ROOT_PASSWORD}\ndeploy:{DEPLOY_PASSWORD}\n"
    subprocess.run(["chroot", root, "chpasswd"], check=True, input=passwords, text=True)
    (root / "etc/sudoers.d/tests").write_text("deploy ALL=(ALL) ALL\nadmin ALL=(ALL) NOPASSWD: ALL\n")
    (root / "etc/resolv.conf").write_text("")  # debootstrap takes this one and the next from the machine
    (root / "etc/hostname").write_text("debian\n")
    (root / "etc/machine-id").write_text("")  # each machine that boots it has its own
    (root / "var/lib/dbus/machine-id").unlink(missing_ok=True)  # which systemd would take
    for name in _WASTE:
        shutil.rmtree(root / name)
        (root / name).mkdir()
