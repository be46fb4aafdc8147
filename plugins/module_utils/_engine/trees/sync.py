# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare the files that are wanted with those that are there, and tell what has to change; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, Optional

from ..errors import EngineError, Setting, Words
from ..frozen import dataclass, replace
from ..model.values.sparse import Extents, Piece

FILE, DIRECTORY, SYMLINK, SPECIAL = "file", "directory", "symlink", "special file"
#: What is there and stays, whatever is wanted: excluded, or another mount.
KEPT = "kept"

CREATE, DELETE, KIND, CONTENT = "create", "delete", "kind", "content"
OWNER, GROUP, MODE = "owner", "group", "mode"
#: The file itself is written anew.
REWRITES = frozenset({CREATE, KIND, CONTENT})

Pieces = Callable[[], Iterator[Piece]]

_SETUID = 0o6000
#: Of what is new and of which nobody said otherwise.
_NEW_FILE, _NEW_DIRECTORY = 0o644, 0o755


class KindDiffers(EngineError):
    """A directory would have to become something else, or the other way round; ``path`` names it."""

    code = "kind_differs"


@dataclass(frozen=True)
class Wanted:
    """A file, directory or symlink as it shall be; ``mode``, ``uid``, ``gid`` None: what is there has the right ones.

    What is new has the usual ones then. ``pieces`` gives the content of a file, of ``size`` bytes, and
    ``parts`` what of it is no hole (None: it has none); ``link`` is what a symlink holds.
    """

    kind: str
    mode: Optional[int] = None
    uid: Optional[int] = None
    gid: Optional[int] = None
    size: int = 0
    link: str = ""
    mtime_ns: Optional[int] = None
    pieces: Pieces = lambda: iter(())
    parts: Optional[Callable[[], Extents]] = None
    usual_mode: Optional[int] = None
    usual_uid: int = 0
    usual_gid: int = 0


@dataclass(frozen=True)
class Found:
    """What is there."""

    kind: str
    mode: int = 0
    uid: int = 0
    gid: int = 0
    size: int = 0
    link: str = ""


@dataclass(frozen=True)
class Attributes:
    """What a task says of all files: ids are those of the target's file system; None leaves each as its source says."""

    uid: Optional[int] = None
    gid: Optional[int] = None
    mode: Optional[int] = None
    directory_mode: Optional[int] = None


class Change(NamedTuple):
    """A path, relative to the place, and in which ways it changes (CREATE, CONTENT, MODE, ...)."""

    path: str
    what: tuple[str, ...]


#: By path, relative to the place; ``a/b`` comes with ``a``.
Tree = Mapping[str, Wanted]


def memory(content: bytes, *, mode: Optional[int] = None) -> Wanted:
    """Return a file of this content."""
    return Wanted(FILE, mode=mode, size=len(content), pieces=lambda: iter(((0, content),)))


def with_attributes(tree: Tree, attributes: Attributes) -> dict[str, Wanted]:
    """Return the tree with the owners and modes that a task says outright."""
    return {path: _with(wanted, attributes) for path, wanted in tree.items()}


def _with(wanted: Wanted, said: Attributes) -> Wanted:
    mode = said.directory_mode if wanted.kind == DIRECTORY else said.mode
    return replace(
        wanted,
        uid=wanted.uid if said.uid is None else said.uid,
        gid=wanted.gid if said.gid is None else said.gid,
        mode=wanted.mode if mode is None else mode,
    )


def without_setuid(tree: Tree) -> dict[str, Wanted]:
    """Return the tree without setuid and setgid: what a container made a program of its root is not to be one of another's."""
    return {
        path: replace(wanted, mode=_plain(wanted.mode), usual_mode=_plain(wanted.usual_mode))
        for path, wanted in tree.items()
    }


def _plain(mode: Optional[int]) -> Optional[int]:
    return None if mode is None else mode & ~_SETUID


