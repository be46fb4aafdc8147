# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine is one archive; it is installed below its root as a whole, and kept while any process runs from it."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from _engine import archive
from _engine.agent import sources
from _engine.agent.install import install
from _engine.model.engine.layout import Layout

#: Installs the content of a packed engine, run from its archive.
DELIVER = """
import sys
sys.path.insert(0, sys.argv[1])
from slipway_oci._engine.agent.install import deliver
print(deliver(*sys.argv[2:]))
"""
VERSION = "version"


@pytest.fixture(scope="module")
def packed(tmp_path_factory) -> Path:
    """Pack the engine."""
    path = tmp_path_factory.mktemp("packed") / "engine.zip"
    path.write_bytes(archive.pack(sources.files()))
    return path


@pytest.fixture
def layout(tmp_path) -> Layout:
    """Return the layout of an engine that does not exist yet."""
    return Layout(str(tmp_path / "root"), str(tmp_path / "run"))


def deliver(packed: Path, layout: Layout) -> Path:
    """Install an archive; return its directory."""
    command = [sys.executable, "-c", DELIVER, packed, layout.root, layout.run_root]
    return Path(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())


def said(layout: Layout, *words: str) -> str:
    """Run the program; return its output."""
    return subprocess.run(
        [layout.agent_program, *words], check=True, capture_output=True, text=True
    ).stdout.strip()


def engines(layout: Layout) -> set[str]:
    """Return the entries beside the link to the current engine."""
    return {*os.listdir(layout.agent)} - {"current"}


def test_the_same_files_are_the_same_bytes(packed):
    """Packing is reproducible, and unpacking returns the files that the name is derived from."""
    files = sources.files()
    assert archive.pack(dict(reversed(files.items()))) == packed.read_bytes()
    assert archive.unpack(str(packed)) == files
    assert archive.name(archive.unpack(str(packed))) == archive.name(files)
    assert archive.name({**files, "_engine/errors.py": b""}) != archive.name(files)
    assert {path.partition("/")[0] for path in files} == {*archive.PARTS}


def test_what_arrives_is_what_the_source_tree_installs(packed, layout):
    """The archive and its source tree install the same engine: private, compiled, with a working program."""
    home = deliver(packed, layout)
    assert engines(layout) == {home.name} == {archive.name(sources.files())}
    before = home.stat()
    assert install(layout) == layout.agent_program
    assert home.stat() == before
    assert said(layout, VERSION)
    assert all(not path.stat().st_mode & 0o077 for path in (home.parent, home, home / "slipway"))
    sources_there = {path.with_suffix("").name for path in home.rglob("*.py")}
    assert {path.name.partition(".")[0] for path in home.rglob("*.pyc")} == sources_there
    install(Layout(layout.root, f"{layout.run_root}-other"))
    assert f"{layout.run_root}-other" in (home / "slipway").read_text()


def test_many_at_once_install_one(packed, layout):
    """Concurrent installations result in one engine, without leftovers."""
    with ThreadPoolExecutor(4) as pool:
        homes = {*pool.map(lambda _number: deliver(packed, layout), range(4))}
    assert engines(layout) == {home.name for home in homes}
    assert len(homes) == 1


def test_another_engine_stays_while_it_runs(layout, tmp_path):
    """An engine that a process runs from is kept until that exits; unused ones and leftovers are removed."""
    for name in ("used", "unused", ".new-killed"):
        Path(layout.agent, name, archive.PACKAGE).mkdir(parents=True)
    fd = os.open(f"{layout.agent}/used", os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_SH)
    install(layout)
    assert engines(layout) == {"used", archive.name(sources.files())}
    os.close(fd)
    Path(layout.agent, "current").unlink()
    install(layout)
    assert engines(layout) == {archive.name(sources.files())}


def test_a_program_that_comes_too_late_runs_the_new_engine(layout):
    """A program whose engine is removed during its start runs the current engine."""
    install(layout)
    late = Path(layout.root, "late")
    home = f"{layout.agent}/{archive.name(sources.files())}"
    late.write_text(Path(layout.agent_program).read_text().replace(repr(home), repr(f"{home}-gone")))
    late.chmod(0o700)
    done = subprocess.run([late, VERSION], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == said(layout, VERSION)


@pytest.mark.parametrize("leads_back", [False, True], ids=["no program", "the same program"])
def test_a_program_whose_engine_is_gone_says_so(layout, leads_back):
    """If there is no other engine, as after a root was moved, the program fails with a remedy."""
    install(layout)
    home = Path(layout.agent, archive.name(sources.files()))
    agent = Path(layout.agent).rename(f"{layout.root}/moved")
    if leads_back:
        Path(layout.agent).mkdir()
        Path(layout.agent, "current").symlink_to(agent / home.name)
    command = [agent / home.name / "slipway", VERSION]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stdout) == (125, "")
    assert done.stderr == f"slipway: {home} is gone. Run a task of slipway.oci to install it again\n"