def owned(tree: Tree, uid: int, gid: int) -> dict[str, Wanted]:
    """Return the tree so that only what is new gets these owners, whatever its source says."""
    return {
        path: replace(wanted, uid=None, gid=None, usual_uid=uid, usual_gid=gid)
        for path, wanted in tree.items()
    }


def below(tree: Tree, top: str) -> dict[str, Wanted]:
    """Return the tree below ``top``, the directories that lead there included; those keep what they have."""
    moved = {f"{top}/{path}" if top else path: wanted for path, wanted in tree.items()}
    above: set[str] = set()
    for path in moved:
        for parent in _above(path):
            if parent in above:
                break
            above.add(parent)
    return {**{path: Wanted(DIRECTORY) for path in above}, **moved}


def compare(
    tree: Tree,
    found: Mapping[str, Found],
    same_content: Callable[[str], bool],
    *,
    delete: bool = False,
    overwrite: bool = False,
) -> list[Change]:
    """Return what has to change, parents first, then what has to go, children first.

    ``delete``: all that is found and not wanted goes. ``overwrite``: a directory may become something else, and something
    else a directory; else that raises KindDiffers.
    """
    changes = []
    for path in sorted(tree, key=lambda path: path.split("/")):
        what = _differences(tree[path], found.get(path), lambda path=path: same_content(path))  # type: ignore[misc]
        if KIND in what and not overwrite:
            _check_kinds(path, tree[path], found[path])
        if what:
            changes.append(Change(path, what))
    return changes + (_deletions(tree, found) if delete else [])


def _differences(wanted: Wanted, found: Optional[Found], same_content: Callable[[], bool]) -> tuple[str, ...]:
    if found is None:
        return (CREATE,)
    if found.kind == KEPT:
        return ()
    if found.kind != wanted.kind:
        return (KIND,)
    what = []
    if wanted.kind == FILE and (wanted.size != found.size or not same_content()):
        what.append(CONTENT)
    if wanted.kind == SYMLINK and wanted.link != found.link:
        what.append(CONTENT)
    if wanted.uid not in (None, found.uid):
        what.append(OWNER)
    if wanted.gid not in (None, found.gid):
        what.append(GROUP)
    if wanted.kind != SYMLINK and wanted.mode not in (None, found.mode):
        what.append(MODE)
    return tuple(what)


def _check_kinds(path: str, wanted: Wanted, found: Found) -> None:
    if DIRECTORY in (wanted.kind, found.kind):
        raise KindDiffers(
            f"{path} is a {found.kind}, and a {wanted.kind} is to be there",
            remedy=Words("Write ", Setting("overwrite", True), " to have it replaced"),
            path=path,
        )


def _deletions(tree: Tree, found: Mapping[str, Found]) -> list[Change]:
    stays = {*tree, *(path for path, item in found.items() if item.kind == KEPT)}
    # A directory with something in it that stays does so too; what is replaced as a whole takes all below with it.
    stays |= {above for path in stays for above in _above(path)}
    replaced = {path for path, wanted in tree.items() if path in found and wanted.kind != DIRECTORY}
    going = [path for path in found if path not in stays and not replaced & {*_above(path)}]
    return [Change(path, (DELETE,)) for path in sorted(going, key=lambda path: path.split("/"), reverse=True)]


def _above(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def settled(wanted: Wanted, found: Optional[Found], what: tuple[str, ...]) -> Wanted:
    """Return what is wanted with owner and mode for all that was left open."""
    kept = found if found is not None and not {CREATE, KIND} & {*what} else None
    usual = _NEW_DIRECTORY if wanted.kind == DIRECTORY else _NEW_FILE
    mode = kept.mode if kept else usual if wanted.usual_mode is None else wanted.usual_mode
    return replace(
        wanted,
        mode=mode if wanted.mode is None else wanted.mode,
        uid=wanted.uid if wanted.uid is not None else kept.uid if kept else wanted.usual_uid,
        gid=wanted.gid if wanted.gid is not None else kept.gid if kept else wanted.usual_gid,
    )
